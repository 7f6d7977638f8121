"""The global switch: off means that nothing reaches a provider, whoever asks."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.operations.models import AuditEntry, SendSwitch


def set_switch(*, is_on: bool, by: str, reason: str = "", now: datetime) -> SendSwitch:
    """Waits for the sends being begun: when it returns, no SENDING commits under the old setting. Audited."""
    with transaction.atomic():
        before = SendSwitch.objects.filter(pk=1).values_list("is_on", flat=True).first()
        switch, _ = SendSwitch.objects.update_or_create(
            pk=1, defaults={"is_on": is_on, "changed_at": now, "changed_by": by, "reason": reason}
        )
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="sending.on" if is_on else "sending.off",
            subject="send switch",
            before={"is_on": before is not False},
            after={"is_on": is_on},
            reason=reason,
        )
    return switch


def ensure_switch(*, now: datetime) -> None:
    """Make the row that sends lock. Before it exists, switching off could pass beside a send being begun."""
    SendSwitch.objects.get_or_create(pk=1, defaults={"is_on": True, "changed_at": now, "changed_by": "crescendo"})
