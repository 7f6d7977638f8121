"""Made-up readers of the gallery's messages: one with every fact there can be, one with only those a text needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from campaigns.console.gallery import Situation

# What the made-up account pays, and would pay, a month.
_PEOPLE: dict[str, dict[str, str]] = {
    "en": {"first": "Dana", "last": "Levi", "account": "Galil Software", "currency": "EUR", "old": "27", "new": "90"},
    "he": {"first": "דנה", "last": "לוי", "account": "גליל תוכנה", "currency": "ILS", "old": "109", "new": "369"},
    "ro": {"first": "Ioana", "last": "Moga", "account": "Atelier Moga", "currency": "RON", "old": "129", "new": "449"},
}
_FIGURES: dict[str, dict[str, Any]] = {
    "growth": {"value": 41_400, "quota": 50_000, "value_before": 30_000, "growth_percent": 38, "window_days": 28},
    "trial_ending": {"plan_name": "Team"},
    "after_no": {"value": 24, "quota": 25},
}
# What the example is about, where the catalogue is not asked.
UNITS = {"growth": "calls", "gated_feature": ""}
_MONTHS_A_YEAR_COSTS = 10
# As long as a real link to an offer: text messages pay for it.
_LINK = "https://go.example.com/c/mJZ_.q3TzV0b1kW8sYd2L"


def unit_of(situation: Situation) -> str:
    return UNITS.get(situation.key, "seats")


def full(*, situation: Situation, locale: str, now: datetime) -> dict[str, Any]:
    """As a message's context is, every fact known."""
    person = _PEOPLE[locale]
    facts = _frame(person)
    facts["contact"] |= {"first_name": person["first"], "last_name": person["last"]}
    facts["evidence"] = {
        "value": 9,
        "quota": 10,
        "added": 5,
        "added_since": _day(now, -28),
        "projected_hit_date": _day(now, 12),
        "plan_name": "Basic",
        "feature": "sso",
        "attempts": 3,
        "first_at": _day(now, -9),
        "trial_ends_on": _day(now, 7),
        "renews_on": _day(now, 40),
        "monthly": f"{person['new']}.00",
        "currency": person["currency"],
        **_FIGURES.get(situation.key, {}),
    }
    if situation.has_offer:
        facts["offer"] |= {"seat_limit_to": 30, "new_features": ["automation", "sso"]}
    if situation.key == "after_no":
        facts["offer"] |= {"extra_seats": 5, "extra_seats_cost": f"{int(person['old']) // 3 * 5}.00"}
    if situation.key == "renewal":
        yearly = int(person["new"]) * _MONTHS_A_YEAR_COSTS
        facts["offer"] |= {"interval": "YEAR", "charged_per_interval": f"{yearly}.00"}
    return facts


def minimal(*, situation: Situation, locale: str, now: datetime) -> dict[str, Any]:
    """Nobody's first name, no evidence but what the situation needs, of the offer what every quote has."""
    facts = full(situation=situation, locale=locale, now=now)
    needed = {name.partition(".")[2] for name in situation.needs if name.startswith("evidence.")}
    evidence = {name: value for name, value in facts["evidence"].items() if name in needed}
    return {**_frame(_PEOPLE[locale]), "evidence": evidence, "offer": _offer(_PEOPLE[locale], situation.has_offer)}


def _frame(person: dict[str, str]) -> dict[str, Any]:
    return {
        "contact": {"first_name": "", "last_name": "", "locale": ""},
        "account": {"name": person["account"], "external_id": "acc-1"},
        "links": dict.fromkeys(("unsubscribe", "preferences", "view", "offer"), _LINK),
        "offer": _offer(person, has_offer=True),
    }


def _offer(person: dict[str, str], has_offer: bool) -> dict[str, Any]:
    if not has_offer:
        return {}
    return {
        "plan_from": "Basic",
        "plan_to": "Team",
        "old_monthly": f"{person['old']}.00",
        "new_monthly": f"{person['new']}.00",
        "difference": f"{int(person['new']) - int(person['old'])}.00",
        "charged_per_interval": f"{person['new']}.00",
        "currency": person["currency"],
        "interval": "MONTH",
        "new_features": [],
    }


def _day(now: datetime, days: int) -> str:
    return (now + timedelta(days=days)).date().isoformat()
