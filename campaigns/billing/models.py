"""What accounts pay for. Money is Decimal in the row's own currency; MRR is per month."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account


class Interval(models.TextChoices):
    MONTH = "MONTH"
    YEAR = "YEAR"


class Plan(models.Model):
    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    rank = models.IntegerField(help_text="Higher is more: an upgrade goes up.")
    is_on_sale = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class PlanFeature(models.Model):
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="features")
    code = models.SlugField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "code"], name="a_plan_names_a_feature_once")]

    def __str__(self) -> str:
        return self.code


class PlanPrice(models.Model):
    class Model(models.TextChoices):
        FLAT = "FLAT"
        PER_SEAT = "PER_SEAT"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=10, choices=Interval)
    model = models.CharField(max_length=20, choices=Model)
    unit_amount = models.DecimalField(max_digits=14, decimal_places=2, help_text="Per interval, per unit.")
    lookup_key = models.CharField(max_length=120, unique=True, help_text="The price's name in billing.")
    billing_price_id = models.CharField(max_length=120, blank=True, help_text="Learnt from billing webhooks.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "currency", "interval"], name="a_plan_has_one_price_per_currency_and_interval"
            )
        ]

    def __str__(self) -> str:
        return self.lookup_key


class Quota(models.Model):
    """How much of a meter a plan includes; `limit` null is unlimited. Meters are named by code."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="quotas")
    meter = models.SlugField(max_length=60)
    limit = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "meter"], name="a_plan_limits_a_meter_once")]

    def __str__(self) -> str:
        return f"{self.meter} ≤ {self.limit}"


class SubscriptionQuerySet(models.QuerySet):
    def running(self) -> SubscriptionQuerySet:
        return self.filter(status__in=[s.value for s in Subscription.RUNNING])


class Subscription(models.Model):
    """A billing subscription as last reported. `as_of` is the report's time: older ones do not overwrite."""

    class Status(models.TextChoices):
        TRIALING = "TRIALING"
        ACTIVE = "ACTIVE"
        PAST_DUE = "PAST_DUE"
        UNPAID = "UNPAID"
        PAUSED = "PAUSED"
        INCOMPLETE = "INCOMPLETE"
        CANCELED = "CANCELED"

    RUNNING = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)

    external_id = models.CharField(max_length=120, unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    status = models.CharField(max_length=20, choices=Status)
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=10, choices=Interval)
    quantity = models.IntegerField(default=1)
    mrr = models.DecimalField(max_digits=14, decimal_places=2)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    renews_at = models.DateTimeField(null=True, blank=True)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    cancel_scheduled = models.BooleanField(default=False)
    billing_item_id = models.CharField(max_length=120, blank=True)
    billing_price_id = models.CharField(max_length=120, blank=True)
    as_of = models.DateTimeField()

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(mrr__gte=0), name="mrr_is_never_negative"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_is_never_negative"),
        ]
        indexes = [models.Index(fields=["account", "status"], name="subscriptions_of_an_account")]

    def __str__(self) -> str:
        return f"{self.external_id} ({self.plan_id})"


class MrrMovement(models.Model):
    """One change of an account's MRR. The sum of an account's movements is its MRR, to the cent."""

    class Kind(models.TextChoices):
        NEW = "NEW"
        EXPANSION = "EXPANSION"
        CONTRACTION = "CONTRACTION"
        CHURN = "CHURN"
        REACTIVATION = "REACTIVATION"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="mrr_movements")
    at = models.DateTimeField(help_text="When it happened in billing, UTC.")
    kind = models.CharField(max_length=20, choices=Kind)
    delta = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    cause = models.CharField(max_length=120, help_text="The billing event or call that caused it.")
    from_plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    to_plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT)
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "cause"], name="a_billing_event_moves_an_account_once"),
            models.CheckConstraint(condition=~models.Q(delta=0), name="a_movement_moves_something"),
        ]
        indexes = [
            models.Index(fields=["xid", "id"], name="movements_to_pull"),
            models.Index(fields=["account", "at"], name="movements_of_an_account"),
        ]
        verbose_name = _("MRR movement")
        verbose_name_plural = _("MRR movements")

    def __str__(self) -> str:
        return f"{self.kind} {self.delta} {self.currency}"
