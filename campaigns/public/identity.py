"""Who is logged in at the host application: its word for it, signed with the source's secret."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jwt
from django.http import HttpRequest

from campaigns.intake import tracking
from campaigns.intake.models import Source
from campaigns.operations import prepared
from campaigns.profiles import lookup
from campaigns.profiles.models import Contact

_BEARER = "Bearer "
_LONGEST = 4096
_SECRETS = "SELECT id, signing_secret FROM intake_source WHERE is_active AND signing_secret <> ''"
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Word:
    """What a host application says and has signed: its id of the contact, and of the account that the contact is
    working in, which may be empty."""

    contact: str
    account: str
    source_id: int


@dataclass(frozen=True, slots=True)
class Identity:
    """`account` is the host application's id of the account that the contact is working in; may be empty.
    `source` is the host application: the one whose secret signed."""

    contact: Contact
    account: str
    source: Source


def identify(*, request: HttpRequest) -> Identity | None:
    """Who it is that the token speaks of, with the rows. None unless all of it holds."""
    word = read_word(request=request)
    contact_id = lookup.contact_ids(external_ids=[word.contact]).get(word.contact) if word else None
    if word is None or contact_id is None:
        return None
    contact = Contact.objects.filter(pk=contact_id, erased_at__isnull=True).first()
    source = Source.objects.filter(pk=word.source_id).first()
    return Identity(contact=contact, account=word.account, source=source) if contact and source else None


def read_word(*, request: HttpRequest) -> Word | None:
    """From an HS256 token as Bearer or `?t=`: sub (contact), acc (account), exp. None unless all of it holds, whoever
    the contact may be. A source that is switched off is out at once: nothing is kept."""
    token = _token(request)
    if not token or len(token) > _LONGEST:
        return None
    for source_id, secret in prepared.fetch_rows(statement=_SECRETS):
        claims = _claims(token, secret)
        if claims is not None:
            sub, acc = str(claims["sub"]), str(claims.get("acc") or "")
            return Word(sub, acc, source_id) if _can_be_an_id(sub) and _can_be_an_id(acc) else None
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
