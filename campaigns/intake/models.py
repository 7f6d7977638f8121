"""The front doors: every event from outside is stored here once, before anything is done with it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field


class Source(models.Model):
    """A sender of events. The write key is stored hashed; the signing secret must be readable to verify."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=30, default="product", help_text="product, stripe, hubspot.")
    write_key_hash = models.BinaryField(max_length=32, null=True, blank=True, unique=True, editable=False)
    signing_secret = models.CharField(max_length=200, blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True, blank=True)
    duplicates = models.BigIntegerField(default=0, help_text="Events that came again and were not stored twice.")

    def __str__(self) -> str:
        return self.name


class InboundEvent(models.Model):
    """One event as it came, partitioned by month of `received_at` (wall time)."""

    class State(models.TextChoices):
        PENDING = "PENDING"
        DONE = "DONE"
        PARKED = "PARKED"
        QUARANTINED = "QUARANTINED"

    id = models.BigAutoField(primary_key=True)
    received_at = models.DateTimeField()
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=60, help_text="track, identify, group, stripe.customer.subscription.updated …")
    message_id = models.CharField(max_length=200)
    payload = models.JSONField()
    at = models.DateTimeField(help_text="Skew-corrected time of the event, UTC.")
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    xid = Xid8Field()

    class Meta:
        indexes = [
            # for the intake job
            models.Index(fields=["id"], condition=models.Q(state="PENDING"), name="inbound_to_process")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class SeenEvent(models.Model):
    """A message id that was stored once. Never pruned: a replay years later still changes nothing."""

    pk = models.CompositePrimaryKey("source", "key")
    source = models.ForeignKey(Source, on_delete=models.PROTECT)
    key = models.BinaryField(max_length=16)

    def __str__(self) -> str:
        return f"{self.source_id} {bytes(self.key).hex()}"


class Parked(models.Model):
    """An event that names somebody nobody has introduced yet; replayed when they arrive."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE)
    inbound_id = models.BigIntegerField(help_text="The stored event; with received_at the key of its table.")
    waiting_for = models.CharField(max_length=220, help_text="account:ID, contact:ID, billing:ID, plan:CODE, price:ID.")
    kind = models.CharField(max_length=60)
    message_id = models.CharField(max_length=200)
    payload = models.JSONField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["waiting_for"], name="parked_by_whom_they_wait_for")]
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")

    def __str__(self) -> str:
        return f"{self.kind} waits for {self.waiting_for}"


class Quarantined(models.Model):
    """An event that can't be used, with the reason in words; its neighbours went on."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE)
    kind = models.CharField(max_length=60, blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    payload = models.JSONField()
    error = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("quarantined event")
        verbose_name_plural = _("quarantined events")

    def __str__(self) -> str:
        return self.error[:80]
