"""What accounts pay for. Money is Decimal in the row's own currency; MRR is per month."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.operations.quick_row import QuickRow
from campaigns.profiles.models import Account


class Interval(models.TextChoices):
    MONTH = "MONTH", _("Monthly")
    YEAR = "YEAR", _("Yearly")


class Plan(models.Model):
    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    rank = models.IntegerField(_("rank"), help_text=_("Higher is more: an upgrade goes up."))
    is_on_sale = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.name


class PlanFeature(models.Model):
    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.CASCADE, related_name="features")
    code = models.SlugField(_("feature"), max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "code"], name="a_plan_names_a_feature_once")]
        verbose_name = _("plan feature")
        verbose_name_plural = _("plan features")

    def __str__(self) -> str:
        return self.code


class PlanPrice(models.Model):
    class Model(models.TextChoices):
        FLAT = "FLAT", _("Flat price")
        PER_SEAT = "PER_SEAT", _("Per seat")

    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(_("billing interval"), max_length=10, choices=Interval)
    model = models.CharField(_("price model"), max_length=20, choices=Model)
    unit_amount = models.DecimalField(
        _("price per unit"), max_digits=14, decimal_places=2, help_text=_("Per interval, per unit.")
    )
    extra_seat_amount = models.DecimalField(
        _("price of an extra seat"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("What a seat beyond the included ones costs per interval; empty: none are sold."),
    )
    lookup_key = models.CharField(
        _("price key"), max_length=120, unique=True, help_text=_("The price's name in billing.")
    )
    billing_price_id = models.CharField(
        _("price id in billing"), max_length=120, blank=True, help_text=_("Learnt from billing webhooks.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "currency", "interval"], name="a_plan_has_one_price_per_currency_and_interval"
            ),
            models.CheckConstraint(
                condition=models.Q(extra_seat_amount__isnull=True) | models.Q(extra_seat_amount__gte=0),
                name="an_extra_seat_costs_nothing_at_least",
            ),
        ]
        verbose_name = _("plan price")
        verbose_name_plural = _("plan prices")

    def __str__(self) -> str:
        return self.lookup_key


class Quota(models.Model):
    """How much of a meter a plan includes; `limit` null is unlimited. Meters are named by code."""

    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.CASCADE, related_name="quotas")
    meter = models.SlugField(_("meter"), max_length=60)
    limit = models.DecimalField(_("limit"), max_digits=18, decimal_places=4, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "meter"], name="a_plan_limits_a_meter_once")]
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")

    def __str__(self) -> str:
        return f"{self.meter} ≤ {'∞' if self.limit is None else self.limit}"


class SubscriptionQuerySet(models.QuerySet):
    def running(self) -> SubscriptionQuerySet:
        return self.filter(status__in=[s.value for s in Subscription.RUNNING])


class Subscription(QuickRow):
    """A billing subscription as last reported. `as_of` is the report's time: older ones do not overwrite."""

    class Status(models.TextChoices):
        TRIALING = "TRIALING", _("On trial")
        ACTIVE = "ACTIVE", _("Active")
        PAST_DUE = "PAST_DUE", _("Past due")
        UNPAID = "UNPAID", _("Unpaid")
        PAUSED = "PAUSED", _("Paused")
        INCOMPLETE = "INCOMPLETE", _("Incomplete")
        CANCELED = "CANCELED", _("Cancelled")

    RUNNING = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)

    external_id = models.CharField(_("id"), max_length=120, unique=True)
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="subscriptions"
    )
    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.PROTECT)
    status = models.CharField(_("status"), max_length=20, choices=Status)
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(_("billing interval"), max_length=10, choices=Interval)
    quantity = models.IntegerField(_("quantity"), default=1)
    mrr = models.DecimalField(_("MRR"), max_digits=14, decimal_places=2)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    renews_at = models.DateTimeField(_("renews at"), null=True, blank=True)
    trial_ends_at = models.DateTimeField(_("trial ends at"), null=True, blank=True)
    cancel_scheduled = models.BooleanField(_("cancellation scheduled"), default=False)
    billing_item_id = models.CharField(_("item id in billing"), max_length=120, blank=True)
    billing_price_id = models.CharField(_("price id in billing"), max_length=120, blank=True)
    as_of = models.DateTimeField(_("as of"))

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(mrr__gte=0), name="mrr_is_never_negative"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_is_never_negative"),
        ]
        indexes = [models.Index(fields=["account", "status"], name="subscriptions_of_an_account")]
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")

    def __str__(self) -> str:
        return f"{self.external_id} ({self.plan_id})"


class MrrMovement(models.Model):
    """One change of an account's MRR. The sum of an account's movements is its MRR, to the cent."""

    class Kind(models.TextChoices):
        NEW = "NEW", _("New")
        EXPANSION = "EXPANSION", _("Expansion")
        CONTRACTION = "CONTRACTION", _("Contraction")
        CHURN = "CHURN", _("Churn")
        REACTIVATION = "REACTIVATION", _("Reactivation")

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="mrr_movements"
    )
    at = models.DateTimeField(_("when"), help_text=_("When it happened in billing, UTC."))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    delta = models.DecimalField(_("change"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    cause = models.CharField(_("cause"), max_length=120, help_text=_("The billing event or call that caused it."))
    from_plan = models.ForeignKey(
        Plan, verbose_name=_("from plan"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    to_plan = models.ForeignKey(
        Plan, verbose_name=_("to plan"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, verbose_name=_("subscription"), on_delete=models.PROTECT)
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
        return f"{self.get_kind_display()} {self.delta} {self.currency}"
