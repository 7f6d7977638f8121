"""The delivery ledger: one row per intended message, and what became of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.consent.models import ContactPoint, channel_names
from campaigns.delivery.models.content import TemplateVersion
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class SendGate(models.Model):
    """What a campaign allows right now. Locked by every send of the campaign; pausing is one UPDATE."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("Sending allowed")
        PAUSED = "PAUSED", _("Paused")
        STOPPED = "STOPPED", _("Stopped")

    class Purpose(models.TextChoices):
        MARKETING = "MARKETING", _("Marketing")
        TRANSACTIONAL = "TRANSACTIONAL", _("Transactional")

    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PAUSED)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose, default=Purpose.MARKETING)
    topic = models.CharField(_("topic"), max_length=60, default="offers")
    priority = models.IntegerField(_("priority"), default=50)
    window_start = models.TimeField(
        _("window opens at"), null=True, blank=True, help_text=_("In the contact's own time.")
    )
    window_end = models.TimeField(_("window closes at"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(window_start__isnull=True, window_end__isnull=True)
                | Q(window_start__lt=models.F("window_end")),
                name="a_send_window_opens_before_it_closes",
            )
        ]
        verbose_name = _("send gate")
        verbose_name_plural = _("send gates")

    def __str__(self) -> str:
        return f"{self.slug} · {self.get_state_display()}"


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
    time. `due_at`, `send_by` are business time; `next_at`, `lease_until`, `unknown_at` are wall time. The window, in
    the contact's own time, is that of the campaign's version it was planned from.
    """

    class State(models.TextChoices):
        PLANNED = "PLANNED", _("Planned")
        READY = "READY", _("Ready")
        CLAIMED = "CLAIMED", _("Claimed")
        SENDING = "SENDING", _("Being sent")
        ACCEPTED = "ACCEPTED", _("Accepted")
        UNKNOWN = "UNKNOWN", _("Unknown")
        FAILED = "FAILED", _("Failed")
        UNDETERMINED = "UNDETERMINED", _("Undetermined")
        SKIPPED = "SKIPPED", _("Skipped")
        EXPIRED = "EXPIRED", _("Expired")

    OPEN = (State.PLANNED, State.READY, State.CLAIMED, State.SENDING, State.UNKNOWN)

    class Reason(models.TextChoices):
        OPTED_OUT = "OPTED_OUT", _("Opted out")
        HELD = "HELD", _("A reply of theirs waits for a person")
        NO_CONSENT = "NO_CONSENT", _("Without consent")
        SUPPRESSED = "SUPPRESSED", _("On the suppression list")
        CAMPAIGN_STOPPED = "CAMPAIGN_STOPPED", _("Campaign stopped")
        CONVERTED = "CONVERTED", _("Upgraded before")
        REFUSED = "REFUSED", _("Said no before")
        LEFT_SEGMENT = "LEFT_SEGMENT", _("Left the segment")
        CAPPED = "CAPPED", _("At the weekly limit")
        LOST_ARBITRATION = "LOST_ARBITRATION", _("Another campaign came first")
        FACTS_CHANGED = "FACTS_CHANGED", _("Facts changed")
        CSM_TASK_OPEN = "CSM_TASK_OPEN", _("In talks with an account manager")
        GATE_CLOSED = "GATE_CLOSED", _("Sending was stopped")
        NO_ADDRESS = "NO_ADDRESS", _("Without an address")
        RENDER_ERROR = "RENDER_ERROR", _("Text could not be filled in")
        BUDGET_SPENT = "BUDGET_SPENT", _("The day’s SMS budget was spent")
        COUNTRY_RULES = "COUNTRY_RULES", _("Its text lacks what the reader’s country asks for")
        OFFER_WITHDRAWN = "OFFER_WITHDRAWN", _("The offer is no longer made")

    class Purpose(models.TextChoices):
        MARKETING = "MARKETING", _("Marketing")
        TRANSACTIONAL = "TRANSACTIONAL", _("Transactional")
        TEST = "TEST", _("Test send")

    class Policy(models.TextChoices):
        AT_MOST_ONCE = "AT_MOST_ONCE", _("At most once")
        AT_LEAST_ONCE = "AT_LEAST_ONCE", _("At least once")

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    gate = models.ForeignKey(SendGate, verbose_name=_("send gate"), on_delete=models.PROTECT, related_name="messages")
    # Every index is written three times for each message that is sent: these two begin other indexes (below).
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.PROTECT, db_index=False, related_name="messages"
    )
    account = models.ForeignKey(
        Account,
        verbose_name=_("account"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="messages",
    )
    # Of points and wordings nobody asks for the messages; neither is ever deleted.
    point = models.ForeignKey(
        ContactPoint,
        verbose_name=_("contact point"),
        on_delete=models.PROTECT,
        db_index=False,
        related_name="messages",
    )
    template_version = models.ForeignKey(
        TemplateVersion, verbose_name=_("template version"), on_delete=models.PROTECT, db_index=False
    )
    channel = models.CharField(_("channel"), max_length=20, choices=channel_names)
    locale = models.CharField(_("language"), max_length=10)
    variant = models.CharField(_("variant"), max_length=40, blank=True)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose, default=Purpose.MARKETING)
    policy = models.CharField(_("policy"), max_length=20, choices=Policy, default=Policy.AT_MOST_ONCE)
    context = models.JSONField(default=dict, help_text="Evidence, quote figures and links gathered when planned.")
    origin_campaign = models.CharField(_("campaign"), max_length=80, blank=True)
    origin_step = models.CharField(_("step"), max_length=80, blank=True)
    account_revision = models.IntegerField(_("revision of the account"), default=0)
    priority = models.IntegerField(_("priority"), default=50)
    expected_value = models.DecimalField(_("expected value"), max_digits=14, decimal_places=2, default=0)
    dedupe_key = models.CharField(_("key against doubles"), max_length=120)

    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PLANNED)
    reason = models.CharField(_("reason"), max_length=30, choices=Reason, blank=True)
    taken_back = models.CharField(
        _("taken back"),
        max_length=30,
        choices=Reason,
        blank=True,
        db_default="",
        help_text=_(
            "Why it must not go any more, said while a worker had it in hand; of a banner, why it was taken down."
        ),
    )
    lost_to = models.ForeignKey(
        "self",
        verbose_name=_("lost to"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="beaten",
        help_text=_("The message of another campaign that was worth more to the account at the time."),
    )
    window_start = models.TimeField(_("window opens at"), null=True, blank=True)
    window_end = models.TimeField(_("window closes at"), null=True, blank=True)
    planned_at = models.DateTimeField(_("planned at"))
    due_at = models.DateTimeField(_("due at"))
    send_by = models.DateTimeField(_("send by"), null=True, blank=True)
    next_at = models.DateTimeField(_("next try at"), null=True, blank=True)
    attempt = models.IntegerField(_("attempt"), default=0)
    claimed_by = models.CharField(_("claimed by"), max_length=200, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    unknown_at = models.DateTimeField(_("unknown since"), null=True, blank=True)
    provider_id = models.CharField(_("id at the provider"), max_length=200, blank=True)
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True, help_text=_("Business time."))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    decided_at = models.DateTimeField(
        _("decided at"),
        null=True,
        blank=True,
        help_text=_("When a person last said what becomes of it although nobody knows whether it arrived."),
    )
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True, db_default="")

    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("came back at"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    clicked_at = models.DateTimeField(_("clicked at"), null=True, blank=True, help_text=_("First click graded human."))
    replied_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    dismissed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    complained_at = models.DateTimeField(_("reported as unwanted at"), null=True, blank=True)
    unsubscribed_at = models.DateTimeField(_("unsubscribed at"), null=True, blank=True)
    converted_at = models.DateTimeField(
        _("upgraded at"),
        null=True,
        blank=True,
        help_text=_("First upgrade credited to this message. Attributed, not proven."),
    )

    xid = Xid8Field()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dedupe_key"], name="a_message_is_planned_once"),
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
            # For the arbitration between campaigns; with the purpose, so that no claim takes this index for its own.
            models.Index(
                fields=["account"],
                condition=Q(state__in=["PLANNED", "READY", "CLAIMED"], purpose="MARKETING"),
                name="messages_waiting",
            ),
            models.Index(fields=["lost_to"], condition=Q(lost_to__isnull=False), name="messages_that_lost"),
            # for the brake on campaigns that nobody wants
            models.Index(
                fields=["accepted_at"], condition=Q(complained_at__isnull=False), name="messages_complained_about"
            ),
            models.Index(
                fields=["accepted_at"], condition=Q(channel="sms", bounced_at__isnull=False), name="texts_that_failed"
            ),
            # for what a person should look at: few, and never looked for among millions
            models.Index(
                fields=["gate", "state"],
                condition=Q(state="UNDETERMINED") | Q(reason="COUNTRY_RULES") | Q(decided_at__isnull=False),
                name="messages_to_look_at",
            ),
            # for what went out in the last days
            models.Index(fields=["accepted_at"], condition=Q(accepted_at__isnull=False), name="messages_by_day_sent"),
        ]
        verbose_name = _("message")
        verbose_name_plural = _("messages")

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.uuid}"

    @property
    def is_decided(self) -> bool:
        """Of an undetermined one: whether a person has said what becomes of it, since it last became so."""
        return self.decided_at is not None and (self.ended_at is None or self.decided_at >= self.ended_at)


class DeliveryAttempt(models.Model):
    """One try of one message: written before the request leaves, completed by its answer."""

    class Outcome(models.TextChoices):
        STARTED = "STARTED", _("Started")
        ACCEPTED = "ACCEPTED", _("The provider took it")
        REFUSED = "REFUSED", _("The provider refused it")
        BUSY = "BUSY", _("The provider was busy")
        UNCLEAR = "UNCLEAR", _("Unclear")

    message = models.ForeignKey(Message, verbose_name=_("message"), on_delete=models.CASCADE, related_name="attempts")
    number = models.IntegerField(_("number"))
    started_at = models.DateTimeField(_("started at"), help_text=_("Wall time."))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, help_text=_("Wall time."))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, default=Outcome.STARTED)
    code = models.CharField(_("code"), max_length=40, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    request = models.UUIDField(
        _("request"), null=True, blank=True, help_text=_("The same for all that one request to the provider carried.")
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="an_attempt_is_made_once")]
        indexes = [
            # for what a report about one message of a request says about the others
            models.Index(fields=["request"], condition=Q(request__isnull=False), name="attempts_of_a_request")
        ]
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")

    def __str__(self) -> str:
        return f"{self.number} · {self.get_outcome_display()}"


class AttentionBudget(models.Model):
    """How much of its attention an account or a contact has given. Taken by a conditional UPDATE
    inside begin_send, so that two workers never both see room for one more.

    `spent` lists the sends that still matter to the widest cap, as `[message id, business time in
    ISO 8601]`: accepted, sending and unknown ones count, one that certainly did not go is taken out.
    """

    account = models.OneToOneField(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.CASCADE)
    contact = models.OneToOneField(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.CASCADE)
    spent = models.JSONField(_("spent"), default=list)
    revision = models.IntegerField(_("revision"), default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, contact__isnull=True)
                | Q(account__isnull=True, contact__isnull=False),
                name="a_budget_is_of_an_account_or_of_a_contact",
            )
        ]
        verbose_name = _("attention budget")
        verbose_name_plural = _("attention budgets")

    def __str__(self) -> str:
        owner = Account if self.account_id else Contact
        return f"{owner._meta.verbose_name} {self.account_id or self.contact_id}"
