"""The global switch: off means that nothing reaches a provider, whoever asks.

What was decided holds for the database it was decided in. A restored backup does not know what went out after it was
made, and a copy for a rehearsal must write to nobody: both send nothing until a person releases them.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.operations import database_identity
from campaigns.operations.models import AuditEntry, SendSwitch

OURSELVES = "crescendo"
RESTORED = "This is another database than the one sending was allowed in: restored from a backup, or copied."


def set_switch(*, is_on: bool, by: str, reason: str = "", now: datetime) -> SendSwitch:
    """Waits for the sends being begun: when it returns, no SENDING commits under the old setting. Audited.

    Decides for this database; on releases one that was restored.
    """
    with transaction.atomic():
        before = SendSwitch.objects.filter(pk=1).values_list("is_on", flat=True).first()
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
        _note(before=before is not False, is_on=is_on, by=by, reason=reason, now=now)
    return switch


def ensure_switch(*, now: datetime) -> None:
    """Make the row that sends lock, and switch off what was on in another database.

    Before the row exists, switching off could pass beside a send being begun. Begin looks at the database, too: this
    only makes the truth visible to everybody who reads the row.
    """
    here = database_identity.read_identity()
    made = {"is_on": True, "changed_at": now, "changed_by": OURSELVES, "database": here}
    switch, is_new = SendSwitch.objects.get_or_create(pk=1, defaults=made)
    if is_new or not switch.is_on or switch.database == here:
        return
    with transaction.atomic():
        held = SendSwitch.objects.filter(pk=1, is_on=True).exclude(database=here)
        if held.update(is_on=False, changed_at=now, changed_by=OURSELVES, reason=RESTORED):
            _note(before=True, is_on=False, by=OURSELVES, reason=RESTORED, now=now)


def is_held_after_restore() -> bool:
    """Whether nothing is sent because nobody has yet decided for this database. What a person had switched off before
    is not held: it is off, and stays so."""
    switch = SendSwitch.objects.filter(pk=1).first()
    if switch is None or switch.database == database_identity.read_identity():
        return False
    return switch.is_on or switch.reason == RESTORED


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
