"""What accounts use, day by day, and the moments when that crossed a line."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class Meter(models.Model):
    class Kind(models.TextChoices):
        REPORTED = "REPORTED", "value reported per day"
        EVENT = "EVENT", "counted from events"

    class Aggregation(models.TextChoices):
        SUM = "SUM"
        MAX = "MAX"
        LAST = "LAST"
        UNIQUE = "UNIQUE"

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=20, choices=Kind)
    aggregation = models.CharField(max_length=20, choices=Aggregation, default=Aggregation.SUM)
    event_name = models.CharField(max_length=200, blank=True, help_text="For meters counted from events.")
    property = models.CharField(max_length=200, blank=True, help_text="What to add up; empty counts the events.")

    def __str__(self) -> str:
        return self.name


class UsageEvent(models.Model):
    """One event, partitioned by month of `at`. The table's key is (id, at); no row points here."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(help_text="Skew-corrected, UTC.")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=200)
    properties = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=60)
    message_id = models.CharField(max_length=200)
    received_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["account", "name", "-at"], name="events_of_an_account"),
            models.Index(fields=["contact", "name", "-at"], name="events_of_a_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"


class UsageDaily(models.Model):
    """The value of a meter for an account on one UTC day. `last_at` orders reports of the same day.

    `xid` is renewed whenever the value changes: `usage.crossings` pulls by it.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    meter = models.ForeignKey(Meter, on_delete=models.CASCADE)
    day = models.DateField()
    value = models.DecimalField(max_digits=24, decimal_places=6)
    last_at = models.DateTimeField()
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
        return f"{self.value} on {self.day}"


class ThresholdCrossing(models.Model):
    """An account's usage passed a share of its quota: once per level and billing period.

    `evidence` keeps what was true then: value, limit, day, growth, projected_hit_date …
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="crossings")
    meter = models.ForeignKey(Meter, on_delete=models.CASCADE)
    level = models.IntegerField(help_text="Percent of the quota: 80, 95, 100.")
    period_start = models.DateField(help_text="First day of the billing period.")
    at = models.DateTimeField()
    evidence = models.JSONField(default=dict)
    contradicted_at = models.DateTimeField(null=True, blank=True, help_text="A later report took the day's value back.")
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

    def __str__(self) -> str:
        return f"{self.level} % of {self.meter_id}"
