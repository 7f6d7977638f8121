from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TickSlot(models.Model):
    """One firing of one timetable task. Claiming it is the insert; a second beat finds it taken."""

    task = models.CharField(max_length=60)
    slot = models.DateTimeField(help_text="Wall time, rounded down to the task's interval.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "slot"], name="a_task_runs_once_per_slot")]

    def __str__(self) -> str:
        return f"{self.task} at {self.slot:%Y-%m-%d %H:%M:%S}"


class WorkerHeartbeat(models.Model):
    name = models.CharField(max_length=200, unique=True)
    queue = models.CharField(max_length=20)
    pid = models.IntegerField()
    started_at = models.DateTimeField(help_text="Wall time.")
    seen_at = models.DateTimeField(help_text="Wall time.")

    def __str__(self) -> str:
        return f"{self.name} ({self.queue})"


class SendSwitch(models.Model):
    """The global kill-switch: one row. Off means that no message reaches a provider.

    On holds for one database only, and only while the row stands as it was written there: in a copy `database` names
    another, in a restored one `written_in` is not the transaction that wrote the row, and nothing is sent until a
    person decides anew. Written by `campaigns.delivery.switch` alone; without the row nothing is sent.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    is_on = models.BooleanField(default=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    database = models.CharField(
        max_length=120, blank=True, help_text="The database it was decided for: a copy of it sends nothing."
    )
    written_in = models.BigIntegerField(
        null=True, blank=True, help_text="The transaction that wrote the row: one that was restored says another."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_send_switch")]
        verbose_name = _("send switch")
        verbose_name_plural = _("send switches")

    def __str__(self) -> str:
        return "sending is on" if self.is_on else "sending is off"


class PullCursor(models.Model):
    """How far a reader has come in a pulled table, as (transaction id, row id)."""

    name = models.CharField(max_length=100, unique=True)
    xid = models.BigIntegerField(default=0)
    row_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.xid}/{self.row_id}"


class Lease(models.Model):
    """What one process does at a time (`one_at_a_time`), and which: without a holder it is free."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(help_text="Wall time.")

    def __str__(self) -> str:
        return f"{self.name} of {self.holder or 'nobody'}"


class LongTask(models.Model):
    """Work a person waits for: progress as n of m, cancel by flag."""

    class State(models.TextChoices):
        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"
        CANCELLED = "CANCELLED"

    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.RUNNING)
    done = models.IntegerField(default=0)
    total = models.IntegerField(null=True, blank=True)
    message = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    started_by = models.CharField(max_length=150, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()


class AuditEntry(models.Model):
    """Who changed what. Append-only: a trigger refuses UPDATE and DELETE."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "-at"], name="audit_by_subject")]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"


class StaffProfile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_profile")
    language = models.CharField(max_length=5, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")

    def __str__(self) -> str:
        return str(self.user)
