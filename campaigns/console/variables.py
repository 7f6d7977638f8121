"""The words from data that a text may use, named for people, with a sample value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from campaigns.sequences import wording


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
        found.append(Variable(name, titles[name], _insert(name), str(value)))
    return found


def _insert(name: str) -> str:
    if name == "contact.first_name":
        return "{{ contact.first_name | default: '' }}"
    if name in ("offer.new_monthly", "offer.old_monthly", "offer.difference", "offer.extra_seats_cost"):
        return f"{{{{ {name} | money: offer.currency }}}}"
    if name in ("evidence.projected_hit_date", "evidence.day", "evidence.since", "offer.valid_until"):
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
        "offer.plan_to": _("Plan offered"),
        "offer.new_monthly": _("Price a month, offered"),
        "offer.old_monthly": _("Price a month, now"),
        "offer.difference": _("Difference a month"),
        "offer.seat_limit_to": _("Seats in the plan offered"),
        "offer.extra_seats": _("Seats missing"),
        "offer.extra_seats_cost": _("What they would cost"),
        "offer.valid_until": _("Price valid until"),
        "links.offer": _("Link to the offer"),
    }
