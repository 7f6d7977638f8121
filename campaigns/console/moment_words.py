"""The line below a moment of the timeline: who sent it, what somebody answered and with which words."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.delivery.models import Message
from campaigns.delivery.timeline import Kind
from orchestrator.channels import memory

_PROVIDERS = {"email": "SendGrid", "sms": "Twilio"}
_LONGEST_REPLY = 300


def quote(*, kind: Kind, headline: str, reply: str) -> str:
    """Whose words stand beside the moment: of a reply the writer's own, never ours."""
    if kind != Kind.REPLIED:
        return headline
    words = " ".join(reply.split())
    return words if len(words) <= _LONGEST_REPLY else f"{words[:_LONGEST_REPLY].rstrip()}…"


def meta(*, kind: Kind, message: Message, headline: str, reply: str, zone: tzinfo) -> str:
    if kind == Kind.REPLIED:
        answered = _("In answer to “%(message)s”.") % {"message": headline} if headline else ""
        return " ".join(part for part in (answered, "" if reply else _("Their words are not kept.")) if part)
    if kind == Kind.SENT and memory.was_kept(provider_id=message.provider_id):
        return _("It did not leave this machine: the channel was not connected.")
    if kind not in (Kind.DELIVERED, Kind.SENT) or message.accepted_at is None or message.channel not in _PROVIDERS:
        return ""
    words = ngettext(
        "Sent %(time)s by %(provider)s, %(n)d attempt.",
        "Sent %(time)s by %(provider)s, %(n)d attempts.",
        message.attempt,
    )
    time = f"{message.accepted_at.astimezone(zone):%H:%M:%S}"
    said = words % {"time": time, "provider": _PROVIDERS[message.channel], "n": message.attempt}
    if message.attempt > 1 and message.decided_by:
        return f"{said} " + _("%(name)s had it sent again.") % {"name": message.decided_by}
    return said
