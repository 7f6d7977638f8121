"""What came of it: upgrades found in billing, and which message, if any, deserves credit."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.billing.models import MrrMovement
from campaigns.delivery.models import Message
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account
from campaigns.sequences.models import Campaign, Entry


class Goal(models.Model):
    class Kind(models.TextChoices):
        UPGRADE = "UPGRADE", _("Upgrade")

    campaign = models.OneToOneField(Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="goal")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.UPGRADE)
    window_days = models.IntegerField(_("window in days"), default=14)

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")

    def __str__(self) -> str:
        words = ngettext("Upgrade in %(n)d day", "Upgrade in %(n)d days", self.window_days)
        return words % {"n": self.window_days}


class Conversion(models.Model):
    """An expansion of an account that entered a campaign, within the goal's window of its entry.

    Held-out accounts convert too: that is what they are for. `via_link` says whether the
    account's own signed link was used.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    goal = models.ForeignKey(Goal, verbose_name=_("goal"), on_delete=models.PROTECT, related_name="conversions")
    entry = models.ForeignKey(Entry, verbose_name=_("entry"), on_delete=models.PROTECT, related_name="conversions")
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="conversions"
    )
    movement = models.ForeignKey(MrrMovement, verbose_name=_("MRR movement"), on_delete=models.PROTECT)
    mrr_delta = models.DecimalField(_("MRR added"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    reporting_delta = models.DecimalField(
        _("in the reporting currency"), max_digits=14, decimal_places=2, help_text=_("In REPORTING_CURRENCY.")
    )
    converted_at = models.DateTimeField(_("upgraded at"))
    via_link = models.BooleanField(_("through the link"), default=False)
    xid = Xid8Field()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["goal", "movement"], name="a_movement_converts_a_goal_once")]
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")

    def __str__(self) -> str:
        return f"{self.mrr_delta} {self.currency}"


class AttributionCredit(models.Model):
    """Attributed, not proven: the last human-clicked message before the conversion."""

    class Model(models.TextChoices):
        LAST_TOUCH = "LAST_TOUCH", _("Last message clicked")

    conversion = models.ForeignKey(
        Conversion, verbose_name=_("conversion"), on_delete=models.CASCADE, related_name="credits"
    )
    message = models.ForeignKey(Message, verbose_name=_("message"), on_delete=models.PROTECT, related_name="credits")
    weight = models.DecimalField(_("weight"), max_digits=6, decimal_places=5)
    model = models.CharField(_("model of credit"), max_length=20, choices=Model, default=Model.LAST_TOUCH)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversion", "message", "model"], name="a_message_is_credited_once_per_conversion"
            )
        ]
        verbose_name = _("credit")
        verbose_name_plural = _("credits")

    def __str__(self) -> str:
        return f"{self.weight} · {self.get_model_display()}"
