"""The words from data that a text may use, named for people, with a sample value."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.sequences import snippets, wording
from campaigns.sequences.models import Snippet

_DAYS = (
    "evidence.projected_hit_date", "evidence.day", "evidence.since", "evidence.renews_on", "evidence.trial_ends_on",
    "evidence.added_since", "evidence.first_at", "offer.valid_until",
)  # fmt: skip

_PRICES = (
    "offer.new_monthly", "offer.old_monthly", "offer.difference", "offer.extra_seats_cost", "offer.extra_seat_price",
    "offer.saves_against_extra_seats",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variable:
    """`insert` is what the picker puts into the text."""

    name: str
    title: str
    insert: str
    sample: str


def list_variables(*, has_offer: bool, facts: Mapping[str, Any]) -> list[Variable]:
    """Samples are those of the person shown in the preview where there are any."""
    titles = _titles()
    found = []
    for name, sample in wording.variables(has_offer=has_offer).items():
        if name not in titles:
            continue
        group, _dot, key = name.partition(".")
        value = (facts.get(group) or {}).get(key, sample)
        found.append(Variable(name, titles[name], _insert(name), _shown(name, value)))
    return found


def list_snippets(*, locale: str) -> list[Variable]:
    """Named texts, each with what it says in the language."""
    names = dict(Snippet.objects.order_by("name", "pk").values_list("slug", "name"))
    texts = snippets.load(slugs=names)
    return [
        Variable(slug, name, f"{{% include '{slug}' %}}", texts[slug].get(locale) or texts[slug].get("en", ""))
        for slug, name in names.items()
        if slug in texts
    ]


def _shown(name: str, value: Any) -> str:
    """As a reader would see it, near enough: a day without its hour, several as a list."""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    if name in _DAYS:
        with contextlib.suppress(ValueError):
            day = datetime.fromisoformat(str(value)).date()
            return str(format_date(day, "long", locale=get_language() or "en"))
    return str(value)


def _insert(name: str) -> str:
    if name == "contact.first_name":
        return "{{ contact.first_name | default: '' }}"
    if name in _PRICES:
        return f"{{{{ {name} | money: offer.currency }}}}"
    if name == "evidence.monthly":
        return "{{ evidence.monthly | money: evidence.currency }}"
    if name in _DAYS:
        return f"{{{{ {name} | date: 'long' }}}}"
    return f"{{{{ {name} }}}}"


def _titles() -> dict[str, str]:
    return {
        "contact.first_name": _("First name"),
        "contact.last_name": _("Last name"),
        "account.name": _("Account’s name"),
        "evidence.value": _("Used so far"),
        "evidence.quota": _("The plan’s limit"),
        "evidence.percent": _("Used, in percent"),
        "evidence.meter_name": _("What is counted"),
        "evidence.unit": _("Unit"),
        "evidence.added_28d": _("Added in four weeks"),
        "evidence.projected_hit_date": _("Day the limit is reached"),
        "evidence.plan_name": _("Plan now"),
        "evidence.added": _("Added lately"),
        "evidence.added_since": _("Added since this day"),
        "evidence.growth_percent": _("Growth, in percent"),
        "evidence.value_before": _("Used in the period before"),
        "evidence.window_days": _("Days of the period"),
        "evidence.attempts": _("Attempts"),
        "evidence.feature": _("Feature that was tried"),
        "evidence.first_at": _("First attempt"),
        "offer.new_features": _("Features the plan adds"),
        "evidence.currency": _("Currency of the subscription"),
        "evidence.monthly": _("Price a month, by subscription"),
        "evidence.renews_on": _("Day the plan renews"),
        "evidence.trial_ends_on": _("Day the trial ends"),
        "offer.plan_to": _("Plan offered"),
        "offer.new_monthly": _("Price a month, offered"),
        "offer.old_monthly": _("Price a month, now"),
        "offer.difference": _("Difference a month"),
        "offer.seat_limit_to": _("Seats in the plan offered"),
        "offer.extra_seats": _("Extra seats compared"),
        "offer.extra_seats_cost": _("What they would cost"),
        "offer.extra_seat_price": _("Price of one extra seat"),
        "offer.saves_against_extra_seats": _("Saved against extra seats"),
        "offer.cheaper_than_extra_seats": _("Cheaper than so many extra seats"),
        "offer.valid_until": _("Price valid until"),
        "links.offer": _("Link to the offer"),
    }
