"""The global switch: off means that nothing reaches a provider, whoever asks.

What was decided holds for the database it was decided in. A restored backup does not know what went out after it was
made, and a copy for a rehearsal must write to nobody: both send nothing until a person releases them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from campaigns.delivery import freshness
from campaigns.delivery.models import DeliveryAttempt, PastMessage
from campaigns.operations import database_identity
from campaigns.operations.models import AuditEntry, SendSwitch
from orchestrator import clock

OURSELVES = "crescendo"
RESTORED = "This is another database than the one sending was allowed in: restored from a backup, or copied."

_READ = f"SELECT is_on, {database_identity.DECIDED_HERE_SQL} FROM operations_sendswitch WHERE id = 1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Standing:
    """How sending stands, and who decided it when and why: nobody yet in a new database. `is_held`: off since the
    database was restored or copied, and nobody has decided for this one. `at`: business time."""

    is_on: bool
    is_held: bool = False
    by: str = ""
    at: datetime | None = None
    reason: str = ""


def read_standing() -> Standing:
    row = SendSwitch.objects.filter(pk=1).first()
    said = (row.changed_by, row.changed_at, row.reason) if row is not None else ()
    return Standing(is_on(), is_held_after_restore(), *said)


def set_switch(*, is_on: bool, by: str, reason: str = "", now: datetime) -> SendSwitch:
    """Waits for the sends being begun: when it returns, no SENDING commits under the old setting. Audited.

    Decides for this database; on releases one that was restored.
    """
    with transaction.atomic():
        before = SendSwitch.objects.filter(pk=1).values_list("is_on", flat=True).first()
        if is_on:
            freshness.put_back(now=now, wall_now=clock.wall_now())
        switch, _ = SendSwitch.objects.update_or_create(
            pk=1,
            defaults={
                "is_on": is_on,
                "changed_at": now,
                "changed_by": by,
                "reason": reason,
                "database": database_identity.read_identity(),
            },
        )
        database_identity.stamp_switch()
        _note(before=before is not False, is_on=is_on, by=by, reason=reason, now=now)
    return switch


def ensure_switch(*, now: datetime) -> None:
    """Make the row that sends lock, and switch off what was on in another database or was restored into this one.

    A new database may send; one that has sent and lost the row may not. Begin looks at all of this, too: here it only
    becomes visible to everybody who reads the row.
    """
    found = _read()
    if found is None:
        _make(now=now)
        return
    is_on, is_decided_here = found
    if not is_on or is_decided_here:
        return
    with transaction.atomic():
        held = SendSwitch.objects.select_for_update().filter(pk=1).exists() and _read() == (True, False)
        if held:
            SendSwitch.objects.filter(pk=1).update(is_on=False, changed_at=now, changed_by=OURSELVES, reason=RESTORED)
            _note(before=True, is_on=False, by=OURSELVES, reason=RESTORED, now=now)


def is_on() -> bool:
    """Whether sending is on, as begin would find it. A new database in which nobody has sent yet will be."""
    return (_read() or (not _has_sent(), True)) == (True, True)


def is_held_after_restore() -> bool:
    """Whether nothing is sent because nobody has yet decided for this database. What a person had switched off before
    is not held: it is off, and stays so."""
    found = _read()
    if found is None:
        return _has_sent()
    is_on, is_decided_here = found
    return not is_decided_here and (is_on or SendSwitch.objects.filter(pk=1, reason=RESTORED).exists())


def _make(*, now: datetime) -> None:
    is_new = not _has_sent()
    made = {
        "is_on": is_new,
        "changed_at": now,
        "changed_by": OURSELVES,
        "reason": "" if is_new else RESTORED,
        "database": database_identity.read_identity() if is_new else "",
    }
    with transaction.atomic():
        _, is_made = SendSwitch.objects.get_or_create(pk=1, defaults=made)
        if is_made and is_new:
            database_identity.stamp_switch()
        elif is_made:
            _note(before=True, is_on=False, by=OURSELVES, reason=RESTORED, now=now)


def _has_sent() -> bool:
    return DeliveryAttempt.objects.exists() or PastMessage.objects.exists()


def _read() -> tuple[bool, bool] | None:
    """Whether it is on, and whether that was decided here and stands as it was written; None without a row."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        row = cursor.fetchone()
    return (bool(row[0]), bool(row[1])) if row else None


def _note(*, before: bool, is_on: bool, by: str, reason: str, now: datetime) -> None:
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action="sending.on" if is_on else "sending.off",
        subject="send switch",
        before={"is_on": before},
        after={"is_on": is_on},
        reason=reason,
    )
