"""What the CRM is told: won upsells, refusals, opt-outs, calls to make. Facts become write-backs, once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.consent.models import ConsentRecord
from campaigns.conversions.models import Conversion
from campaigns.crm import opt_outs as crm_opt_outs
from campaigns.crm import payloads, writeback
from campaigns.crm.models import WriteBack
from campaigns.delivery.models import CsmTask, Message
from campaigns.offers.models import Refusal
from campaigns.operations import pulling
from campaigns.sequences.models import Entry

BATCH = 1000
# A yes that a file or another system reported changes no block of ours.
_REPORTED = frozenset({"import", "csv", "api"})
UPGRADED, REFUSED, OPTED_OUT = "upgraded", "refused", "opted_out"

type Item = tuple[str, str, Mapping[str, Any]]


def tell_conversions(*, conversions: Sequence[Conversion], credited: Mapping[int, Message], now: datetime) -> int:
    """A deal and the account's status for each upgrade of an account that the campaign wrote to.

    A movement that two campaigns count is one deal: its key is the movement. The held out are nobody's win.
    """
    items: list[Item] = []
    for conversion in conversions:
        if conversion.entry.outcome == Entry.Outcome.ENROLLED:
            message = credited.get(conversion.pk)
            key = deal_key(movement_id=conversion.movement_id)
            items.append((WriteBack.Kind.DEAL, key, _deal(conversion, message)))
            items.append((WriteBack.Kind.ACCOUNT_STATUS, key, _won(conversion)))
    return writeback.queue_write_backs(items=items, now=now) if items else 0


def deal_key(*, movement_id: int) -> str:
    """The write-back key of what a movement is told as."""
    return f"movement:{movement_id}"


def tell_refusals(*, now: datetime) -> int:
    with transaction.atomic():
        cursor = pulling.lock_cursor(name="conversions.refusals")
        refusals = Refusal.objects.select_related("account")
        rows = pulling.rows_after(rows=refusals, cursor=cursor, limit=BATCH)
        items: list[Item] = [
            (
                WriteBack.Kind.ACCOUNT_STATUS,
                f"refusal:{row.pk}",
                payloads.status_payload(external_id=row.account.external_id, properties={"upsell_status": REFUSED}),
            )
            for row in rows
        ]
        pulling.advance_cursor(cursor=cursor, rows=rows)
        return writeback.queue_write_backs(items=items, now=now) if items else 0


def tell_opt_outs(*, now: datetime) -> int:
    """Only what people told us, a no and a yes that takes it back: what came from the CRM is known there.

    The CRM hears what stands now, by channel; the key is the record, so that each is told once.
    """
    with transaction.atomic():
        cursor = pulling.lock_cursor(name="conversions.opt_outs")
        records = ConsentRecord.objects.select_related("contact")
        rows = pulling.rows_after(rows=records, cursor=cursor, limit=BATCH)
        told = [row for row in rows if row.contact is not None and row.source != crm_opt_outs.SOURCE]
        stands = crm_opt_outs.standing(contact_ids=[row.contact_id for row in told if row.contact_id])
        items: list[Item] = [
            (
                WriteBack.Kind.CONTACT_STATUS,
                f"opt_out:{row.pk}",
                payloads.status_payload(external_id=row.contact.external_id, properties=_consent(row, stands)),
            )
            for row in told
            if "reason" in row.evidence or (row.state == ConsentRecord.State.GRANTED and row.source not in _REPORTED)
        ]
        pulling.advance_cursor(cursor=cursor, rows=rows)
        return writeback.queue_write_backs(items=items, now=now) if items else 0


def _consent(row: ConsentRecord, stands: Mapping[int, str]) -> dict[str, str]:
    assert row.contact_id is not None, "Only what is about somebody known is told."
    said = {crm_opt_outs.PROPERTY: stands[row.contact_id]} if row.contact_id in stands else {}
    return {**said, "upsell_status": OPTED_OUT} if row.state == ConsentRecord.State.WITHDRAWN else said


def tell_tasks(*, now: datetime) -> int:
    """Each task when it is made, and again when it is put off, done or called off."""
    with transaction.atomic():
        cursor = pulling.lock_cursor(name="conversions.tasks")
        tasks = CsmTask.objects.select_related("message", "account", "contact")
        rows = pulling.rows_after(rows=tasks, cursor=cursor, limit=BATCH)
        items: list[Item] = [(WriteBack.Kind.TASK, f"task:{row.pk}:{row.xid}", _task(row)) for row in rows]
        pulling.advance_cursor(cursor=cursor, rows=rows)
        return writeback.queue_write_backs(items=items, now=now) if items else 0


def _task(task: CsmTask) -> dict[str, Any]:
    return payloads.task_payload(
        task_id=str(task.message.uuid),
        title=task.title,
        body="\n\n".join(part for part in (task.body, task.note) if part),
        due_at=task.due_at,
        state=task.state,
        outcome=task.outcome,
        account=task.account.external_id,
        contact=task.contact.external_id,
    )


def _deal(conversion: Conversion, message: Message | None) -> dict[str, Any]:
    movement = conversion.movement
    to_plan = movement.to_plan.name if movement.to_plan else ""
    return payloads.deal_payload(
        conversion_id=str(conversion.uuid),
        name=f"{conversion.account.name or conversion.account.external_id}: {to_plan}".rstrip(": "),
        amount=conversion.mrr_delta,
        currency=conversion.currency,
        closed_at=conversion.converted_at,
        account=conversion.account.external_id,
        contact=message.contact.external_id if message else None,
    )


def _won(conversion: Conversion) -> dict[str, Any]:
    return payloads.status_payload(
        external_id=conversion.account.external_id,
        properties={
            "upsell_status": UPGRADED,
            "upsell_last_campaign": conversion.entry.campaign.slug,
            "upsell_mrr_delta": str(conversion.mrr_delta),
            "upsell_last_conversion_id": str(conversion.uuid),
        },
    )
