"""A person has read a reply that may be a no, and says what it is."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from campaigns.consent import opt_out, settle
from campaigns.consent.models import ContactPoint, DoubtfulReply
from campaigns.operations.models import AuditEntry

SOURCE = "reply_read"
State = DoubtfulReply.State


class DecidedError(Exception):
    """Somebody else, or the person themselves, has decided meanwhile; nothing was changed."""


def decide(*, reply_id: int, is_out: bool, by: str, now: datetime) -> DoubtfulReply:
    """A no is in force when this returns, and settles whatever else they wrote; else marketing may go on once none of
    their replies waits. Raises DecidedError, DoubtfulReply.DoesNotExist."""
    with transaction.atomic():
        reply = DoubtfulReply.objects.get(pk=reply_id)
        point = settle.lock_points(point_ids=[reply.point_id])[0]
        state = State.OUT if is_out else State.STAYS
        waiting = DoubtfulReply.objects.filter(point=point, state=State.OPEN)
        if not waiting.filter(pk=reply_id).update(state=state, decided_at=now, decided_by=by):
            raise DecidedError(f"The reply {reply_id} was decided.")
        if is_out:
            _take_no(reply, by, now)
        elif not waiting.exists():
            ContactPoint.objects.filter(pk=point.pk).update(is_held=False, revision=F("revision") + 1)
        contact = reply.contact
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="consent.reply_decided",
            subject=f"contact:{contact.external_id}" if contact else f"contact_point:{point.pk}",
            after={"channel": point.channel, "reply": reply.pk, "state": state.value, "rule": reply.rule},
        )
    reply.refresh_from_db()
    return reply


def _take_no(reply: DoubtfulReply, by: str, now: datetime) -> None:
    """As of the decision; when they wrote, since when the address was held, stands beside."""
    written = min(reply.at, now).isoformat()
    message = str(reply.message or "")
    known = {"by": by, "reply": reply.pk, "said": reply.rule, "message": message, "written_at": written}
    opt_out.opt_out(
        point_id=reply.point_id,
        source=SOURCE,
        evidence={name: value for name, value in known.items() if value},
        at=now,
        now=now,
        dedupe_key=f"reply:{reply.pk}",
    )
