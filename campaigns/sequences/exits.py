"""End enrolments: the state and the reason, and the messages that now must not go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns.delivery import plan, task_work
from campaigns.delivery.models import CsmTask, Message
from campaigns.sequences.models import Campaign, Enrolment, StepRun

# Why a waiting message is not sent, by why its enrolment ended. A completed one has none waiting.
MESSAGE_REASONS = {
    Enrolment.Exit.CONVERTED: Message.Reason.CONVERTED,
    Enrolment.Exit.OPTED_OUT: Message.Reason.OPTED_OUT,
    Enrolment.Exit.LEFT_SEGMENT: Message.Reason.LEFT_SEGMENT,
    Enrolment.Exit.REFUSED: Message.Reason.REFUSED,
    Enrolment.Exit.GATE_CLOSED: Message.Reason.GATE_CLOSED,
    Enrolment.Exit.STOPPED: Message.Reason.CAMPAIGN_STOPPED,
}
# A call is off where its reason is gone or the person said no; who only left the audience may still be called.
CALLED_OFF = (Enrolment.Exit.CONVERTED, Enrolment.Exit.OPTED_OUT, Enrolment.Exit.REFUSED)


@transaction.atomic
def end_enrolments(*, enrolment_ids: Sequence[int], reason: str, now: datetime) -> int:
    """Returns how many were still open. Their messages are taken back for the matching reason, those in somebody's hand
    and banners that are up as well; their open tasks are called off where nobody should call any more."""
    return end_for_reasons(enrolment_ids={reason: enrolment_ids}, now=now)


@transaction.atomic
def end_for_reasons(*, enrolment_ids: Mapping[str, Sequence[int]], now: datetime) -> int:
    """The same, by reason. One statement locks all messages, in the order in which senders lock them."""
    ended = 0
    for reason, ids in enrolment_ids.items():
        ended += Enrolment.objects.filter(pk__in=ids, state=Enrolment.State.OPEN).update(
            state=Enrolment.State.ENDED, exit_reason=reason, ended_at=now, due_at=None
        )
    _take_back(enrolment_ids, now)
    for reason, ids in enrolment_ids.items():
        if reason in CALLED_OFF:
            _call_off(StepRun.objects.filter(enrolment_id__in=ids), now)
    return ended


@transaction.atomic
def end_for_accounts(*, campaign: Campaign, account_ids: Sequence[int], reason: str, now: datetime) -> int:
    """The same for everybody whom these accounts have in the campaign, those past their last step too; not for those
    whose version does not name the reason in its `exit_on`."""
    rows = Enrolment.objects.filter(leaves_for(reason=reason), campaign=campaign, account_id__in=account_ids)
    return end_enrolments(enrolment_ids=list(rows.values_list("pk", flat=True)), reason=reason, now=now)


@transaction.atomic
def end_campaign(*, campaign: Campaign, now: datetime) -> int:
    """All of a stopped campaign. Its gate skips the messages; its open tasks are called off."""
    _call_off(StepRun.objects.filter(enrolment__campaign=campaign), now)
    return Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.OPEN).update(
        state=Enrolment.State.ENDED, exit_reason=Enrolment.Exit.STOPPED, ended_at=now, due_at=None
    )


def leaves_for(*, reason: str) -> Q:
    """On enrolments: the version they are inside of names the reason. A file without `exit_on` means all of them."""
    named = Q(version__definition__exit_on__contains=reason)
    return named | ~Q(version__definition__has_key="exit_on")


def _take_back(enrolment_ids: Mapping[str, Sequence[int]], now: datetime) -> None:
    named = [(pk, reason) for reason, ids in enrolment_ids.items() if reason in MESSAGE_REASONS for pk in ids]
    reason_of = {pk: MESSAGE_REASONS[Enrolment.Exit(reason)] for pk, reason in named}
    if not reason_of:
        return
    is_shown = Q(message__channel="in_app", message__state=Message.State.ACCEPTED)
    runs = StepRun.objects.filter(
        Q(message__state__in=[state.value for state in Message.OPEN]) | is_shown,
        enrolment_id__in=list(reason_of),
        message__taken_back="",
    )
    rows = runs.values_list("message_id", "enrolment_id")
    plan.take_back(reasons={message_id: reason_of[pk] for message_id, pk in rows if message_id is not None}, now=now)


def _call_off(runs: QuerySet[StepRun], now: datetime) -> None:
    made = runs.filter(message__csm_task__state=CsmTask.State.OPEN)
    task_work.call_off_tasks(message_ids=list(made.values_list("message_id", flat=True)), now=now)
