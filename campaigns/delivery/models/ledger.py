"""The delivery ledger: one row per intended message, and what became of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from campaigns.consent.models import ContactPoint
from campaigns.delivery.models.content import TemplateVersion
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class SendGate(models.Model):
    """What a campaign allows right now. Locked by every send of the campaign; pausing is one UPDATE."""

    class State(models.TextChoices):
        OPEN = "OPEN"
        PAUSED = "PAUSED"
        STOPPED = "STOPPED"

    slug = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=20, choices=State, default=State.PAUSED)
    purpose = models.CharField(max_length=20, default="MARKETING")
    topic = models.CharField(max_length=60, default="offers")
    priority = models.IntegerField(default=50)
    window_start = models.TimeField(null=True, blank=True, help_text="In the contact's own time.")
    window_end = models.TimeField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(window_start__isnull=True, window_end__isnull=True)
                | Q(window_start__lt=models.F("window_end")),
                name="a_send_window_opens_before_it_closes",
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.state}"


class MessageQuerySet(models.QuerySet):
    def open(self) -> MessageQuerySet:
        """Not yet in a final state."""
        return self.filter(state__in=[s.value for s in Message.OPEN])

    def counted(self) -> MessageQuerySet:
        """Everything but test sends."""
        return self.exclude(purpose=Message.Purpose.TEST)


class Message(models.Model):
    """One intended message to one contact on one channel. See docs/architecture.md for the states.

    delivered, opened, clicked, bounced … are facts, not states: they only ever gain an earlier
    time. `due_at`, `send_by` are business time; `next_at`, `lease_until`, `unknown_at` are wall time.
    """

    class State(models.TextChoices):
        PLANNED = "PLANNED"
        READY = "READY"
        CLAIMED = "CLAIMED"
        SENDING = "SENDING"
        ACCEPTED = "ACCEPTED"
        UNKNOWN = "UNKNOWN"
        FAILED = "FAILED"
        UNDETERMINED = "UNDETERMINED"
        SKIPPED = "SKIPPED"
        EXPIRED = "EXPIRED"

    OPEN = (State.PLANNED, State.READY, State.CLAIMED, State.SENDING, State.UNKNOWN)

    class Reason(models.TextChoices):
        OPTED_OUT = "OPTED_OUT"
        NO_CONSENT = "NO_CONSENT"
        SUPPRESSED = "SUPPRESSED"
        CAMPAIGN_STOPPED = "CAMPAIGN_STOPPED"
        CONVERTED = "CONVERTED"
        REFUSED = "REFUSED"
        LEFT_SEGMENT = "LEFT_SEGMENT"
        CAPPED = "CAPPED"
        LOST_ARBITRATION = "LOST_ARBITRATION"
        FACTS_CHANGED = "FACTS_CHANGED"
        CSM_TASK_OPEN = "CSM_TASK_OPEN"
        GATE_CLOSED = "GATE_CLOSED"
        NO_ADDRESS = "NO_ADDRESS"
        RENDER_ERROR = "RENDER_ERROR"

    class Purpose(models.TextChoices):
        MARKETING = "MARKETING"
        TRANSACTIONAL = "TRANSACTIONAL"
        TEST = "TEST"

    class Policy(models.TextChoices):
        AT_MOST_ONCE = "AT_MOST_ONCE"
        AT_LEAST_ONCE = "AT_LEAST_ONCE"

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    gate = models.ForeignKey(SendGate, on_delete=models.PROTECT, related_name="messages")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="messages")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.PROTECT, related_name="messages")
    point = models.ForeignKey(ContactPoint, on_delete=models.PROTECT, related_name="messages")
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT)
    channel = models.CharField(max_length=20)
    locale = models.CharField(max_length=10)
    variant = models.CharField(max_length=40, blank=True)
    purpose = models.CharField(max_length=20, choices=Purpose, default=Purpose.MARKETING)
    policy = models.CharField(max_length=20, choices=Policy, default=Policy.AT_MOST_ONCE)
    context = models.JSONField(default=dict, help_text="Evidence, quote figures and links gathered when planned.")
    origin_campaign = models.CharField(max_length=80, blank=True)
    origin_step = models.CharField(max_length=80, blank=True)
    account_revision = models.IntegerField(default=0)
    priority = models.IntegerField(default=50)
    expected_value = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    dedupe_key = models.CharField(max_length=120, unique=True)

    state = models.CharField(max_length=20, choices=State, default=State.PLANNED)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    planned_at = models.DateTimeField()
    due_at = models.DateTimeField()
    send_by = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    attempt = models.IntegerField(default=0)
    claimed_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    unknown_at = models.DateTimeField(null=True, blank=True)
    provider_id = models.CharField(max_length=200, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True, help_text="Business time.")
    ended_at = models.DateTimeField(null=True, blank=True)

    delivered_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True, help_text="First click graded human.")
    dismissed_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)

    xid = Xid8Field()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(state="SKIPPED") | ~Q(reason=""), name="a_skipped_message_says_why"),
            models.CheckConstraint(
                condition=~Q(state__in=["CLAIMED", "SENDING"]) | Q(lease_until__isnull=False),
                name="a_message_in_hand_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state="ACCEPTED") | Q(accepted_at__isnull=False),
                name="an_accepted_message_says_when",
            ),
        ]
        indexes = [
            # for the clock hand that makes planned messages ready
            models.Index(fields=["due_at"], condition=Q(state="PLANNED"), name="messages_coming_due"),
            # for the dispatch job's claim
            models.Index(fields=["channel", "next_at", "id"], condition=Q(state="READY"), name="messages_to_claim"),
            # for the reaper and the reconciler
            models.Index(
                fields=["lease_until"], condition=Q(state__in=["CLAIMED", "SENDING"]), name="messages_in_hand"
            ),
            models.Index(fields=["unknown_at"], condition=Q(state="UNKNOWN"), name="messages_unknown"),
            models.Index(fields=["contact", "-planned_at"], name="messages_of_a_contact"),
            models.Index(fields=["account", "-planned_at"], name="messages_of_an_account"),
            models.Index(fields=["origin_campaign", "origin_step"], name="messages_of_a_step"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.uuid}"


class DeliveryAttempt(models.Model):
    """One try of one message: written before the request leaves, completed by its answer."""

    class Outcome(models.TextChoices):
        STARTED = "STARTED"
        ACCEPTED = "ACCEPTED"
        REFUSED = "REFUSED"
        BUSY = "BUSY"
        UNCLEAR = "UNCLEAR"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    number = models.IntegerField()
    started_at = models.DateTimeField(help_text="Wall time.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Wall time.")
    outcome = models.CharField(max_length=20, choices=Outcome, default=Outcome.STARTED)
    code = models.CharField(max_length=40, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="an_attempt_is_made_once")]

    def __str__(self) -> str:
        return f"try {self.number} of {self.message_id}"


class AttentionBudget(models.Model):
    """How much of its attention an account or a contact has given. Taken by a conditional UPDATE
    inside begin_send, so that two workers never both see room for one more.

    `spent` lists the sends that still matter to the widest cap, as `[message id, business time in
    ISO 8601]`: accepted, sending and unknown ones count, one that certainly did not go is taken out.
    """

    account = models.OneToOneField(Account, null=True, blank=True, on_delete=models.CASCADE)
    contact = models.OneToOneField(Contact, null=True, blank=True, on_delete=models.CASCADE)
    spent = models.JSONField(default=list)
    revision = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, contact__isnull=True)
                | Q(account__isnull=True, contact__isnull=False),
                name="a_budget_is_of_an_account_or_of_a_contact",
            )
        ]

    def __str__(self) -> str:
        return f"budget of {'account' if self.account_id else 'contact'} {self.account_id or self.contact_id}"
