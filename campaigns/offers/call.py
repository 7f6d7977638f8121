"""What a call came to: the task is closed and, after a no, the offer is declined, in one transaction."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Case, When

from campaigns.delivery import task_work
from campaigns.delivery.models import CsmTask
from campaigns.offers import accept, decline
from campaigns.offers.models import Quote, Refusal
from campaigns.profiles.models import Account


@transaction.atomic
def record_call(
    *, task: CsmTask, outcome: str, reason: str = "", note: str = "", by_id: int | None, now: datetime
) -> bool:
    """Returns whether a refusal was written: after NOT_NOW, for the account's newest quote that can be answered,
    before all a yes that is not carried out yet, then, of a call that they asked for, what they asked about.

    `reason` is one of Refusal.Reason, WRONG_TIME where the caller says none. Raises TaskClosedError, ValueError.
    """
    # The account before its task and its quotes: somebody there may ask to be called just now.
    Account.objects.select_for_update(no_key=True).get(pk=task.account_id)
    task_work.close_task(task=task, outcome=outcome, note=note, by_id=by_id, now=now)
    if task.outcome != CsmTask.Outcome.NOT_NOW:
        return False
    quotes = Quote.objects.filter(Quote.can_be_declined(now=now), account_id=task.account_id)
    # A yes that waits for us first: it would be charged after this no.
    first = [When(state=Quote.State.ACCEPTING, then=0)]
    if task.is_asked_for:
        first.append(When(state=Quote.State.CALL_ASKED, then=1))
    quote = quotes.order_by(Case(*first, default=2), "-made_at", "-pk").first()
    if quote is None:
        return False
    answered = decline.decline_quote(
        quote_uuid=quote.uuid,
        contact_id=task.contact_id,
        reason=reason or Refusal.Reason.WRONG_TIME,
        note=note,
        now=now,
    )
    return answered.name == accept.DECLINED
