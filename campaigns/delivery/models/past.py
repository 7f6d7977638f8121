"""What stays of a message once its row is no longer kept."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.consent.models import ContactPoint
from campaigns.delivery.models.ledger import Message, SendGate
from campaigns.profiles.models import Contact


class PastMessage(models.Model):
    """A message that had left and is no longer kept: where its unsubscribe link and a late report of a provider still
    lead, whatever the age of the mail. No times, no text, no facts."""

    uuid = models.UUIDField(primary_key=True, editable=False)
    gate = models.ForeignKey(
        SendGate, verbose_name=_("send gate"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.PROTECT, related_name="past_messages"
    )
    point = models.ForeignKey(
        ContactPoint, verbose_name=_("contact point"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    channel = models.CharField(_("channel"), max_length=20)
    locale = models.CharField(_("language"), max_length=10)
    purpose = models.CharField(_("purpose"), max_length=20)
    origin_campaign = models.CharField(_("campaign"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("past message")
        verbose_name_plural = _("past messages")

    def __str__(self) -> str:
        return f"{self.channel} {self.uuid}"

    def as_message(self) -> Message:
        """Not stored, and without a number of its own: for those who ask whom it went to and about what."""
        return Message(
            uuid=self.uuid,
            gate=self.gate,
            contact=self.contact,
            point=self.point,
            channel=self.channel,
            locale=self.locale,
            purpose=self.purpose,
            origin_campaign=self.origin_campaign,
        )
