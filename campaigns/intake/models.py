"""The front doors: every event from outside is stored here once, before anything is done with it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field


class Source(models.Model):
    """A sender of events. The write key is stored hashed; the signing secret must be readable to verify."""

    class Kind(models.TextChoices):
        PRODUCT = "product", _("Product")
        STRIPE = "stripe", "Stripe"
        HUBSPOT = "hubspot", "HubSpot"

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"), max_length=30, choices=Kind, default=Kind.PRODUCT, help_text=_("Who sends: a product or a vendor.")
    )
    write_key_hash = models.BinaryField(max_length=32, null=True, blank=True, unique=True, editable=False)
    signing_secret = models.CharField(max_length=200, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"))
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True)
    duplicates = models.BigIntegerField(
        _("duplicates"), default=0, help_text=_("Events that came again and were not stored twice.")
    )

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.name


class InboundEvent(models.Model):
    """One event as it came, partitioned by month of `received_at` (wall time)."""

    class State(models.TextChoices):
        PENDING = "PENDING", _("To process")
        DONE = "DONE", _("Processed")
        PARKED = "PARKED", _("Parked")
        QUARANTINED = "QUARANTINED", _("Quarantined")

    id = models.BigAutoField(primary_key=True)
    received_at = models.DateTimeField(_("received at"))
    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(
        _("kind"), max_length=60, help_text=_("track, identify, group, stripe.customer.subscription.updated …")
    )
    message_id = models.CharField(_("message id"), max_length=200)
    payload = models.JSONField(_("content"))
    at = models.DateTimeField(_("when"), help_text=_("Skew-corrected time of the event, UTC."))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PENDING)
    xid = Xid8Field()

    class Meta:
        indexes = [
            # for the intake job
            models.Index(fields=["id"], condition=models.Q(state="PENDING"), name="inbound_to_process")
        ]
        verbose_name = _("inbound event")
        verbose_name_plural = _("inbound events")

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

    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.CASCADE)
    inbound_id = models.BigIntegerField(
        _("stored event"), help_text=_("The stored event; with received_at the key of its table.")
    )
    waiting_for = models.CharField(
        _("waits for"), max_length=220, help_text=_("account:ID, contact:ID, billing:ID, plan:CODE, price:ID.")
    )
    kind = models.CharField(_("kind"), max_length=60)
    message_id = models.CharField(_("message id"), max_length=200)
    payload = models.JSONField(_("content"))
    at = models.DateTimeField(_("when"))
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        indexes = [models.Index(fields=["waiting_for"], name="parked_by_whom_they_wait_for")]
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")

    def __str__(self) -> str:
        return f"{self.kind} · {self.waiting_for}"


class Quarantined(models.Model):
    """An event that can't be used, with the reason in words; its neighbours went on."""

    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.CASCADE)
    kind = models.CharField(_("kind"), max_length=60, blank=True)
    message_id = models.CharField(_("message id"), max_length=200, blank=True)
    payload = models.JSONField(_("content"))
    error = models.TextField(_("error"))
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("quarantined event")
        verbose_name_plural = _("quarantined events")

    def __str__(self) -> str:
        return self.error[:80]
