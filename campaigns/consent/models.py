"""Who may be written to, where, about what, and how we know."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.operations.quick_row import QuickRow
from campaigns.profiles.models import Contact


def channel_names() -> list[tuple[str, Any]]:
    """What the ways to a person are called. A channel without a name here is shown by its kind."""
    return [
        ("email", _("E-mail")),
        ("sms", _("SMS")),
        ("in_app", _("In-app message")),
        ("csm_task", _("Task for a CSM")),
        ("webhook", _("Webhook")),
    ]


class ConsentTopic(models.Model):
    """What messages are about. `permitted_without_record` lists the channels where a contact who
    never said yes or no may be written to (in-app to a logged-in customer, say).

    `words` are what contacts read on the preference page, by language: {"he": {"name", "description"}}.
    `confirmed_in` asks for double opt-in: see `campaigns.consent.confirm`.
    """

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_marketing = models.BooleanField(_("marketing"), default=True)
    permitted_without_record = models.JSONField(_("permitted without a record"), default=list, blank=True)
    words = models.JSONField(_("words for contacts"), default=dict, blank=True)
    confirmed_in = models.JSONField(
        _("countries where a yes must be confirmed"),
        default=list,
        blank=True,
        help_text=_("Two-letter codes; * means everywhere. A yes that a file or a CRM reports counts once confirmed."),
    )

    class Meta:
        verbose_name = _("consent topic")
        verbose_name_plural = _("consent topics")

    def __str__(self) -> str:
        return self.name

    def name_in(self, language: str) -> str:
        """As a contact with this language reads it; without words of its own the name."""
        return str(self.words.get(language, {}).get("name") or self.name)

    def description_in(self, language: str) -> str:
        """Empty where nobody wrote one in this language."""
        return str(self.words.get(language, {}).get("description") or "")


class ContactPoint(QuickRow):
    """The current state of one address: the row every opt-out updates and every send locks.

    `topics` maps a topic's slug to GRANTED, PENDING or WITHDRAWN; `revision` grows with every change.
    An opt-out commits here before it is answered; sending reads this row under FOR SHARE. What the person wants
    (`reason`) and whether anything arrives (`is_dead`) are two things: a dead address is blocked too, and says BOUNCED
    only where nobody has said no.
    """

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "UNSUBSCRIBED", _("Unsubscribed")
        COMPLAINED = "COMPLAINED", _("Reported us as unwanted")
        BOUNCED = "BOUNCED", _("What is sent there comes back")
        OBJECTED = "OBJECTED", _("Objected to all marketing")
        ERASED = "ERASED", _("Erased at their request")

    channel = models.CharField(_("channel"), max_length=20, choices=channel_names)
    address_hash = models.BinaryField(max_length=32, editable=False)
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="points"
    )
    is_blocked = models.BooleanField(_("blocked"), default=False, help_text=_("No marketing at all on this address."))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)
    is_dead = models.BooleanField(
        _("dead"),
        default=False,
        db_default=False,
        help_text=_("What is sent there comes back: nothing goes there at all, whatever anybody says later."),
    )
    blocked_at = models.DateTimeField(_("blocked at"), null=True, blank=True)
    is_held = models.BooleanField(
        _("held"),
        default=False,
        db_default=False,
        help_text=_("No marketing until a person has decided about a reply that may be a no."),
    )
    topics = models.JSONField(_("topics"), default=dict, blank=True)
    revision = models.IntegerField(_("revision"), default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "address_hash"], name="an_address_has_one_state_per_channel"),
            models.CheckConstraint(
                condition=Q(is_blocked=False, reason="") | (Q(is_blocked=True) & ~Q(reason="")),
                name="a_blocked_address_says_why",
            ),
            models.CheckConstraint(condition=Q(is_dead=False) | Q(is_blocked=True), name="a_dead_address_is_blocked"),
        ]
        verbose_name = _("contact point")
        verbose_name_plural = _("contact points")

    @property
    def gets_nothing(self) -> bool:
        """The address itself is no use, whatever the message is about."""
        return self.is_dead or self.reason in (self.Reason.BOUNCED, self.Reason.ERASED)

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.pk}"


class ConsentRecord(models.Model):
    """Evidence, append-only: a trigger refuses UPDATE and DELETE outside an erasure.

    `topic` empty means all marketing topics of the channel.
    """

    # The sources that say what a person told somebody else. Everything else the person told us.
    REPORTED = ("crm", "import")

    class State(models.TextChoices):
        GRANTED = "GRANTED", _("Granted")
        PENDING = "PENDING", _("Not confirmed yet")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    point = models.ForeignKey(
        ContactPoint, verbose_name=_("contact point"), on_delete=models.PROTECT, related_name="records"
    )
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT)
    channel = models.CharField(_("channel"), max_length=20, choices=channel_names)
    topic = models.CharField(_("topic"), max_length=60, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State)
    basis = models.CharField(_("basis"), max_length=30, blank=True)
    source = models.CharField(_("source"), max_length=60, help_text=_("crm, one_click, unsubscribe_page, complaint …"))
    at = models.DateTimeField(_("when"))
    recorded_at = models.DateTimeField(_("recorded at"))
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    dedupe_key = models.CharField(_("key against doubles"), max_length=120, unique=True, null=True, blank=True)
    xid = Xid8Field()

    class Meta:
        indexes = [
            models.Index(fields=["contact", "channel", "topic", "-at"], name="newest_consent_of_a_contact"),
            models.Index(fields=["xid", "id"], name="consent_records_to_pull"),
        ]
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")

    def __str__(self) -> str:
        return f"{self.get_state_display()} · {self.get_channel_display()} · {self.topic or _('all marketing')}"


class DoubtfulReply(models.Model):
    """Something a person wrote that may be a no: their words, until somebody has read and decided them.

    While one is open its point `is_held`. `message` names the message that they answered; the text goes with the
    retention of replies, and with an erasure.
    """

    class State(models.TextChoices):
        OPEN = "OPEN", _("Waits for a person")
        OUT = "OUT", _("They want out")
        STAYS = "STAYS", _("They do not")
        SETTLED = "SETTLED", _("They have said it themselves")

    point = models.ForeignKey(
        ContactPoint, verbose_name=_("contact point"), on_delete=models.PROTECT, related_name="doubtful_replies"
    )
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT)
    message = models.UUIDField(_("answered message"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True)
    rule = models.CharField(_("what made us doubt"), max_length=60)
    source = models.CharField(_("source"), max_length=60)
    at = models.DateTimeField(_("when"))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.OPEN)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_at__isnull=True) | (~Q(state="OPEN") & Q(decided_at__isnull=False)),
                name="a_decided_reply_says_when",
            )
        ]
        indexes = [models.Index(fields=["at"], condition=Q(state="OPEN"), name="replies_that_need_a_person")]
        verbose_name = _("reply that may be a no")
        verbose_name_plural = _("replies that may be a no")

    def __str__(self) -> str:
        return f"{self.point} · {self.get_state_display()}"


class ListEntry(models.Model):
    """What a provider's own list of opt-outs is to say about an address: written with the opt-out, then told.

    Telling twice changes nothing, so at least once is right. `version` grows with every change, so that an answer to
    an older one finishes nothing. `next_at` is wall time and doubles as the lease of a claim.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        DONE = "DONE", _("Finished")
        FAILED = "FAILED", _("Given up: a person must look")

    point = models.OneToOneField(
        ContactPoint, verbose_name=_("contact point"), on_delete=models.CASCADE, related_name="list_entry"
    )
    is_wanted = models.BooleanField(_("on the list"), help_text=_("Whether the provider is to list this address."))
    version = models.IntegerField(_("version"), default=1)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PENDING)
    attempts = models.IntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next try at"), help_text=_("Wall time of the next try."))
    changed_at = models.DateTimeField(_("changed at"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="DONE") | Q(done_at__isnull=False), name="a_list_entry_told_says_when"
            )
        ]
        indexes = [
            # for the job that tells providers: what is due
            models.Index(fields=["next_at"], condition=Q(state="PENDING"), name="list_entries_due")
        ]
        verbose_name = _("entry on a provider's list")
        verbose_name_plural = _("entries on providers' lists")

    def __str__(self) -> str:
        return f"{self.point} · {self.get_state_display()}"
