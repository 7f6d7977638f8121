"""Senders of events and the keys they prove themselves with."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from campaigns.intake.models import Source
from orchestrator.webhooks.errors import BadSignature

VENDORS = {"stripe": "Stripe", "hubspot": "HubSpot"}


class SourceError(ValueError):
    """A source that cannot be made; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Created:
    """The write key is shown this once: only its hash is kept."""

    source: Source
    write_key: str = field(repr=False)
    signing_secret: str = field(repr=False)


def create_source(
    *, name: str, now: datetime, write_key: str | None = None, signing_secret: str | None = None
) -> Created:
    """A product that sends us usage. Keys that are not given are made. Raises SourceError."""
    slug = slugify(name)[:60]
    if not slug:
        raise SourceError("The name needs a letter or a digit.")
    write_key = write_key or secrets.token_urlsafe(24)
    signing_secret = signing_secret or "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        with transaction.atomic():
            source = Source.objects.create(
                slug=slug,
                name=name[:120],
                write_key_hash=hash_key(write_key),
                signing_secret=signing_secret,
                created_at=now,
            )
    except IntegrityError:
        raise SourceError(f"There is already a source {slug}, or another one with this write key.") from None
    return Created(source=source, write_key=write_key, signing_secret=signing_secret)


def vendor_source(*, kind: str, now: datetime) -> Source:
    """The one source of a vendor's webhooks, made when the first one comes."""
    source, _ = Source.objects.get_or_create(
        slug=kind, defaults={"name": VENDORS[kind], "kind": kind, "created_at": now}
    )
    return source


def find_by_key(*, write_key: str) -> Source | None:
    if not write_key:
        return None
    return Source.objects.filter(write_key_hash=hash_key(write_key), is_active=True).first()


def find_by_slug(*, slug: str) -> Source:
    """An active source of usage. Raises BadSignature: a stranger does not learn which sources there are."""
    source = Source.objects.filter(slug=slug, kind="product", is_active=True).first()
    if source is None:
        raise BadSignature("There is no such source.")
    return source


def holds_key(*, source: Source, write_key: str) -> bool:
    return source.write_key_hash is not None and hmac.compare_digest(bytes(source.write_key_hash), hash_key(write_key))


def hash_key(write_key: str) -> bytes:
    """SHA-256: a write key is random and long, so that a slow hash would add nothing."""
    return sha256(write_key.encode("utf-8", "replace")).digest()
