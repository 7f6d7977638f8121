"""What is offered, at which price to whom, and what they answered."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from campaigns.billing.models import Plan, PlanPrice, Subscription
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class Offer(models.Model):
    """An upgrade to one plan. The price is never stored here: each account gets its own quote."""

    class Kind(models.TextChoices):
        UPGRADE = "UPGRADE"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.UPGRADE)
    target_plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, help_text="Empty: the next plan up."
    )
    valid_days = models.IntegerField(default=30)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Quote(models.Model):
    """A price snapshot for one account. What the message said is what is charged.

    ACCEPTING is written before billing is called and names the idempotency key, so that a crash in
    between is finished by the reconciler and never charged twice.
    """

    class State(models.TextChoices):
        OPEN = "OPEN"
        ACCEPTING = "ACCEPTING"
        ACCEPTED = "ACCEPTED"
        DECLINED = "DECLINED"
        CALL_ASKED = "CALL_ASKED"
        EXPIRED = "EXPIRED"
        FAILED = "FAILED"

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="quotes")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="quotes")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT)
    from_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    to_price = models.ForeignKey(PlanPrice, on_delete=models.PROTECT, related_name="+")
    quantity = models.IntegerField()
    old_mrr = models.DecimalField(max_digits=14, decimal_places=2)
    new_mrr = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=10)
    figures = models.JSONField(default=dict, help_text="What the message and the page say, as text and numbers.")
    made_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    wall_accepting_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)

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

    def __str__(self) -> str:
        return f"quote {self.uuid}"


class Refusal(models.Model):
    """A no, with its reason. Campaigns leave the account alone until `until`."""

    class Reason(models.TextChoices):
        TOO_EXPENSIVE = "TOO_EXPENSIVE"
        NOT_NEEDED = "NOT_NEEDED"
        WRONG_TIME = "WRONG_TIME"
        MISSING_FEATURE = "MISSING_FEATURE"
        OTHER = "OTHER"

    quote = models.OneToOneField(Quote, on_delete=models.PROTECT, related_name="refusal")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="refusals")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT)
    reason = models.CharField(max_length=30, choices=Reason)
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    until = models.DateTimeField()
    xid = Xid8Field()

    class Meta:
        indexes = [
            models.Index(fields=["account", "-until"], name="refusals_of_an_account"),
            models.Index(fields=["xid", "id"], name="refusals_to_pull"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} from {self.account_id}"
