"""Keys of the API: made once, found by their hash, revoked for good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.db.models import Q

from campaigns.api.models import ApiKey
from campaigns.operations.models import AuditEntry

PREFIX = "crk_"
# A busy caller is not a write per call.
_NOTED_EVERY = timedelta(minutes=1)


class KeyNameTaken(ValueError):
    """There is a key of this name; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Created:
    """The key is shown this once."""

    api_key: ApiKey
    secret: str = field(repr=False)


def create_key(*, name: str, role: str, by: str, now: datetime) -> Created:
    """Raises KeyNameTaken, and ValueError for an empty name or an unknown role."""
    name = name.strip()[:120]
    if not name:
        raise ValueError("A key needs a name: who calls with it.")
    if role not in ApiKey.Role:
        raise ValueError(f"There is no role {role}: it is one of {', '.join(ApiKey.Role)}.")
    secret = PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            api_key = ApiKey.objects.create(name=name, role=role, key_hash=_hash(secret), created_at=now)
            _note(api_key, "api_key.create", by, now)
    except IntegrityError:
        raise KeyNameTaken(f"There is already a key named {name}: choose another name.") from None
    return Created(api_key=api_key, secret=secret)


def revoke_key(*, api_key: ApiKey, by: str, now: datetime) -> bool:
    """False if it was revoked before."""
    with transaction.atomic():
        revoked = ApiKey.objects.filter(pk=api_key.pk, revoked_at__isnull=True).update(revoked_at=now)
        if revoked:
            _note(api_key, "api_key.revoke", by, now)
    return bool(revoked)


def find_key(*, secret: str, wall: datetime) -> ApiKey | None:
    """The key a caller proved; None for one that is unknown or revoked. Notes the use. `wall` is wall time."""
    if not secret.startswith(PREFIX):
        return None
    api_key = ApiKey.objects.filter(key_hash=_hash(secret), revoked_at__isnull=True).first()
    if api_key is not None:
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=wall - _NOTED_EVERY)
        ApiKey.objects.filter(unnoted, pk=api_key.pk).update(last_used_at=wall)
    return api_key


def _note(api_key: ApiKey, action: str, by: str, now: datetime) -> None:
    subject = f"api_key:{api_key.name}"
    AuditEntry.objects.create(at=now, actor=by, action=action, subject=subject, after={"role": api_key.role})


def _hash(secret: str) -> bytes:
    """SHA-256: a key is random and long, so that a slow hash would add nothing."""
    return sha256(secret.encode("utf-8", "replace")).digest()
