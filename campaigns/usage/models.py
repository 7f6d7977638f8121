"""What accounts use, day by day, and the moments when that crossed a line."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class Meter(models.Model):
    class Kind(models.TextChoices):
        REPORTED = "REPORTED", _("Value reported per day")
        EVENT = "EVENT", _("Counted from events")

    class Aggregation(models.TextChoices):
        SUM = "SUM", _("Sum")
        MAX = "MAX", _("Highest")
        LAST = "LAST", _("Last")
        UNIQUE = "UNIQUE", _("Different values")

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    unit = models.CharField(_("unit"), max_length=40, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    aggregation = models.CharField(_("aggregation"), max_length=20, choices=Aggregation, default=Aggregation.SUM)
    event_name = models.CharField(
        _("event"), max_length=200, blank=True, help_text=_("For meters counted from events.")
    )
    property = models.CharField(
        _("property"), max_length=200, blank=True, help_text=_("What to add up; empty counts the events.")
    )

    class Meta:
        verbose_name = _("meter")
        verbose_name_plural = _("meters")

    def __str__(self) -> str:
        return self.name


class UsageEvent(models.Model):
    """One event, partitioned by month of `at`. The table's key is (id, at); no row points here."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("when"), help_text=_("Skew-corrected, UTC."))
    account = models.ForeignKey(
        Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.CASCADE, db_index=False
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, db_index=False
    )
    name = models.CharField(_("event"), max_length=200)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=60)
    message_id = models.CharField(_("message id"), max_length=200)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        indexes = [
            models.Index(fields=["account", "name", "-at"], name="events_of_an_account"),
            models.Index(fields=["contact", "name", "-at"], name="events_of_a_contact"),
        ]
        verbose_name = _("usage event")
        verbose_name_plural = _("usage events")

    def __str__(self) -> str:
        return f"{self.name} · {self.at:%Y-%m-%d %H:%M}"


class UsageDaily(models.Model):
    """The value of a meter for an account on one UTC day. `last_at` orders reports of the same day.

    `xid` is renewed whenever the value changes: `usage.crossings` pulls by it.
    """

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE)
    meter = models.ForeignKey(Meter, verbose_name=_("meter"), on_delete=models.CASCADE)
    day = models.DateField(_("day"))
    value = models.DecimalField(_("value"), max_digits=24, decimal_places=6)
    last_at = models.DateTimeField(_("last report at"))
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "meter", "day"], name="a_meter_has_one_value_per_account_and_day"
            )
        ]
        indexes = [
            # for segments: one meter over a window of days, all accounts
            models.Index(fields=["meter", "day"], name="usage_of_a_day"),
            models.Index(fields=["xid", "id"], name="usage_to_pull"),
        ]
        verbose_name = _("daily usage")
        verbose_name_plural = _("daily usage")

    def __str__(self) -> str:
        return f"{self.day} · {self.value}"


class ThresholdCrossing(models.Model):
    """An account's usage passed a share of its quota: once per level and billing period.

    `evidence` keeps what was true then: value, limit, day, growth, projected_hit_date …
    """

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="crossings")
    meter = models.ForeignKey(Meter, verbose_name=_("meter"), on_delete=models.CASCADE)
    level = models.IntegerField(_("level"), help_text=_("Percent of the quota: 80, 95, 100."))
    period_start = models.DateField(_("period start"), help_text=_("First day of the billing period."))
    at = models.DateTimeField(_("when"))
    evidence = models.JSONField(_("evidence"), default=dict)
    contradicted_at = models.DateTimeField(
        _("taken back at"), null=True, blank=True, help_text=_("A later report took the day's value back.")
    )
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "meter", "level", "period_start"], name="a_level_is_crossed_once_per_billing_period"
            )
        ]
        indexes = [
            models.Index(fields=["xid", "id"], name="crossings_to_pull"),
            models.Index(fields=["account", "meter", "level", "-at"], name="crossings_of_an_account"),
        ]
        verbose_name = _("threshold crossing")
        verbose_name_plural = _("threshold crossings")

    def __str__(self) -> str:
        return f"{self.level} % · {self.meter_id}"
