"""Addresses of ours that name a message: where a mail program unsubscribes, and where an answer goes.

They survive what mail servers do to them: lower case, at most 64 characters before the @.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from orchestrator import signing
from orchestrator.signing import Purpose

_BOXES = {"u": Purpose.MAIL_UNSUBSCRIBE, "r": Purpose.MAIL_REPLY}


def unsubscribe_mailbox(*, message_uuid: UUID) -> str:
    """Empty while no mail of ours is taken in."""
    return _mailbox("u", message_uuid)


def reply_mailbox(*, message_uuid: UUID) -> str:
    return _mailbox("r", message_uuid)


def message_named(*, address: str) -> tuple[UUID | None, bool]:
    """The message that an address of ours names, and whether writing there is a no by itself."""
    local, _, domain = address.lower().partition("@")
    kind, _, token = local.partition(".")
    if not settings.INBOUND_MAIL_DOMAIN or domain != settings.INBOUND_MAIL_DOMAIN.lower() or kind not in _BOXES:
        return None, False
    try:
        return UUID(signing.unsign_hex(_BOXES[kind], token)), kind == "u"
    except ValueError:
        return None, False


def _mailbox(kind: str, message_uuid: UUID) -> str:
    if not settings.INBOUND_MAIL_DOMAIN:
        return ""
    return f"{kind}.{signing.sign_hex(_BOXES[kind], message_uuid.hex)}@{settings.INBOUND_MAIL_DOMAIN}"
