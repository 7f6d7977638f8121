"""What came of it: upgrades found in billing, and which message, if any, deserves credit."""

from __future__ import annotations

import uuid

from django.db import models

from campaigns.billing.models import MrrMovement
from campaigns.delivery.models import Message
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account
from campaigns.sequences.models import Campaign, Entry


class Goal(models.Model):
    class Kind(models.TextChoices):
        UPGRADE = "UPGRADE"

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="goal")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.UPGRADE)
    window_days = models.IntegerField(default=14)

    def __str__(self) -> str:
        return f"{self.kind} within {self.window_days} days"


class Conversion(models.Model):
    """An expansion of an account that entered a campaign, within the goal's window of its entry.

    Held-out accounts convert too: that is what they are for. `via_link` says whether the
    account's own signed link was used.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    goal = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="conversions")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="conversions")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="conversions")
    movement = models.ForeignKey(MrrMovement, on_delete=models.PROTECT)
    mrr_delta = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    reporting_delta = models.DecimalField(max_digits=14, decimal_places=2, help_text="In REPORTING_CURRENCY.")
    converted_at = models.DateTimeField()
    via_link = models.BooleanField(default=False)
    xid = Xid8Field()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["goal", "movement"], name="a_movement_converts_a_goal_once")]

    def __str__(self) -> str:
        return f"{self.mrr_delta} {self.currency} from {self.account_id}"


class AttributionCredit(models.Model):
    """Attributed, not proven: the last human-clicked message before the conversion."""

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="credits")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="credits")
    weight = models.DecimalField(max_digits=6, decimal_places=5)
    model = models.CharField(max_length=20, default="LAST_TOUCH")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversion", "message", "model"], name="a_message_is_credited_once_per_conversion"
            )
        ]

    def __str__(self) -> str:
        return f"{self.weight} of {self.conversion_id}"
