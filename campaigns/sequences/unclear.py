"""What becomes of a campaign's messages of which nobody knows whether they arrived: sent again, or left as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from campaigns.delivery import unclear
from campaigns.delivery.models import Message
from campaigns.operations.models import AuditEntry
from campaigns.sequences import awaited
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign, Enrolment, StepRun

# A stopped campaign sends nothing more, and a draft has sent nothing.
SENDS = (Campaign.Status.LIVE, Campaign.Status.PAUSED)


@dataclass(frozen=True, slots=True)
class Unclear:
    """`messages` wait for a decision; `again` of them can be sent again, to so many `people`. Of the others
    `came_again` are to accounts or people who have come in once more: they get its steps anew. The rest have left the
    campaign for a reason, changed since, or would get it too late."""

    messages: int
    again: int
    people: int
    came_again: int = 0


def look(*, campaign: Campaign, now: datetime) -> Unclear:
    if campaign.gate_id is None:
        return Unclear(0, 0, 0)
    number = unclear.find_unclear(gate_id=campaign.gate_id).count()
    if not number or campaign.status not in SENDS:
        return Unclear(number, 0, 0)
    found = list(_could_go(campaign, now).values_list("contact_id", "came_again"))
    people = [contact for contact, came_again in found if not came_again]
    return Unclear(number, len(people), len(set(people)), len(found) - len(people))


@transaction.atomic
def send_again(*, campaign: Campaign, by: str, now: datetime, reason: str = "") -> int:
    """Plan another attempt of those that can be; returns how many. Whoever leaves the campaign meanwhile gets none.
    Audited. Raises WrongStateError in a campaign that sends nothing more."""
    status = Campaign.objects.values_list("status", flat=True).get(pk=campaign.pk)
    if status not in SENDS:
        raise WrongStateError(f"{campaign.slug} is {status}: nothing of it is sent any more.")
    ways = Enrolment.objects.filter(pk__in=_goes_again(campaign, now).values("step_run__enrolment"))
    # Who leaves at this moment has left before this, or waits and takes back what it plans.
    held = list(ways.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    ids = _goes_again(campaign, now).filter(step_run__enrolment__in=held).values_list("pk", flat=True)
    planned = unclear.send_again(message_ids=list(ids), by=by, now=now)
    # Whoever waits after it waits for it again.
    again = StepRun.objects.filter(message__in=planned).values_list("enrolment_id", flat=True)
    awaited.await_anew(enrolment_ids=list(again))
    _note(campaign, "messages.sent_again", by, now, reason, len(planned))
    return len(planned)


@transaction.atomic
def leave(*, campaign: Campaign, by: str, now: datetime, reason: str = "") -> int:
    """Nobody is asked about them any more; returns how many. Audited."""
    number = unclear.leave(gate_id=campaign.gate_id, by=by, now=now) if campaign.gate_id is not None else 0
    _note(campaign, "messages.left_unclear", by, now, reason, number)
    return number


def _goes_again(campaign: Campaign, now: datetime) -> QuerySet[Message]:
    """As `unclear.send_again` judges it, and nobody twice who has come in once more."""
    return _could_go(campaign, now).filter(came_again=False)


def _could_go(campaign: Campaign, now: datetime) -> QuerySet[Any]:
    """Whose figures still hold, and who is on the way or has been through; `came_again`: whether the account or the
    contact has come in again since, who gets the same steps from that."""
    assert campaign.gate_id is not None, "What was sent had a gate."
    stays = Q(step_run__enrolment__state=Enrolment.State.OPEN)
    stays |= Q(step_run__enrolment__exit_reason=Enrolment.Exit.COMPLETED)
    holds = Q(account__isnull=True) | Q(account__revision=F("account_revision"))
    holds |= ~Q(purpose=Message.Purpose.MARKETING)
    newer = Q(account=OuterRef("step_run__enrolment__account"))
    newer &= Q(entry_number__gt=OuterRef("step_run__enrolment__entry_number"))
    newer |= Q(contact=OuterRef("step_run__enrolment__contact"), pk__gt=OuterRef("step_run__enrolment"))
    came_again = Exists(Enrolment.objects.filter(newer, campaign=campaign))
    rows = unclear.find_unclear(gate_id=campaign.gate_id).annotate(came_again=came_again)
    return rows.filter(stays, holds, taken_back="", ended_at__gt=now - unclear.LATEST)


def _note(campaign: Campaign, action: str, by: str, now: datetime, reason: str, number: int) -> None:
    if not number:
        return
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action=action,
        subject=f"campaign:{campaign.slug}",
        after={"messages": number},
        reason=reason,
    )
