"""What a message's texts may name, with sample values for trying them out before anybody gets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VARIABLES: Mapping[str, Any] = {
    "contact.first_name": "Noa",
    "contact.last_name": "Levi",
    "contact.locale": "en",
    "account.name": "Harbour Line",
    "account.external_id": "acc-1",
    "links.unsubscribe": "https://example.com/u/token",
    "links.preferences": "https://example.com/p/token",
    "links.view": "https://example.com/v/token",
    "evidence.meter": "seats_used",
    "evidence.meter_name": "Seats used",
    "evidence.level": 80,
    "evidence.value": 24,
    "evidence.quota": 30,
    "evidence.percent": 80,
    "evidence.day": "2026-03-01",
    "evidence.unit": "seats",
    "evidence.growth_28d": 0.2,
    "evidence.growth_percent": 20,
    "evidence.value_before": 20,
    "evidence.window_days": 28,
    "evidence.added_28d": 4,
    "evidence.added": 4,
    "evidence.added_since": "2026-02-01",
    "evidence.since": "2026-02-01",
    "evidence.event": "premium_feature_attempted",
    "evidence.feature": "sso",
    "evidence.attempts": 3,
    "evidence.first_at": "2026-02-20T09:30:00+00:00",
    "evidence.last_at": "2026-02-27T16:10:00+00:00",
    "evidence.projected_hit_date": "2026-04-01",
    "evidence.plan": "basic",
    "evidence.plan_name": "Basic",
    "evidence.period_start": "2026-03-01",
    "evidence.monthly": "29.00",
    "evidence.currency": "USD",
    "evidence.interval": "MONTH",
    "evidence.renews_on": "2026-04-15",
    "evidence.trial_ends_on": "2026-03-20",
}
OFFER_VARIABLES: Mapping[str, Any] = {
    "links.offer": "https://example.com/c/token",
    "offer.plan_from": "Basic",
    "offer.plan_to": "Team",
    "offer.plan_from_code": "basic",
    "offer.plan_to_code": "team",
    "offer.old_monthly": "29.00",
    "offer.new_monthly": "99.00",
    "offer.difference": "70.00",
    "offer.currency": "USD",
    "offer.interval": "MONTH",
    "offer.charged_per_interval": "99.00",
    "offer.charged_now": "29.00",
    "offer.pricing_model": "FLAT",
    "offer.quantity": 1,
    "offer.seats": 24,
    "offer.seat_limit_from": 30,
    "offer.seat_limit_to": 100,
    "offer.new_features": ["automation"],
    "offer.extra_seats": 5,
    "offer.extra_seats_cost": "90.00",
    "offer.extra_seat_price": "18.00",
    "offer.saves_against_extra_seats": "20.00",
    "offer.cheaper_than_extra_seats": 4,
    "offer.valid_until": "2026-04-01",
}


def variables(*, has_offer: bool) -> dict[str, Any]:
    """{dotted name: sample}; the offer's only where the campaign makes one."""
    return {**VARIABLES, **OFFER_VARIABLES} if has_offer else dict(VARIABLES)
