from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.delivery.models.ledger import Message
from orchestrator.channels import events


class ProviderEvent(models.Model):
    """What a provider reported, append-only, partitioned by month of `received_at`.

    `message` is the message's uuid as a value (no foreign key to or from partitioned tables).
    """

    class Type(models.TextChoices):
        PROCESSED = events.EventType.PROCESSED, _("Taken")
        DEFERRED = events.EventType.DEFERRED, _("Put off")
        DELIVERED = events.EventType.DELIVERED, _("Arrived")
        BOUNCED = events.EventType.BOUNCED, _("Came back")
        BLOCKED = events.EventType.BLOCKED, _("Not accepted this time")
        DROPPED = events.EventType.DROPPED, _("Not sent by the provider")
        OPENED = events.EventType.OPENED, _("An opening")
        CLICKED = events.EventType.CLICKED, _("A click")
        COMPLAINED = events.EventType.COMPLAINED, _("Reported as unwanted")
        UNSUBSCRIBED = events.EventType.UNSUBSCRIBED, _("Unsubscribed")
        REPLIED = events.EventType.REPLIED, _("An answer")
        UNKNOWN = events.EventType.UNKNOWN, _("Unknown")

    class Grade(models.TextChoices):
        HUMAN = events.Grade.HUMAN, _("A person")
        SCANNER = events.Grade.SCANNER, _("A scanner")
        PROXY = events.Grade.PROXY, _("A mail program’s proxy")
        UNKNOWN = events.Grade.UNKNOWN, _("Unknown")

    id = models.BigAutoField(primary_key=True)
    received_at = models.DateTimeField(_("received at"), help_text=_("Wall time; the partition key."))
    provider = models.CharField(_("provider"), max_length=30)
    key = models.BinaryField(max_length=16)
    type = models.CharField(_("kind"), max_length=20, choices=Type)
    grade = models.CharField(_("grade"), max_length=20, choices=Grade, default=Grade.UNKNOWN)
    at = models.DateTimeField(_("when"), help_text=_("When it happened, by the provider's clock."))
    message = models.UUIDField(_("message"), null=True, blank=True)
    attempt = models.IntegerField(_("attempt"), null=True, blank=True)
    address_hash = models.BinaryField(max_length=32, null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    url = models.TextField(blank=True)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["message", "at"], name="events_of_a_message"),
            # for the feedback job
            models.Index(fields=["id"], condition=models.Q(applied_at__isnull=True), name="feedback_to_apply"),
        ]
        verbose_name = _("provider event")
        verbose_name_plural = _("provider events")

    def __str__(self) -> str:
        return f"{self.get_type_display()} · {self.provider}"


class LinkTarget(models.Model):
    """Where a link leads that a marketer wrote into a text: stored when the wording is launched, kept for ever. The
    redirect goes to such addresses only."""

    url = models.TextField(_("address"), unique=True)

    class Meta:
        verbose_name = _("link target")
        verbose_name_plural = _("link targets")

    def __str__(self) -> str:
        return self.url


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

    class Kind(models.TextChoices):
        OFFER = "offer", _("Offer")
        UNSUBSCRIBE = "unsubscribe", _("Unsubscribe")
        PREFERENCES = "preferences", _("Preferences")
        VIEW = "view", _("View in the browser")
        OTHER = "other", _("Other")

    message = models.ForeignKey(
        Message, verbose_name=_("message"), on_delete=models.CASCADE, db_index=False, related_name="links"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    target = models.TextField()
    hits = models.IntegerField(_("hits"), default=0)
    human_hits = models.IntegerField(_("hits by people"), default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "kind", "target"], name="a_message_has_a_link_once")]
        verbose_name = _("tracked link")
        verbose_name_plural = _("tracked links")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"
