"""Make the messages of a step: wording by arm and language, figures and evidence in the context, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from campaigns.consent.models import ContactPoint
from campaigns.delivery import content, freshness, plan, render
from campaigns.delivery.models import Message
from campaigns.offers import links
from campaigns.offers.models import Quote
from campaigns.operations import bulk_rows
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import tracking, withdrawn
from campaigns.sequences.flow import Flow
from campaigns.sequences.models import Enrolment, StepRun
from campaigns.sequences.tracking import TrackingSpec

FALLBACK_LOCALE = "en"


@dataclass(frozen=True, slots=True)
class Due:
    """One message to plan: `enrolment` with campaign (and its gate), account, contact and entry at hand.

    `due_at` is when the step came due, which may be long past: how late it may go counts from there. One planned anew
    keeps the `send_by` of the one before. `told`: the figures to quote, where those of the entry are old.
    """

    enrolment: Enrolment
    flow: Flow
    step_key: str
    visit: int
    due_at: datetime
    point: ContactPoint
    quote: Quote | None
    send_by: datetime | None = None
    told: Mapping[str, Any] | None = None


def plan_step(*, due: Sequence[Due], now: datetime) -> list[Message]:
    """Messages and their step runs, in the caller's transaction: neither is ever there without the other."""
    if not due:
        return []
    items = [_planned(one, now) for one in due]
    messages = plan.plan_messages(items=items, now=now)
    by_key = {message.dedupe_key: message for message in messages}
    bulk_rows.insert_rows(
        rows=[
            bulk_rows.new_row(
                StepRun,
                enrolment=one.enrolment,
                step_key=one.step_key,
                visit=one.visit,
                outcome=StepRun.Outcome.MESSAGE_PLANNED,
                message=by_key[item.dedupe_key],
                at=now,
            )
            for one, item in zip(due, items, strict=True)
            if item.dedupe_key in by_key
        ]
    )
    return messages


def pick_language(*, contact: Contact, channel: str, available: Mapping[str, Any]) -> str:
    return language_read(language=language_of(contact=contact), channel=channel, available=available)


def language_read(*, language: str, channel: str, available: Mapping[str, Any]) -> str:
    """Whoever reads it, in their language where there is a text in it, else in English, else in the first there is."""
    return content.pick_language(locale=language, channel=channel, available=available)


def language_of(*, contact: Contact) -> str:
    """Of their locale; empty where it is not known."""
    return content.language_of(locale=contact.locale)


def in_reporting_currency(*, amount: Decimal, currency: str) -> Decimal:
    """At the fixed rates of EXCHANGE_RATES, to the cent; 0 for a currency that has no rate."""
    return (amount * settings.EXCHANGE_RATES.get(currency, Decimal(0))).quantize(Decimal("0.01"))


def _planned(one: Due, now: datetime) -> plan.PlannedMessage:
    enrolment, spec = one.enrolment, one.flow.spec
    wording = one.flow.wording(step_key=one.step_key, arm=enrolment.arm)
    gate, channel = enrolment.campaign.gate, one.flow.channel(one.step_key)
    assert gate is not None, "A launched campaign has a gate."
    return plan.PlannedMessage(
        gate=gate,
        contact=enrolment.contact,
        account=enrolment.account,
        point=one.point,
        template_version=wording,
        channel=channel,
        locale=pick_language(contact=enrolment.contact, channel=channel, available=wording.content),
        variant=one.flow.variant(step_key=one.step_key, arm=enrolment.arm),
        context=_context(one, spec.tracking, now),
        origin_step=one.step_key,
        account_revision=enrolment.account.revision,
        priority=spec.limits.priority,
        expected_value=_expected_value(one.quote),
        due_at=one.due_at,
        send_by=one.send_by or one.due_at + timedelta(hours=spec.limits.send_by_hours),
        dedupe_key=f"enrolment:{enrolment.pk}:{one.step_key}:{one.visit}",
        purpose=Message.Purpose(spec.purpose),
        policy=plan.policy_of(channel=channel, purpose=spec.purpose),
        window=(spec.limits.window_from, spec.limits.window_to),
    )


def _context(one: Due, told: TrackingSpec, now: datetime) -> dict[str, Any]:
    enrolment, quote = one.enrolment, one.quote
    context: dict[str, Any] = told_of(
        account=enrolment.account,
        evidence=enrolment.entry.evidence if one.told is None else one.told,
        figures=quote.figures if quote else None,
    )
    context[freshness.AS_OF] = now.isoformat()
    context[withdrawn.OFFER_ID] = quote.offer_id if quote is not None else None
    if quote is not None:
        url = links.offer_url(quote_uuid=quote.uuid, contact_id=enrolment.contact_id)
        context["offer_url"] = tracking.tag_url(url, told.utm)
    if tracking.looks_for_opens(spec=told, contact=enrolment.contact, account=enrolment.account):
        context[render.TRACKS_OPENS] = True
    return context


def told_of(
    *, account: Account, evidence: Mapping[str, Any], figures: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    """What a message tells about an account: `figures` are those of its quote, if the campaign makes an offer."""
    return {
        "account": {"name": account.name or account.external_id, "external_id": account.external_id},
        "evidence": dict(evidence),
        "offer": dict(figures or {}),
    }


def _expected_value(quote: Quote | None) -> Decimal:
    """What an arbitration between campaigns compares: the monthly gain if the answer is yes."""
    if quote is None:
        return Decimal(0)
    return in_reporting_currency(amount=quote.new_mrr - quote.old_mrr, currency=quote.currency)
