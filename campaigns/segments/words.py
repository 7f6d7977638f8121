"""Conditions in plain words: what a marketer reads instead of operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language_info, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

from campaigns.billing.models import Plan
from campaigns.segments import nodes
from campaigns.segments.comparing import AT_LEAST_ONE
from campaigns.segments.figures import country_name, number
from campaigns.segments.models import Segment
from campaigns.usage.models import Meter


@dataclass(frozen=True, slots=True)
class Names:
    """Display names by code; what is not in there is shown as its code."""

    plans: Mapping[str, str] = field(default_factory=dict)
    meters: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Names:
        return cls(
            plans=dict(Plan.objects.values_list("code", "name")),
            meters=dict(Meter.objects.values_list("code", "name")),
            segments=dict(Segment.objects.values_list("slug", "name")),
        )


def sentence(node: nodes.Node, *, names: Names | None = None, subject: nodes.Subject = "account") -> str:
    """One sentence in the reader's language, without full stop. `subject`: whom the conditions are about."""
    names = names or Names.load()
    if isinstance(node, nodes.All):
        return _join(node.children, _("and"), _("Everyone"), names, subject)
    if isinstance(node, nodes.Any):
        return _join(node.children, _("or"), _("Nobody"), names, subject)
    if isinstance(node, nodes.Not | nodes.AnyContact | nodes.AnyAccount):
        return _about_the_whole(node, names, subject)
    return _WRITERS[type(node)](node, names)


def label(node: nodes.Node, *, names: Names) -> str:
    """What a condition is about, as far as its figures leave nothing else to say: “Seats used”, “Plan”."""
    if isinstance(node, nodes.Usage | nodes.Crossing):
        return names.meters.get(node.meter, node.meter)
    if isinstance(node, nodes.Field) and not node.keys:
        return str(_FIELDS[node.full_name])
    if isinstance(node, nodes.SubscriptionTest):
        return str(_SUBSCRIPTION[node.name])
    return sentence(node, names=names)


def _about_the_whole(
    node: nodes.Not | nodes.AnyContact | nodes.AnyAccount, names: Names, subject: nodes.Subject
) -> str:
    child, whole = node.child, _("Not: %(condition)s")
    if isinstance(node, nodes.AnyContact):
        whole = _("One and the same contact: %(condition)s")
    elif isinstance(node, nodes.AnyAccount):
        whole = _("One and the same account: %(condition)s")
    elif isinstance(child, nodes.AnyContact):
        child, whole = child.child, _("No contact at all: %(condition)s")
    elif isinstance(child, nodes.AnyAccount):
        child, whole = child.child, _("No account at all: %(condition)s")
    elif isinstance(child, nodes.Any) and len(child.children) > 1:
        whole = _("None of these: %(condition)s")
    elif isinstance(child, nodes.All) and len(child.children) > 1:
        whole = _("Not all of these: %(condition)s")
    return whole % {"condition": sentence(child, names=names, subject=subject)}


def _join(children: tuple[nodes.Node, ...], word: str, empty: str, names: Names, subject: nodes.Subject) -> str:
    if not children:
        return empty
    parts = [sentence(child, names=names, subject=subject) for child in children]
    if len(children) > 1:
        parts = [f"({part})" if _is_compound(child) else part for child, part in zip(children, parts, strict=True)]
    return f" {word} ".join(parts)


def _is_compound(node: nodes.Node) -> bool:
    """Whether it would run into what stands beside it."""
    if isinstance(node, nodes.All | nodes.Any) and len(node.children) > 1:
        return True
    return any(_is_compound(child) for child in nodes.children_of(node))


_FIELDS = {
    "account.external_id": gettext_lazy("Account ID"),
    "account.name": gettext_lazy("Account name"),
    "account.domain": gettext_lazy("Domain"),
    "account.country": gettext_lazy("Country"),
    "account.plan": gettext_lazy("Plan"),
    "account.created_at": gettext_lazy("Account created"),
    "contact.external_id": gettext_lazy("Contact ID"),
    "contact.email": gettext_lazy("E-mail"),
    "contact.phone": gettext_lazy("Phone"),
    "contact.first_name": gettext_lazy("First name"),
    "contact.last_name": gettext_lazy("Last name"),
    "contact.locale": gettext_lazy("Contact’s language"),
    "contact.timezone": gettext_lazy("Contact’s time zone"),
    "contact.country": gettext_lazy("Contact’s country"),
    "contact.created_at": gettext_lazy("Contact created"),
    "membership.role": gettext_lazy("Role"),
}
_SUBSCRIPTION = {
    "plan": gettext_lazy("Plan"),
    "status": gettext_lazy("Subscription status"),
    "interval": gettext_lazy("Billing interval"),
    "mrr": gettext_lazy("Monthly revenue"),
    "quantity": gettext_lazy("Quantity"),
    "cancel_scheduled": gettext_lazy("Cancellation is scheduled"),
    "age": gettext_lazy("Subscription’s age"),
    "renewal_in": gettext_lazy("Time until renewal"),
    "trial_ends_in": gettext_lazy("Time until the trial ends"),
}
_CODES = {
    "membership.role": {
        "OWNER": pgettext_lazy("role", "owner"),
        "ADMIN": pgettext_lazy("role", "administrator"),
        "BILLING": pgettext_lazy("role", "billing"),
        "MEMBER": pgettext_lazy("role", "member"),
    },
    "subscription.interval": {"MONTH": gettext_lazy("monthly"), "YEAR": gettext_lazy("yearly")},
    "subscription.status": {
        "TRIALING": gettext_lazy("on trial"),
        "ACTIVE": gettext_lazy("active"),
        "PAST_DUE": gettext_lazy("past due"),
    },
}
_SCORES = {
    "health": gettext_lazy("Health score"),
    "propensity": gettext_lazy("Likelihood of an upgrade"),
    "churn": gettext_lazy("Risk of churn"),
    "uplift": gettext_lazy("Expected uplift"),
}
_OPS = {
    "=": gettext_lazy("%(what)s is %(value)s"),
    "!=": gettext_lazy("%(what)s is not %(value)s"),
    "in": gettext_lazy("%(what)s is one of %(value)s"),
    "not_in": gettext_lazy("%(what)s is none of %(value)s"),
    "contains": gettext_lazy("%(what)s contains %(value)s"),
    "starts_with": gettext_lazy("%(what)s starts with %(value)s"),
    "ends_with": gettext_lazy("%(what)s ends with %(value)s"),
    "<": gettext_lazy("%(what)s is less than %(value)s"),
    "<=": gettext_lazy("%(what)s is at most %(value)s"),
    ">": gettext_lazy("%(what)s is more than %(value)s"),
    ">=": gettext_lazy("%(what)s is at least %(value)s"),
    "between": gettext_lazy("%(what)s is between %(low)s and %(high)s"),
    "before": gettext_lazy("%(what)s is before %(value)s"),
    "after": gettext_lazy("%(what)s is after %(value)s"),
    "within": gettext_lazy("%(what)s is within the last %(value)s"),
    "is_set": gettext_lazy("%(what)s is known"),
    "is_not_set": gettext_lazy("%(what)s is not known"),
}


def _compare(what: Any, comparison: nodes.Comparison, show: Callable[[nodes.Value], str] | None = None) -> str:
    shown = [(show or show_value)(value) for value in comparison.values]
    told = {"what": str(what), "value": ", ".join(shown)}
    if comparison.op == "between":
        told |= {"low": shown[0], "high": shown[1]}
    return str(_OPS[comparison.op]) % told


def show_value(value: nodes.Value) -> str:
    if isinstance(value, nodes.Text):
        return value.value
    if isinstance(value, nodes.Number):
        return number(value.value)
    if isinstance(value, nodes.Truth):
        return _("yes") if value.value else _("no")
    if isinstance(value, nodes.Duration):
        return show_duration(value)
    return value.text.removesuffix("T00:00:00Z")


def show_duration(duration: nodes.Duration) -> str:
    count = int(duration.text[:-1])
    told = {"count": count}
    if duration.text.endswith("h"):
        return ngettext("%(count)d hour", "%(count)d hours", count) % told
    if duration.text.endswith("d"):
        return ngettext("%(count)d day", "%(count)d days", count) % told
    return ngettext("%(count)d week", "%(count)d weeks", count) % told


def _share(value: nodes.Value) -> str:
    assert isinstance(value, nodes.Number)
    return _percent(value.value * 100)


def _percent(value: Any) -> str:
    """With its sign, which languages put apart from the number or not."""
    return _("%(number)s %%") % {"number": number(value)}


def _field(node: nodes.Field, names: Names) -> str:
    if node.full_name == "account.plan":
        return _compare(_FIELDS[node.full_name], node.comparison, _plan_names(names))
    if node.name == "country" and not node.keys:
        return _compare(_FIELDS[node.full_name], node.comparison, lambda value: country_name(show_value(value)))
    if node.full_name == "contact.locale":
        return _compare(_FIELDS[node.full_name], node.comparison, _language)
    if node.full_name in _CODES:
        return _compare(_FIELDS[node.full_name], node.comparison, _named(node.full_name))
    if node.keys:
        what = _("Contact’s %(trait)s") if node.owner == "contact" else "%(trait)s"
        return _compare(what % {"trait": ".".join(node.keys).replace("_", " ")}, node.comparison)
    return _compare(_FIELDS[node.full_name], node.comparison)


def _language(value: nodes.Value) -> str:
    code = show_value(value)
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def _named(field: str) -> Callable[[nodes.Value], str]:
    return lambda value: str(_CODES[field].get(show_value(value), show_value(value)))


def _plan_names(names: Names) -> Callable[[nodes.Value], str]:
    return lambda value: names.plans.get(show_value(value), show_value(value))


def _usage(node: nodes.Usage, names: Names) -> str:
    meter = names.meters.get(node.meter, node.meter)
    days = node.days or 0
    told = {"meter": meter, "span": ngettext("%(count)d day", "%(count)d days", days) % {"count": days}}
    kinds = {
        "sum": _("%(meter)s in total over %(span)s"),
        "avg": _("%(meter)s on average over %(span)s"),
        "min": _("Lowest %(meter)s in %(span)s"),
        "max": _("Highest %(meter)s in %(span)s"),
        "last": _("%(meter)s (newest of %(span)s)") if node.days else "%(meter)s",
    }
    what = kinds[node.agg] % told
    if node.comparison.op in ("is_set", "is_not_set") or node.per is None:
        return _compare(what, node.comparison)
    if node.per == "quota":
        return _("%(condition)s of the quota") % {"condition": _compare(what, node.comparison, _share)}
    return _growth(what, node)


def _growth(what: str, node: nodes.Usage) -> str:
    """Ratios to the days before read as growth where that is what is asked."""
    first = node.comparison.values[0]
    assert isinstance(first, nodes.Number)
    if node.comparison.op == ">=" and first.value > 1:
        grown = _percent((first.value - 1) * 100)
        return _("%(what)s grew by at least %(share)s against the days before") % {"what": what, "share": grown}
    if node.comparison.op == "<=" and first.value < 1:
        fallen = _percent((1 - first.value) * 100)
        return _("%(what)s fell by at least %(share)s against the days before") % {"what": what, "share": fallen}
    told = _compare(what, node.comparison, _share)
    return _("%(condition)s of the days before") % {"condition": told}


def _event(node: nodes.Event, names: Names) -> str:
    what = node.name.replace("_", " ").capitalize()
    if node.where:
        tests = [_compare(".".join(test.keys).replace("_", " "), test.comparison) for test in node.where]
        what = _("%(event)s where %(tests)s") % {"event": what, "tests": f" {_('and')} ".join(tests)}
    return _counted(what, node.count, node.window)


def _counted(what: str, count: nodes.Comparison, window: nodes.Duration | None) -> str:
    told = {"what": what, "often": _often(count)}
    if window is None:
        return _("%(what)s: %(often)s") % told
    return _("%(what)s: %(often)s in the last %(window)s") % {**told, "window": show_duration(window)}


def _often(count: nodes.Comparison) -> str:
    numbers = [int(value.value) for value in count.values if isinstance(value, nodes.Number)]
    first = numbers[0]
    if count == AT_LEAST_ONE:
        return _("at least once")
    if first == 0 and count.op in ("=", "<="):
        return _("never")
    if count.op == "between":
        return _("between %(low)d and %(high)d times") % {"low": first, "high": numbers[1]}
    forms = {
        "=": ngettext("exactly %(times)d time", "exactly %(times)d times", first),
        "!=": ngettext("not exactly %(times)d time", "not exactly %(times)d times", first),
        "<": ngettext("less than %(times)d time", "less than %(times)d times", first),
        "<=": ngettext("at most %(times)d time", "at most %(times)d times", first),
        ">": ngettext("more than %(times)d time", "more than %(times)d times", first),
        ">=": ngettext("at least %(times)d time", "at least %(times)d times", first),
    }
    return forms[count.op] % {"times": first}


def _crossing(node: nodes.Crossing, names: Names) -> str:
    return _("%(meter)s passed %(level)d %% of the quota in the last %(window)s") % {
        "meter": names.meters.get(node.meter, node.meter),
        "level": node.level,
        "window": show_duration(node.window),
    }


def _subscription(node: nodes.SubscriptionTest, names: Names) -> str:
    show = _plan_names(names) if node.name == "plan" else None
    if f"subscription.{node.name}" in _CODES:
        show = _named(f"subscription.{node.name}")
    return _compare(_SUBSCRIPTION[node.name], node.comparison, show)


def _score(node: nodes.ScoreTest, _names: Names) -> str:
    return _compare(_SCORES[node.kind], node.comparison)


def _engagement(node: nodes.Engagement, names: Names) -> str:
    facts = {
        "sent": _("Message sent"),
        "delivered": _("Message delivered"),
        "opened": _("Message opened"),
        "clicked": _("Message clicked"),
        "replied": _("Message answered"),
        "dismissed": _("Message dismissed"),
        "unsubscribed": _("Unsubscribed from a message"),
        "complained": _("Message marked as spam"),
        "converted": _("Upgraded after a message"),
    }
    step = node.step if node.campaign else names.steps.get(node.step or "", node.step)
    details = [detail for detail in (node.campaign, step, node.channel) if detail]
    what = f"{facts[node.fact]} ({', '.join(details)})" if details else facts[node.fact]
    return _counted(what, node.count, node.window)


def _consent(node: nodes.Consent, _names: Names) -> str:
    states = {"granted": _("granted"), "withdrawn": _("withdrawn"), "unknown": _("not known")}
    return _("Consent for %(topic)s by %(channel)s is %(state)s") % {
        "topic": node.topic,
        "channel": node.channel,
        "state": states[node.state],
    }


def _segment(node: nodes.SegmentRef, names: Names) -> str:
    return _("In the segment %(name)s") % {"name": names.segments.get(node.slug, node.slug)}


def _bucket(node: nodes.Bucket, _names: Names) -> str:
    return _("In the random share %(low)s–%(high)s %% of %(name)s") % {
        "low": number(node.low),
        "high": number(node.high),
        "name": node.name,
    }


_WRITERS: dict[type, Callable[[Any, Names], str]] = {
    nodes.Field: _field,
    nodes.Usage: _usage,
    nodes.Event: _event,
    nodes.Crossing: _crossing,
    nodes.SubscriptionTest: _subscription,
    nodes.ScoreTest: _score,
    nodes.Engagement: _engagement,
    nodes.Consent: _consent,
    nodes.SegmentRef: _segment,
    nodes.Bucket: _bucket,
}
