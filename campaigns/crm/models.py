"""The connection to the system of record for accounts: what we pull and what we tell it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CrmConnection(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=30, help_text="A key of the setting CONNECTORS.")
    is_active = models.BooleanField(default=True)
    last_synced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("CRM connection")
        verbose_name_plural = _("CRM connections")

    def __str__(self) -> str:
        return self.slug


class FieldMapping(models.Model):
    """One CRM property and the field of ours that it fills (the CSV mapping's targets)."""

    connection = models.ForeignKey(CrmConnection, on_delete=models.CASCADE, related_name="mappings")
    kind = models.CharField(max_length=20, help_text="account or contact.")
    property = models.CharField(max_length=120)
    target = models.CharField(max_length=120)
    type = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "property"], name="a_property_fills_one_field")
        ]

    def __str__(self) -> str:
        return f"{self.property} → {self.target}"


class SyncCursor(models.Model):
    connection = models.ForeignKey(CrmConnection, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20)
    watermark = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="a_kind_has_one_sync_cursor")]

    def __str__(self) -> str:
        return f"{self.kind} up to {self.watermark}"


class SyncRun(models.Model):
    class State(models.TextChoices):
        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"

    connection = models.ForeignKey(CrmConnection, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=20, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.state}"


class WriteBack(models.Model):
    """One thing to tell the CRM: an upsert, so at least once is right. `key` makes it once per fact."""

    class State(models.TextChoices):
        PENDING = "PENDING"
        DONE = "DONE"
        FAILED = "FAILED", "given up: a person must look"

    class Kind(models.TextChoices):
        DEAL = "DEAL", "a won upsell"
        ACCOUNT_STATUS = "ACCOUNT_STATUS", "upsell properties of a company"
        CONTACT_STATUS = "CONTACT_STATUS", "upsell properties of a contact"

    connection = models.ForeignKey(CrmConnection, on_delete=models.CASCADE, related_name="write_backs")
    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(max_length=120)
    payload = models.JSONField()
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(help_text="Wall time of the next try.")
    queued_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "key"], name="a_fact_is_written_back_once")
        ]
        indexes = [
            # for the write-back worker: what is due
            models.Index(fields=["next_at"], condition=models.Q(state="PENDING"), name="write_backs_due")
        ]
        verbose_name = _("write-back")
        verbose_name_plural = _("write-backs")

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
