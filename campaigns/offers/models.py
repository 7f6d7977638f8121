"""What is offered, at which price to whom, and what they answered."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.billing.models import Interval, Plan, PlanPrice, Subscription
from campaigns.operations.fields import Xid8Field
from campaigns.operations.quick_row import QuickRow
from campaigns.profiles.models import Account, Contact


class Offer(models.Model):
    """An upgrade to one plan. The price is never stored here: each account gets its own quote."""

    class Kind(models.TextChoices):
        UPGRADE = "UPGRADE", _("Upgrade")

    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.UPGRADE)
    target_plan = models.ForeignKey(
        Plan,
        verbose_name=_("target plan"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text=_("Empty: the next plan up."),
    )
    valid_days = models.IntegerField(_("days valid"), default=30)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")

    def __str__(self) -> str:
        return self.name


class Quote(QuickRow):
    """A price snapshot for one account. What the message said is what is charged.

    ACCEPTING is written before billing is called and names the idempotency key, so that a crash in
    between is finished by the reconciler and never charged twice.
    """

    class State(models.TextChoices):
        OPEN = "OPEN", _("Open")
        ACCEPTING = "ACCEPTING", _("Being accepted")
        ACCEPTED = "ACCEPTED", _("Accepted")
        DECLINED = "DECLINED", _("Declined")
        CALL_ASKED = "CALL_ASKED", _("Asked to be called")
        EXPIRED = "EXPIRED", _("Expired")
        FAILED = "FAILED", _("Failed")

    # How `failure` begins where the change is made or may be: no no is possible any more.
    MADE = "Billing made the change"
    MAY_BE_MADE = f"{MADE}, or may have: "

    uuid = models.UUIDField(_("id"), unique=True, default=uuid.uuid4, editable=False)
    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="quotes")
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, db_index=False, related_name="quotes"
    )
    subscription = models.ForeignKey(Subscription, verbose_name=_("subscription"), on_delete=models.PROTECT)
    from_plan = models.ForeignKey(
        Plan, verbose_name=_("from plan"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    to_price = models.ForeignKey(
        PlanPrice, verbose_name=_("to price"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    billing_price_id = models.CharField(
        _("price id in billing"), max_length=120, blank=True, help_text=_("Of the price that was offered.")
    )
    quantity = models.IntegerField(_("quantity"))
    old_mrr = models.DecimalField(_("MRR before"), max_digits=14, decimal_places=2)
    new_mrr = models.DecimalField(_("MRR after"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(_("billing interval"), max_length=10, choices=Interval)
    figures = models.JSONField(
        _("figures"), default=dict, help_text=_("What the message and the page say, as text and numbers.")
    )
    made_at = models.DateTimeField(_("made at"))
    valid_until = models.DateTimeField(_("valid until"))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.OPEN)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answered_by = models.ForeignKey(
        Contact, verbose_name=_("answered by"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    wall_accepting_at = models.DateTimeField(_("being accepted since"), null=True, blank=True)
    failure = models.TextField(_("failure"), blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(new_mrr__gt=models.F("old_mrr")), name="an_upgrade_costs_more"),
            models.CheckConstraint(
                condition=Q(state__in=["OPEN", "EXPIRED"]) | Q(answered_at__isnull=False),
                name="an_answered_quote_says_when",
            ),
        ]
        indexes = [
            # for the reconciler: acceptances that a crash left half done
            models.Index(fields=["wall_accepting_at"], condition=Q(state="ACCEPTING"), name="quotes_being_accepted"),
            models.Index(fields=["account", "-made_at"], name="quotes_of_an_account"),
        ]
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def is_waiting_for_us(self) -> bool:
        """They said yes, and what keeps the upgrade is ours to mend; `failure` says what."""
        return self.state == self.State.ACCEPTING and bool(self.failure)

    @property
    def may_be_taken_back(self) -> bool:
        """They said yes, and billing has refused before it changed anything: see `can_be_declined`."""
        return self.is_waiting_for_us and not self.failure.startswith(self.MADE)

    @classmethod
    def held(cls) -> Q:
        """The yeses of `may_be_taken_back`."""
        return Q(state=cls.State.ACCEPTING) & ~Q(failure="") & ~Q(failure__startswith=cls.MADE)

    @classmethod
    def can_be_declined(cls, *, now: datetime) -> Q:
        """What a no is an answer to: an offer that holds, and a yes that is not carried out, however old."""
        return Q(state__in=[cls.State.OPEN, cls.State.CALL_ASKED], valid_until__gt=now) | cls.held()


class Refusal(models.Model):
    """A no, with its reason. Campaigns leave the account alone until `until`."""

    class Reason(models.TextChoices):
        TOO_EXPENSIVE = "TOO_EXPENSIVE", _("It costs too much")
        NOT_NEEDED = "NOT_NEEDED", _("We don’t need it")
        WRONG_TIME = "WRONG_TIME", _("The timing is wrong")
        MISSING_FEATURE = "MISSING_FEATURE", _("A feature is missing")
        OTHER = "OTHER", _("Another reason")

    quote = models.OneToOneField(Quote, verbose_name=_("quote"), on_delete=models.PROTECT, related_name="refusal")
    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="refusals")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT)
    reason = models.CharField(_("reason"), max_length=30, choices=Reason)
    note = models.TextField(_("note"), blank=True)
    at = models.DateTimeField(_("when"))
    until = models.DateTimeField(_("until"))
    xid = Xid8Field()

    class Meta:
        indexes = [
            models.Index(fields=["account", "-until"], name="refusals_of_an_account"),
            models.Index(fields=["xid", "id"], name="refusals_to_pull"),
        ]
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")

    def __str__(self) -> str:
        return str(self.get_reason_display())
