"""Who may be written to, where, about what, and how we know."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Contact


class ConsentTopic(models.Model):
    """What messages are about. `permitted_without_record` lists the channels where a contact who
    never said yes or no may be written to (in-app to a logged-in customer, say)."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    is_marketing = models.BooleanField(default=True)
    permitted_without_record = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return self.name


class ContactPoint(models.Model):
    """The current state of one address: the row every opt-out updates and every send locks.

    `topics` maps a topic's slug to GRANTED or WITHDRAWN; `revision` grows with every change.
    An opt-out commits here before it is answered; sending reads this row under FOR SHARE.
    """

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "UNSUBSCRIBED"
        COMPLAINED = "COMPLAINED"
        BOUNCED = "BOUNCED"
        OBJECTED = "OBJECTED"
        ERASED = "ERASED"

    channel = models.CharField(max_length=20)
    address_hash = models.BinaryField(max_length=32, editable=False)
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="points")
    is_blocked = models.BooleanField(default=False, help_text="No marketing at all on this address.")
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)
    topics = models.JSONField(default=dict, blank=True)
    revision = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "address_hash"], name="an_address_has_one_state_per_channel"),
            models.CheckConstraint(
                condition=Q(is_blocked=False, reason="") | (Q(is_blocked=True) & ~Q(reason="")),
                name="a_blocked_address_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} point {self.pk}"


class ConsentRecord(models.Model):
    """Evidence, append-only: a trigger refuses UPDATE and DELETE outside an erasure.

    `topic` empty means all marketing topics of the channel.
    """

    class State(models.TextChoices):
        GRANTED = "GRANTED"
        WITHDRAWN = "WITHDRAWN"

    point = models.ForeignKey(ContactPoint, on_delete=models.PROTECT, related_name="records")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT)
    channel = models.CharField(max_length=20)
    topic = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=20, choices=State)
    basis = models.CharField(max_length=30, blank=True)
    source = models.CharField(max_length=60, help_text="crm, one_click, unsubscribe_page, complaint …")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    evidence = models.JSONField(default=dict, blank=True)
    dedupe_key = models.CharField(max_length=120, unique=True, null=True, blank=True)
    xid = Xid8Field()

    class Meta:
        indexes = [
            models.Index(fields=["contact", "channel", "topic", "-at"], name="newest_consent_of_a_contact"),
            models.Index(fields=["xid", "id"], name="consent_records_to_pull"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.channel} {self.topic or 'all topics'}"
