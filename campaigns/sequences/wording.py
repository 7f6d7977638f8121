"""A campaign file's texts as delivery takes them, and the variables a text may use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from campaigns.sequences import snippets, tracking
from orchestrator.templating import mask

# What a message's texts may name, with sample values for trying them out before anybody gets them.
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
# The host of a new webhook, which nobody has given an address yet; the name is reserved and never resolves.
NOWHERE = "fill-in.invalid"


def variables(*, has_offer: bool) -> dict[str, Any]:
    """{dotted name: sample}; the offer's only where the campaign makes one."""
    return {**VARIABLES, **OFFER_VARIABLES} if has_offer else dict(VARIABLES)


def delivery_content(
    *,
    channel: str,
    content: Mapping[str, Mapping[str, str]],
    has_offer: bool,
    utm: Mapping[str, str] | None = None,
    at: datetime | None = None,
) -> dict[str, dict[str, str]]:
    """By locale, with the snippets that it includes (as they were `at`, else as they are) and with `utm` on the links
    of a mail. An in-app text has the HTML that the feed carries made from its parts; a webhook's body, an object in
    the file, is text."""
    if channel == "webhook":
        return {locale: {"url": texts["url"], "body": _as_text(texts["body"])} for locale, texts in content.items()}
    whole = snippets.expand(content=content, at=at)
    if channel == "email":
        return {
            locale: texts | {"mjml": tracking.tag_links(texts["mjml"], utm or {})} for locale, texts in whole.items()
        }
    if channel != "in_app":
        return whole
    return {locale: {**texts, "html": _banner(texts, has_offer=has_offer)} for locale, texts in whole.items()}


def _as_text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _banner(texts: Mapping[str, str], *, has_offer: bool) -> str:
    parts = [f"<h2>{_text(texts['title'])}</h2>", f"<p>{_text(texts['body'])}</p>"]
    if texts.get("button") and has_offer:
        parts.append(f'<p><a href="{{{{ links.offer }}}}">{_text(texts["button"])}</a></p>')
    return "".join(parts)


def _text(source: str) -> str:
    """Plain text as HTML, the Liquid in it left alone."""
    kept = mask.Mask(source)
    return kept.restore(escape(kept.text, quote=False))
