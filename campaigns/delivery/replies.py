"""What a reply that may have been a no turned out to be, for the consent and for the figures of its message."""

from __future__ import annotations

from datetime import datetime

from campaigns.consent import decide
from campaigns.consent.models import DoubtfulReply
from campaigns.delivery import unsubscribe
from campaigns.delivery.models import Message


def decide_reply(*, reply_id: int, is_out: bool, by: str, now: datetime) -> DoubtfulReply:
    """In force when this returns. Raises decide.DecidedError, DoubtfulReply.DoesNotExist."""
    reply = decide.decide(reply_id=reply_id, is_out=is_out, by=by, now=now)
    if is_out and reply.message is not None:
        answered = Message.objects.filter(uuid=reply.message).first()
        if answered is not None:
            unsubscribe.mark_cost(message=answered, now=now)
    return reply
