"""Who is logged in at the host application: its word for it, signed with the source's secret."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jwt
from django.http import HttpRequest

from campaigns.intake import tracking
from campaigns.intake.models import Source
from campaigns.profiles import lookup
from campaigns.profiles.models import Contact

_BEARER = "Bearer "
_LONGEST = 4096
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Identity:
    """`account` is the host application's id of the account that the contact is working in; may be empty.
    `source` is the host application: the one whose secret signed."""

    contact: Contact
    account: str
    source: Source


def identify(*, request: HttpRequest) -> Identity | None:
    """From an HS256 token as Bearer or `?t=`: sub (contact), acc (account), exp. None unless all of it holds."""
    token = _token(request)
    if not token or len(token) > _LONGEST:
        return None
    for source in Source.objects.filter(is_active=True).exclude(signing_secret=""):
        claims = _claims(token, source.signing_secret)
        if claims is not None:
            return _known(str(claims["sub"]), str(claims.get("acc") or ""), source)
    return None


def _token(request: HttpRequest) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix(_BEARER).strip() if header.startswith(_BEARER) else request.GET.get("t", "")


def _claims(token: str, secret: str) -> dict[str, object] | None:
    try:
        return jwt.decode(token, secret, algorithms=["HS256"], options={"require": ["exp", "sub"], "verify_aud": False})
    except jwt.PyJWTError:
        return None


def _can_be_an_id(text: str) -> bool:
    """No longer than ids are, and nothing in it that PostgreSQL would not even look for: NUL, half a character."""
    return len(text) <= tracking.LONGEST_ID and "\x00" not in text and not _HALF.search(text)


def _known(sub: str, acc: str, source: Source) -> Identity | None:
    if not (_can_be_an_id(sub) and _can_be_an_id(acc)):
        return None
    contact_id = lookup.contact_ids(external_ids=[sub]).get(sub)
    if contact_id is None:
        return None
    contact = Contact.objects.filter(pk=contact_id, erased_at__isnull=True).first()
    return Identity(contact=contact, account=acc, source=source) if contact else None
