from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.delivery.models.ledger import Message


class ProviderEvent(models.Model):
    """What a provider reported, append-only, partitioned by month of `received_at`.

    `message` is the message's uuid as a value (no foreign key to or from partitioned tables).
    """

    id = models.BigAutoField(primary_key=True)
    received_at = models.DateTimeField(help_text="Wall time; the partition key.")
    provider = models.CharField(max_length=30)
    key = models.BinaryField(max_length=16)
    type = models.CharField(max_length=20)
    grade = models.CharField(max_length=20, default="UNKNOWN")
    at = models.DateTimeField(help_text="When it happened, by the provider's clock.")
    message = models.UUIDField(null=True, blank=True)
    attempt = models.IntegerField(null=True, blank=True)
    address_hash = models.BinaryField(max_length=32, null=True, blank=True)
    reason = models.TextField(blank=True)
    url = models.TextField(blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["message", "at"], name="events_of_a_message"),
            # for the feedback job
            models.Index(fields=["id"], condition=models.Q(applied_at__isnull=True), name="feedback_to_apply"),
        ]

    def __str__(self) -> str:
        return f"{self.type} from {self.provider}"


class SeenProviderEvent(models.Model):
    """The dedupe key of a provider event: here because a partitioned table cannot hold it alone."""

    pk = models.CompositePrimaryKey("provider", "key")
    provider = models.CharField(max_length=30)
    key = models.BinaryField(max_length=16)

    def __str__(self) -> str:
        return f"{self.provider} {bytes(self.key).hex()}"


class IntakeWatch(models.Model):
    """Since when events could come in without a break: one row, beaten by the reconcile job.

    An UNKNOWN message may only be given up after a whole evidence window in which a report about
    it could have been stored. See `campaigns.delivery.watch`.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    since = models.DateTimeField(help_text="Wall time.")
    seen_at = models.DateTimeField(help_text="Wall time.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_intake_watch")]
        verbose_name = _("intake watch")
        verbose_name_plural = _("intake watches")

    def __str__(self) -> str:
        return f"intake alive since {self.since:%Y-%m-%d %H:%M:%S}"


class TrackedLink(models.Model):
    """A link in a message. The redirect goes to this stored target only: no open redirect."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=20, help_text="offer, unsubscribe, preferences, view, other.")
    target = models.TextField()
    hits = models.IntegerField(default=0)
    human_hits = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "kind", "target"], name="a_message_has_a_link_once")]

    def __str__(self) -> str:
        return f"{self.kind} link of {self.message_id}"
