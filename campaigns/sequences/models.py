"""Campaigns: who is taken in, what they get step by step, and where each of them stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from campaigns.delivery.models import Message, SendGate, TemplateVersion
from campaigns.experiments.models import Assignment, Experiment
from campaigns.offers.models import Offer, Quote
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact
from campaigns.segments.models import Segment, SegmentMembership


class Campaign(models.Model):
    """A marketer's undertaking. What runs is `live_version`; `draft_version` is what is being edited."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT"
        LIVE = "LIVE"
        PAUSED = "PAUSED"
        STOPPED = "STOPPED"
        FINISHED = "FINISHED"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    purpose = models.CharField(max_length=20, default="MARKETING")
    segment = models.ForeignKey(Segment, null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns")
    offer = models.ForeignKey(Offer, null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns")
    gate = models.OneToOneField(SendGate, null=True, blank=True, on_delete=models.PROTECT, related_name="campaign")
    experiment = models.OneToOneField(
        Experiment, null=True, blank=True, on_delete=models.PROTECT, related_name="campaign"
    )
    live_version = models.ForeignKey(
        "CampaignVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    draft_version = models.ForeignKey(
        "CampaignVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    launched_at = models.DateTimeField(null=True, blank=True)
    launched_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(live_version__isnull=False, gate__isnull=False, segment__isnull=False),
                name="a_launched_campaign_has_version_gate_and_audience",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CampaignVersion(models.Model):
    """One wording of the whole campaign file (docs/campaign.schema.json). Frozen once live."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150, blank=True)
    went_live_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="a_campaign_version_has_its_own_number")
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.number}"


class Step(models.Model):
    """A step of a live version. `then`/`otherwise` are keys; empty `then` is the following step."""

    class Kind(models.TextChoices):
        MESSAGE = "MESSAGE"
        WAIT = "WAIT"
        BRANCH = "BRANCH"
        EXIT = "EXIT"

    version = models.ForeignKey(CampaignVersion, on_delete=models.CASCADE, related_name="steps")
    key = models.SlugField(max_length=80)
    position = models.IntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    channel = models.CharField(max_length=20, blank=True)
    wait = models.DurationField(null=True, blank=True)
    condition = models.JSONField(null=True, blank=True)
    then = models.CharField(max_length=80, blank=True)
    otherwise = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="a_version_names_a_step_once"),
            models.UniqueConstraint(fields=["version", "position"], name="a_version_has_one_step_per_position"),
            models.CheckConstraint(
                condition=~Q(kind="MESSAGE") | ~Q(channel=""), name="a_message_step_names_its_channel"
            ),
            models.CheckConstraint(condition=~Q(kind="WAIT") | Q(wait__isnull=False), name="a_wait_step_says_how_long"),
        ]

    def __str__(self) -> str:
        return self.key


class StepVariant(models.Model):
    """The wording an arm gets at a message step. A step with a single variant gives it to all arms."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="variants")
    key = models.SlugField(max_length=40)
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "key"], name="a_step_names_a_variant_once")]

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """What became of one account (or contact) that came into a campaign's audience.

    Each is in exactly one place: enrolled, held out, or not enrolled for one stated reason; so the
    places sum to the audience.
    """

    class Outcome(models.TextChoices):
        ENROLLED = "ENROLLED"
        HOLDOUT = "HOLDOUT"
        NOT_ENROLLED = "NOT_ENROLLED"

    class Reason(models.TextChoices):
        OPTED_OUT = "opted_out"
        NO_REACHABLE_CONTACT = "no_reachable_contact"
        NOT_ELIGIBLE = "not_eligible"
        NO_PRICE = "no_price"
        RECENT_REFUSAL = "recent_refusal"
        PAYMENT_FAILED = "payment_failed"
        CANCELLING = "cancelling"
        HEALTH_RED = "health_red"
        ALREADY_IN_CAMPAIGN = "already_in_campaign"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    number = models.IntegerField(default=1, help_text="How often the account has entered.")
    stay = models.ForeignKey(SegmentMembership, null=True, blank=True, on_delete=models.SET_NULL)
    outcome = models.CharField(max_length=20, choices=Outcome)
    reason = models.CharField(max_length=40, choices=Reason, blank=True)
    assignment = models.ForeignKey(Assignment, null=True, blank=True, on_delete=models.PROTECT)
    evidence = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "account", "number"], name="an_account_enters_a_campaign_once_per_number"
            ),
            models.CheckConstraint(condition=~Q(outcome="NOT_ENROLLED") | ~Q(reason=""), name="not_enrolled_says_why"),
        ]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.account_id} {self.outcome}"


class Enrolment(models.Model):
    """One contact's way through one campaign for one account."""

    class State(models.TextChoices):
        OPEN = "OPEN"
        ENDED = "ENDED"

    class Exit(models.TextChoices):
        COMPLETED = "COMPLETED"
        CONVERTED = "CONVERTED"
        OPTED_OUT = "OPTED_OUT"
        LEFT_SEGMENT = "LEFT_SEGMENT"
        REFUSED = "REFUSED"
        GATE_CLOSED = "GATE_CLOSED"
        STOPPED = "STOPPED"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="enrolments")
    version = models.ForeignKey(CampaignVersion, on_delete=models.PROTECT)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="enrolments")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="enrolments")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="enrolments")
    entry_number = models.IntegerField(default=1)
    arm = models.CharField(max_length=40)
    quote = models.ForeignKey(Quote, null=True, blank=True, on_delete=models.PROTECT)
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    step_key = models.CharField(max_length=80, blank=True)
    visit = models.IntegerField(default=1)
    step_entered_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, help_text="When to look at it next, business time.")
    enrolled_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    exit_reason = models.CharField(max_length=20, choices=Exit, blank=True)
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "account", "contact", "entry_number"], name="a_contact_is_enrolled_once_per_entry"
            ),
            models.UniqueConstraint(
                fields=["campaign", "contact"],
                condition=Q(state="OPEN"),
                name="a_contact_has_one_open_enrolment_per_campaign",
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN", exit_reason="") | (Q(state="ENDED") & ~Q(exit_reason="")),
                name="an_ended_enrolment_says_why",
            ),
        ]
        indexes = [
            # for the advance job
            models.Index(fields=["due_at", "id"], condition=Q(state="OPEN"), name="enrolments_due"),
            models.Index(fields=["account"], name="enrolments_of_an_account"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.campaign_id}"


class StepRun(models.Model):
    """That an enrolment did a step. Written in the transaction that plans its message."""

    class Outcome(models.TextChoices):
        MESSAGE_PLANNED = "MESSAGE_PLANNED"
        WAITED = "WAITED"
        BRANCHED = "BRANCHED"
        SKIPPED = "SKIPPED"

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="runs")
    step_key = models.CharField(max_length=80)
    visit = models.IntegerField(default=1)
    outcome = models.CharField(max_length=20, choices=Outcome)
    reason = models.CharField(max_length=60, blank=True)
    message = models.OneToOneField(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="step_run")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "step_key", "visit"], name="an_enrolment_does_a_step_once_per_visit"
            )
        ]

    def __str__(self) -> str:
        return f"{self.step_key} of {self.enrolment_id}"
