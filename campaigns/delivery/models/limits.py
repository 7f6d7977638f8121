"""What all workers share about sending on a channel: how fast, how well, how much a day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class SendRate(models.Model):
    """The token bucket of one sender. `free_at` is when everything taken so far is paid for: a bucket whose
    `free_at` is past is full after one burst. Wall time."""

    sender = models.CharField(_("sender"), max_length=200, unique=True)
    free_at = models.DateTimeField(_("paid for until"))
    per_s = models.IntegerField(
        _("a second at most"), null=True, blank=True, help_text=_("Empty: as the settings say. 0: no limit of our own.")
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(per_s__isnull=True) | models.Q(per_s__gte=0), name="a_rate_is_not_negative"
            )
        ]
        verbose_name = _("sending rate")
        verbose_name_plural = _("sending rates")

    def __str__(self) -> str:
        return self.sender


class ChannelHealth(models.Model):
    """How a channel's provider answers, for all workers: the breaker is open while `opened_at` is set. All times are
    wall time."""

    channel = models.CharField(_("channel"), max_length=20, unique=True)
    failures = models.IntegerField(_("failures in a row"), default=0)
    failed_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    answered_at = models.DateTimeField(_("last good answer"), null=True, blank=True)
    opened_at = models.DateTimeField(_("held back since"), null=True, blank=True)
    probes = models.IntegerField(_("tries since"), default=0)
    probe_at = models.DateTimeField(_("next try"), null=True, blank=True)
    paused_until = models.DateTimeField(_("the provider asked to wait until"), null=True, blank=True)
    code = models.CharField(_("code"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("channel health")
        verbose_name_plural = _("channel health")

    def __str__(self) -> str:
        return self.channel


class DailySpend(models.Model):
    """What a channel took of its budget on one day by the sender's clock. `stopped_at`: when a message first had to
    wait for the next day; business time. `amount` is in the reporting currency."""

    channel = models.CharField(_("channel"), max_length=20)
    day = models.DateField(_("day"))
    segments = models.IntegerField(_("segments"), default=0)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=4, default=0)
    stopped_at = models.DateTimeField(_("spent at"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "day"], name="a_day_of_a_channel_is_counted_once"),
            models.CheckConstraint(
                condition=models.Q(segments__gte=0, amount__gte=0), name="a_daily_spend_is_not_negative"
            ),
        ]
        verbose_name = _("daily spend")
        verbose_name_plural = _("daily spends")

    def __str__(self) -> str:
        return f"{self.channel} {self.day}"
