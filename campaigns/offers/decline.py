"""Say no to a quote, or ask for a call. A no has a reason, and peace until its cool-down is over.

A yes that waits for us can be taken back by a no, also to another quote for the same plan: it is not charged later.
A no that comes too late for that (the change is made or may be) is answered as such, and nothing is written.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from campaigns.offers import accept, asked_call
from campaigns.offers.accept import ALREADY_DONE, CALL_ASKED, DECLINED, EXPIRED, Result
from campaigns.offers.models import Quote, Refusal
from campaigns.profiles.models import Account
from campaigns.usage import record

# How long campaigns leave the account alone: a price rarely changes sooner, a wrong time passes sooner.
COOL_DOWN = {
    Refusal.Reason.TOO_EXPENSIVE: timedelta(days=90),
    Refusal.Reason.NOT_NEEDED: timedelta(days=90),
    Refusal.Reason.WRONG_TIME: timedelta(days=30),
    Refusal.Reason.MISSING_FEATURE: timedelta(days=60),
    Refusal.Reason.OTHER: timedelta(days=60),
}


@transaction.atomic
def decline_quote(*, quote_uuid: UUID, contact_id: int, reason: str, note: str = "", now: datetime) -> Result:
    """Raises ValueError for a reason that is none of Refusal.Reason, Quote.DoesNotExist for an unknown quote."""
    why = Refusal.Reason(reason)
    quote = Quote.objects.select_related("offer", "to_price", "subscription").get(uuid=quote_uuid)
    # The account before its quotes, as accepting does.
    Account.objects.select_for_update(no_key=True).get(pk=quote.account_id)
    yeses = _lock_yeses(quote)
    comes_too_late = not all(yes.may_be_taken_back for yes in yeses) if yeses else _is_bought(quote, now)
    if comes_too_late:
        return Result(ALREADY_DONE)
    asked = Quote.objects.filter(Quote.can_be_declined(now=now), pk=quote.pk)
    if not _answer(asked, contact_id, Quote.State.DECLINED, now):
        return _standing(quote_uuid)
    _answer(Quote.objects.filter(pk__in=[yes.pk for yes in yeses]), contact_id, Quote.State.DECLINED, now)
    Refusal.objects.create(
        quote=quote,
        offer=quote.offer,
        account_id=quote.account_id,
        contact_id=contact_id,
        reason=why,
        note=note[:2000],
        at=now,
        until=now + COOL_DOWN[why],
    )
    # What waits to be sent there is looked at again before it goes.
    Account.objects.filter(pk=quote.account_id).update(revision=F("revision") + 1)
    # Segments stand below offers: they see the refusal as a usage event.
    record.record_events(
        events=[
            record.NewEvent(
                at=now,
                account_id=quote.account_id,
                contact_id=contact_id,
                name="crescendo.offer_refused",
                properties={"offer": quote.offer.slug, "reason": why.value},
                source="crescendo",
                message_id=f"refusal:{quote.uuid}",
                received_at=now,
            )
        ]
    )
    return Result(DECLINED)


@transaction.atomic
def ask_call(*, quote_uuid: UUID, contact_id: int, now: datetime) -> Result:
    """The quote stays valid and may still be accepted; a person calls: a task of theirs says so."""
    # The account before its contacts, as the intake of events has it, and before its quotes and its task, as a no does.
    Account.objects.select_for_update(no_key=True, of=("self",)).get(quotes__uuid=quote_uuid)
    asker = asked_call.lock_asker(contact_id=contact_id)
    asked = Quote.objects.filter(uuid=quote_uuid, state=Quote.State.OPEN, valid_until__gt=now)
    if asker is None or not _answer(asked, contact_id, Quote.State.CALL_ASKED, now):
        return _standing(quote_uuid)
    asked_call.make_task(quote_uuid=quote_uuid, asker=asker, now=now)
    return Result(CALL_ASKED)


def _lock_yeses(quote: Quote) -> list[Quote]:
    """The yeses to the plan of `quote` that are not carried out. None of them can be taken to be charged until this
    transaction ends, nor, since the account is locked, a new one come."""
    rows = Quote.objects.filter(account_id=quote.account_id, state=Quote.State.ACCEPTING)
    return list(rows.filter(to_price__plan_id=quote.to_price.plan_id).select_for_update(no_key=True, of=("self",)))


def _is_bought(quote: Quote, now: datetime) -> bool:
    """Whether the account has the plan by a yes to one of its quotes."""
    has_plan = accept.moved(quote=quote, quantity=quote.quantity, now=now) == ALREADY_DONE
    bought = Quote.objects.filter(account_id=quote.account_id, state=Quote.State.ACCEPTED)
    return has_plan and bought.filter(to_price__plan_id=quote.to_price.plan_id).exists()


def _answer(quotes: QuerySet[Quote], contact_id: int, state: Quote.State, now: datetime) -> bool:
    return bool(quotes.update(state=state, answered_at=now, answered_by_id=contact_id, failure=""))


def _standing(quote_uuid: UUID) -> Result:
    state = Quote.objects.values_list("state", flat=True).get(uuid=quote_uuid)
    if state == Quote.State.DECLINED:
        return Result(DECLINED)
    if state == Quote.State.CALL_ASKED:
        return Result(CALL_ASKED)
    return Result(ALREADY_DONE if state in (Quote.State.ACCEPTING, Quote.State.ACCEPTED) else EXPIRED)
