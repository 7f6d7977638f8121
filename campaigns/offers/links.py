"""The signed link of an offer: it names the quote and the person it was sent to, and nothing else."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from orchestrator import signing


def offer_url(*, quote_uuid: UUID, contact_id: int) -> str:
    """The target behind the message's tracked link; the price page lives there."""
    return f"{settings.PUBLIC_BASE_URL}/o/{offer_token(quote_uuid=quote_uuid, contact_id=contact_id)}"


def offer_token(*, quote_uuid: UUID, contact_id: int) -> str:
    return signing.sign(signing.Purpose.OFFER, f"{quote_uuid}:{contact_id}")


def read_offer_token(token: str) -> tuple[UUID, int]:
    """(quote's uuid, contact's id). Raises signing.BadTokenError; the quote's deadline is the quote's own."""
    quote_uuid, _, contact_id = signing.unsign(signing.Purpose.OFFER, token).partition(":")
    try:
        return UUID(quote_uuid), int(contact_id)
    except ValueError as error:
        raise signing.BadTokenError("This link is not valid.") from error
