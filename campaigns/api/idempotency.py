"""The same POST twice acts once: the row is written before the act, the answer after it.

As Stripe does: the first answer is kept and given again, parameters are compared, a second call meanwhile is told
to wait. The acts behind it must bear being done again: after a crash in the middle the next try begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from campaigns.api.models import ApiKey, KeptAnswer

KEPT_FOR = timedelta(days=2)
# Longer than the web server lets a request live: whoever began the call before it is gone.
GIVEN_UP_AFTER = timedelta(minutes=2)


class OtherCallError(Exception):
    """The key was used for another call."""


class UnderWayError(Exception):
    """The first call with this key has not ended."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`kept` is the answer of an earlier call, to be given again; None where the caller is to act."""

    row: KeptAnswer
    kept: tuple[int, Any] | None


def begin_call(*, api_key: ApiKey, idempotency_key: str, request: bytes, wall: datetime) -> Begun:
    """`request` is all that makes two calls the same. Raises OtherCallError and UnderWayError."""
    digest = sha256(request).digest()
    row, is_new = KeptAnswer.objects.get_or_create(
        api_key=api_key, idempotency_key=idempotency_key, defaults={"request_hash": digest, "begun_at": wall}
    )
    if is_new:
        return Begun(row, None)
    if bytes(row.request_hash) != digest:
        raise OtherCallError
    if row.status is not None:
        return Begun(row, (row.status, row.body))
    taken_over = KeptAnswer.objects.filter(
        pk=row.pk, attempt=row.attempt, status__isnull=True, begun_at__lt=wall - GIVEN_UP_AFTER
    ).update(begun_at=wall, attempt=row.attempt + 1)
    if not taken_over:
        raise UnderWayError
    row.attempt += 1
    return Begun(row, None)


def keep_answer(*, begun: Begun, status: int, body: Any) -> None:
    KeptAnswer.objects.filter(pk=begun.row.pk, attempt=begun.row.attempt, status__isnull=True).update(
        status=status, body=body
    )


def forget_call(*, begun: Begun) -> None:
    """Nothing was done: the same key may be used for a mended call."""
    KeptAnswer.objects.filter(pk=begun.row.pk, attempt=begun.row.attempt, status__isnull=True).delete()


def forget_answers(*, wall: datetime) -> int:
    """Rows older than KEPT_FOR, by wall time."""
    return KeptAnswer.objects.filter(begun_at__lt=wall - KEPT_FOR).delete()[0]
