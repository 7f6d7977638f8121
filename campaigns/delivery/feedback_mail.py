"""A mail that somebody wrote to us: the same as a text that somebody wrote back, once its own words are found."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns.consent import free_text, keywords
from campaigns.consent.keywords import Meaning
from campaigns.delivery import feedback_inbound, mailboxes
from campaigns.delivery.feedback_inbound import Taken, WrittenBack
from orchestrator.channels.sendgrid import inbound
from orchestrator.channels.sendgrid.inbound import IncomingMail

CHANNEL = "email"


def take_mail(*, mail: IncomingMail, now: datetime, wall_now: datetime) -> Taken | None:
    """None for what no person said. A mail program's own unsubscribe is a no whoever, or whatever, wrote the rest."""
    message, is_no = _named(mail)
    if mail.is_automatic and not is_no:
        return None
    own = free_text.own_words(mail=mail.text)
    return feedback_inbound.take_text(
        written=WrittenBack(
            provider=inbound.PROVIDER,
            channel=CHANNEL,
            key=mail.key,
            provider_id=mail.message_id,
            sender=mail.sender,
            text=own or mail.subject,
            said=Meaning.STOP.value if is_no or _says_stop(mail.subject) else "",
            message=message,
        ),
        now=now,
        wall_now=wall_now,
    )


def _named(mail: IncomingMail) -> tuple[UUID | None, bool]:
    found = [mailboxes.message_named(address=address) for address in mail.recipients]
    return next((one for one in found if one[0] is not None), (None, False))


def _says_stop(subject: str) -> bool:
    return keywords.meaning_of(text=subject) is Meaning.STOP
