"""Every fact a rule can be about in this installation, with the names that stand in its lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.utils.translation import get_language_info, pgettext
from django.utils.translation import gettext as _

from campaigns.billing.models import Interval, Plan, Subscription
from campaigns.consent.models import ConsentTopic
from campaigns.console.forms import facts
from campaigns.console.forms.facts import Compared, Document, Fact, Trait
from campaigns.console.forms.other_facts import BucketFact, ConsentFact, EventFact, SegmentFact
from campaigns.console.forms.sentence import Option, Values
from campaigns.console.forms.usage_facts import UsageFact
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.segments.figures import country_name
from campaigns.segments.models import Segment
from campaigns.usage.models import Meter

# Lists of names seen lately are made from so many of the newest rows: a form must not read a whole table.
SEEN_ROWS = 5_000
SEEN_NAMES = 200


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`suggestions` are lists for free text fields, by the id of the list."""

    facts: dict[str, Fact]
    suggestions: dict[str, list[str]] = field(default_factory=dict)

    def read(self, document: Document) -> tuple[Fact, Values] | None:
        """The fact that says the condition exactly; None: the form keeps it as it is."""
        for fact in self.facts.values():
            values = fact.read(document)
            if values is not None:
                return fact, values
        return None

    def groups(self) -> list[tuple[str, list[Option]]]:
        found: dict[str, list[Option]] = {}
        for fact in self.facts.values():
            found.setdefault(fact.group, []).append((fact.key, fact.label))
        return list(found.items())

    def get(self, key: str) -> Fact:
        return self.facts.get(key) or next(iter(self.facts.values()))


def load(*, own_slug: str = "") -> Catalogue:
    """`own_slug`: the segment being edited, which can't be made of itself."""
    made: list[Fact] = [
        *_account_facts(),
        *_subscription_facts(),
        *(UsageFact(meter, _("Usage")) for meter in Meter.objects.order_by("name", "code")),
        EventFact(_("Usage"), suggestions="seen-events"),
        *_contact_facts(),
        BucketFact(_("More")),
    ]
    segments = Segment.objects.filter(live_version__isnull=False, archived_at__isnull=True).exclude(slug=own_slug)
    others = list(segments.order_by("name").values_list("slug", "name"))
    if others:
        made.append(SegmentFact(_("More"), segments=others))
    suggestions = {
        "seen-events": seen_events(),
        "seen-account-traits": _seen_keys("profiles_account"),
        "seen-contact-traits": _seen_keys("profiles_contact"),
    }
    return Catalogue({fact.key: fact for fact in made}, suggestions)


def _account_facts() -> Iterable[Fact]:
    group = _("Account")
    plans = list(Plan.objects.order_by("rank", "code").values_list("code", "name"))
    countries = countries_of(Account)
    yield Compared(
        "account.plan", _("Plan"), group,
        head={"field": "account.plan"}, ops=facts.CHOICE, options=plans, choose=_("Choose a plan."),
    )  # fmt: skip
    yield Compared(
        "account.country", _("Country"), group,
        head={"field": "account.country"}, ops=facts.CHOICE, options=countries, choose=_("Choose a country."),
    )  # fmt: skip
    yield Compared("account.name", _("Account name"), group, head={"field": "account.name"}, ops=facts.TEXT)
    yield Compared("account.domain", _("Web domain"), group, head={"field": "account.domain"}, ops=facts.TEXT)
    yield Compared(
        "account.created_at", _("Account created"), group, head={"field": "account.created_at"}, ops=facts.SINCE
    )
    yield Trait("account", _("Trait"), group, suggestions="seen-account-traits")


def _subscription_facts() -> Iterable[Fact]:
    group = _("Subscription")
    intervals = [(Interval.MONTH.value, _("monthly")), (Interval.YEAR.value, _("yearly"))]
    names = {"TRIALING": _("on trial"), "ACTIVE": _("active"), "PAST_DUE": _("past due")}
    statuses = [(state.value, names[state.value]) for state in Subscription.RUNNING]
    for key, label, ops, options in (
        ("renewal_in", _("Renewal"), facts.AHEAD, []),
        ("interval", _("Billed"), facts.CHOICE[:2], intervals),
        ("status", _("Subscription"), facts.CHOICE[:2], statuses),
        ("mrr", _("MRR"), facts.NUMBER, []),
        ("quantity", _("Quantity paid for"), facts.NUMBER, []),
        ("age", _("Subscribed"), facts.AGE, []),
        ("trial_ends_in", _("End of the trial"), facts.AHEAD, []),
        ("cancel_scheduled", _("Cancellation"), facts.SCHEDULED, []),
    ):
        head = {"subscription": key}
        yield Compared(f"subscription.{key}", label, group, head=head, ops=ops, options=options)


def _contact_facts() -> Iterable[Fact]:
    group = _("Contacts")
    roles = {
        "OWNER": pgettext("role", "owner"),
        "ADMIN": pgettext("role", "administrator"),
        "BILLING": pgettext("role", "billing"),
        "MEMBER": pgettext("role", "member"),
    }
    topics = list(ConsentTopic.objects.order_by("-is_marketing", "name").values_list("slug", "name"))
    for key, label, field_name, options in (
        ("contact.locale", _("A contact’s language"), "contact.locale", _languages()),
        ("contact.country", _("A contact’s country"), "contact.country", countries_of(Contact)),
        (
            "membership.role",
            _("A contact’s role"),
            "membership.role",
            [(r.value, roles[r.value]) for r in Membership.Role],
        ),
    ):
        yield Compared(key, label, group, head={"field": field_name}, ops=facts.PEOPLE_CHOICE, options=options)
    yield Trait("contact", _("A contact’s trait"), group, suggestions="seen-contact-traits")
    if topics:
        channels = [("email", _("e-mail")), ("in_app", _("in-app messages")), ("sms", _("SMS"))]
        yield ConsentFact(group, channels=channels, topics=topics)


def _languages() -> list[Option]:
    known = [(code, get_language_info(code)["name_translated"]) for code, _name in settings.LANGUAGES]
    return known + [(code, code) for code, _name in _seen(Contact, "locale") if code not in dict(known)]


def countries_of(model: type[Account] | type[Contact]) -> list[Option]:
    return sorted(((code, country_name(code)) for code, _name in _seen(model, "country")), key=lambda one: one[1])


def _seen(model: type[Account] | type[Contact], column: str) -> list[Option]:
    newest = model._default_manager.exclude(**{column: ""}).order_by("-pk").values_list(column, flat=True)
    names = sorted(set(newest[:SEEN_ROWS]))[:SEEN_NAMES]
    return [(name, name) for name in names]


def seen_events() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT name FROM (SELECT name FROM usage_usageevent ORDER BY at DESC, id DESC LIMIT %s) newest"
            " ORDER BY name LIMIT %s",
            [SEEN_ROWS, SEEN_NAMES],
        )
        return [row[0] for row in cursor.fetchall()]


def _seen_keys(table: str) -> list[str]:
    statement = (
        "SELECT DISTINCT jsonb_object_keys(traits) AS key FROM"  # noqa: S608  (the table's name is our own)
        f" (SELECT traits FROM {table} WHERE traits <> '{{}}' ORDER BY id DESC LIMIT %s) newest ORDER BY key LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [SEEN_ROWS // 10, SEEN_NAMES])
        return [row[0] for row in cursor.fetchall()]
