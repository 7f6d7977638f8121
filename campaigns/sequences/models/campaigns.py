"""Campaigns: who is taken in, what they get step by step, and where each of them stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.consent.models import channel_names
from campaigns.delivery.models import Message, SendGate, TemplateVersion
from campaigns.experiments.models import Assignment, Experiment
from campaigns.offers.models import Offer, Quote
from campaigns.operations.fields import Xid8Field
from campaigns.operations.quick_row import QuickRow
from campaigns.profiles.models import Account, Contact
from campaigns.segments.models import Segment, SegmentMembership


class Campaign(models.Model):
    """A marketer's undertaking. What runs is `live_version`; `draft_version` is what is being edited."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        LIVE = "LIVE", _("Live")
        PAUSED = "PAUSED", _("Paused")
        STOPPED = "STOPPED", _("Stopped")
        FINISHED = "FINISHED", _("Finished")

    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=200)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.DRAFT)
    purpose = models.CharField(
        _("purpose"), max_length=20, choices=SendGate.Purpose, default=SendGate.Purpose.MARKETING
    )
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    gate = models.OneToOneField(
        SendGate, verbose_name=_("send gate"), null=True, blank=True, on_delete=models.PROTECT, related_name="campaign"
    )
    experiment = models.OneToOneField(
        Experiment,
        verbose_name=_("experiment"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="campaign",
    )
    live_version = models.ForeignKey(
        "CampaignVersion",
        verbose_name=_("live version"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    draft_version = models.ForeignKey(
        "CampaignVersion",
        verbose_name=_("draft version"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    launched_at = models.DateTimeField(_("launched at"), null=True, blank=True)
    launched_by = models.CharField(_("launched by"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("created at"))
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(live_version__isnull=False, gate__isnull=False, segment__isnull=False),
                name="a_launched_campaign_has_version_gate_and_audience",
            )
        ]
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")

    def __str__(self) -> str:
        return self.name

    @property
    def is_edited_beside(self) -> bool:
        """Whether there is a draft beside the version that runs."""
        return self.live_version_id is not None and self.draft_version_id is not None

    @property
    def edited_segment(self) -> Segment | None:
        """The audience of what is being edited, else of what runs."""
        return self.draft_version.segment if self.is_edited_beside and self.draft_version else self.segment

    @property
    def edited_offer(self) -> Offer | None:
        """The offer of what is being edited, else of what runs."""
        return self.draft_version.offer if self.is_edited_beside and self.draft_version else self.offer


class CampaignVersion(models.Model):
    """One wording of the whole campaign file (docs/campaign.schema.json). Once it went live it never changes: a trigger
    refuses it. `segment` and `offer` are what audience and offer mean in this database; the campaign's own are those of
    the version that runs, else of the draft. `audience_read_at`: when all whom it found inside were placed."""

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="versions"
    )
    number = models.IntegerField(_("number"))
    definition = models.JSONField(_("definition"))
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"))
    created_by = models.CharField(_("created by"), max_length=150, blank=True)
    went_live_at = models.DateTimeField(_("went live at"), null=True, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)

    audience_read_at = models.DateTimeField(_("audience read at"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="a_campaign_version_has_its_own_number")
        ]
        verbose_name = _("campaign version")
        verbose_name_plural = _("campaign versions")

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.number}"


class Step(models.Model):
    """A step of a version that went live. `then`/`otherwise` are keys; empty `then` is the following step.
    `condition` is a BRANCH's, or that of a WAIT, whose time-out is `wait` then. Local times, ways, traits and how often
    a jump leads back stand in the version's definition only."""

    class Kind(models.TextChoices):
        MESSAGE = "MESSAGE", _("Message")
        WAIT = "WAIT", _("Wait")
        BRANCH = "BRANCH", _("Question")
        SPLIT = "SPLIT", _("Split")
        UPDATE = "UPDATE", _("Note")
        GOTO = "GOTO", _("Jump")
        EXIT = "EXIT", _("Exit")

    version = models.ForeignKey(
        CampaignVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="steps"
    )
    key = models.SlugField(_("key"), max_length=80)
    position = models.IntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    channel = models.CharField(_("channel"), max_length=20, choices=channel_names, blank=True)
    wait = models.DurationField(_("wait"), null=True, blank=True)
    condition = models.JSONField(_("condition"), null=True, blank=True)
    then = models.CharField(_("then"), max_length=80, blank=True)
    otherwise = models.CharField(_("otherwise"), max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="a_version_names_a_step_once"),
            models.UniqueConstraint(fields=["version", "position"], name="a_version_has_one_step_per_position"),
            models.CheckConstraint(
                condition=~Q(kind="MESSAGE") | ~Q(channel=""), name="a_message_step_names_its_channel"
            ),
            models.CheckConstraint(
                condition=~Q(kind="WAIT") | Q(condition__isnull=True) | Q(wait__isnull=False),
                name="a_wait_for_a_condition_has_a_time_out",
            ),
            models.CheckConstraint(condition=~Q(kind="GOTO") | ~Q(then=""), name="a_jump_says_where_to"),
        ]
        verbose_name = _("step")
        verbose_name_plural = _("steps")

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


class Entry(QuickRow):
    """What became of one account (or contact) that came into a campaign's audience. Each is in exactly one place:
    enrolled, held out, or not enrolled for one stated reason; so the places sum to the audience."""

    class Outcome(models.TextChoices):
        ENROLLED = "ENROLLED", _("Enrolled")
        HOLDOUT = "HOLDOUT", _("Held out")
        NOT_ENROLLED = "NOT_ENROLLED", _("Not enrolled")

    class Reason(models.TextChoices):
        OPTED_OUT = "opted_out", _("opted out")
        NO_REACHABLE_CONTACT = "no_reachable_contact", _("nobody there may be written to")
        NOT_ELIGIBLE = "not_eligible", _("no higher plan to offer")
        NO_PRICE = "no_price", _("no price in their currency")
        RECENT_REFUSAL = "recent_refusal", _("said no in the last 60 days")
        PAYMENT_FAILED = "payment_failed", _("failed payment")
        CANCELLING = "cancelling", _("cancellation announced")
        HEALTH_RED = "health_red", _("health in the red")
        CRITICAL_TICKET = "critical_ticket", _("an urgent support ticket is open")
        CSM_TASK_OPEN = "csm_task_open", _("in talks with an account manager")
        ALREADY_IN_CAMPAIGN = "already_in_campaign", _("the same people are reached through another account")
        FAULT = "fault", _("a fault of our own, tried again every hour")

    class Source(models.TextChoices):
        SEGMENT = "SEGMENT", _("came into the segment")
        EVENT = "EVENT", _("an event happened")
        FILE = "FILE", _("named in a file")
        API = "API", _("named by another system")

    # No index of its own for what begins another index: thousands of rows are written at a time.
    campaign = models.ForeignKey(Campaign, models.PROTECT, "entries", verbose_name=_("campaign"), db_index=False)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="entries")
    number = models.IntegerField(_("number"), default=1, help_text=_("How often the account has entered."))
    stay = models.ForeignKey(
        SegmentMembership, verbose_name=_("stay in a segment"), null=True, blank=True, on_delete=models.SET_NULL
    )
    source = models.CharField(_("brought in by"), max_length=20, choices=Source, default=Source.SEGMENT)
    occasion = models.CharField(
        _("occasion"), max_length=200, blank=True, help_text=_("The event’s name and time, the file, who named it.")
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=40, choices=Reason, blank=True)
    assignment = models.ForeignKey(
        Assignment, verbose_name=_("assignment"), null=True, blank=True, on_delete=models.PROTECT
    )
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    at = models.DateTimeField(_("when"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "account", "number"], name="an_account_enters_a_campaign_once_per_number"
            ),
            models.CheckConstraint(condition=~Q(outcome="NOT_ENROLLED") | ~Q(reason=""), name="not_enrolled_says_why"),
            models.CheckConstraint(
                condition=Q(source="SEGMENT") | ~Q(occasion=""), name="who_was_brought_in_says_what_by"
            ),
        ]
        verbose_name = _("entry")
        verbose_name_plural = _("entries")

    def __str__(self) -> str:
        return f"{self.account_id} · {self.get_outcome_display()}"


class Enrolment(QuickRow):
    """One contact's way through one campaign for one account."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("On the way")
        ENDED = "ENDED", _("Ended")

    class Exit(models.TextChoices):
        COMPLETED = "COMPLETED", _("All steps done")
        CONVERTED = "CONVERTED", _("Upgraded")
        OPTED_OUT = "OPTED_OUT", _("Opted out")
        LEFT_SEGMENT = "LEFT_SEGMENT", _("Left the segment")
        REFUSED = "REFUSED", _("Said no to the offer")
        GATE_CLOSED = "GATE_CLOSED", _("Sending was stopped")
        STOPPED = "STOPPED", _("Campaign stopped")

    campaign = models.ForeignKey(Campaign, models.PROTECT, "enrolments", verbose_name=_("campaign"), db_index=False)
    version = models.ForeignKey(CampaignVersion, verbose_name=_("version"), on_delete=models.PROTECT)
    entry = models.ForeignKey(Entry, verbose_name=_("entry"), on_delete=models.PROTECT, related_name="enrolments")
    account = models.ForeignKey(Account, models.PROTECT, "enrolments", verbose_name=_("account"), db_index=False)
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), on_delete=models.PROTECT, related_name="enrolments")
    entry_number = models.IntegerField(_("number of the entry"), default=1)
    arm = models.CharField(_("group"), max_length=40)
    quote = models.ForeignKey(Quote, verbose_name=_("quote"), null=True, blank=True, on_delete=models.PROTECT)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.OPEN)
    step_key = models.CharField(_("step"), max_length=80, blank=True)
    visit = models.IntegerField(_("visit"), default=1)
    step_entered_at = models.DateTimeField(_("in the step since"))
    # Without one it is not time that moves it on: a message of it has not come to its end.
    due_at = models.DateTimeField(
        _("due at"), null=True, blank=True, help_text=_("When to look at it next, business time.")
    )
    enrolled_at = models.DateTimeField(_("enrolled at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    exit_reason = models.CharField(_("reason for leaving"), max_length=20, choices=Exit, blank=True)
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
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")

    def __str__(self) -> str:
        return f"{self.contact_id} · {self.campaign_id}"


class Snag(models.Model):
    """Why the planner could not move an enrolment whose time has come; gone as soon as it moved. Its `due_at` stays as
    it was, so that it counts as standing still since then. `detail`: what is wrong with the question, or the kind of
    error."""

    class Kind(models.TextChoices):
        CONDITION = "CONDITION", _("Question that cannot be answered")
        FAULT = "FAULT", _("Fault of our own")

    enrolment = models.OneToOneField(
        Enrolment, verbose_name=_("enrolment"), on_delete=models.CASCADE, related_name="snag", primary_key=True
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    step_key = models.CharField(_("step"), max_length=80, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    since = models.DateTimeField(_("since"))
    try_at = models.DateTimeField(_("next try at"))

    class Meta:
        verbose_name = _("snag")
        verbose_name_plural = _("snags")

    def __str__(self) -> str:
        return f"{self.step_key} · {self.get_kind_display()}"


class StepRun(models.Model):
    """That an enrolment did a step. Written in the transaction that plans its message.

    `reason`: why it was SKIPPED or nobody can go on from it (LOOP, STEP_GONE); a SPLIT's way; the source of an update's
    traits. `past`: what its message came to, once that is no longer kept: `{"channel", "variant", "state", "reason",
    "facts"}`.
    """

    class Outcome(models.TextChoices):
        MESSAGE_PLANNED = "MESSAGE_PLANNED", _("Message planned")
        WAITED = "WAITED", _("Waited")
        BRANCHED = "BRANCHED", _("Question answered")
        SPLIT = "SPLIT", _("Way drawn")
        UPDATED = "UPDATED", _("Facts noted")
        JUMPED = "JUMPED", _("Jumped back")
        SKIPPED = "SKIPPED", _("Skipped")

    enrolment = models.ForeignKey(Enrolment, models.CASCADE, "runs", verbose_name=_("enrolment"), db_index=False)
    step_key = models.CharField(_("step"), max_length=80)
    visit = models.IntegerField(_("visit"), default=1)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=80, blank=True)
    message = models.OneToOneField(
        Message, verbose_name=_("message"), null=True, blank=True, on_delete=models.PROTECT, related_name="step_run"
    )
    past = models.JSONField(_("what its message came to"), null=True, blank=True, editable=False)
    at = models.DateTimeField(_("when"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "step_key", "visit"], name="an_enrolment_does_a_step_once_per_visit"
            )
        ]
        indexes = [models.Index(fields=["enrolment"], condition=Q(past__isnull=False), name="runs_of_past_messages")]
        verbose_name = _("step run")
        verbose_name_plural = _("step runs")

    def __str__(self) -> str:
        return f"{self.step_key} · {self.get_outcome_display()}"
