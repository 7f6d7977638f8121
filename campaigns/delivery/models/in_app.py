from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.delivery.models.ledger import Message
from campaigns.profiles.models import Contact


class InAppMessage(models.Model):
    """A banner waiting in the product for one contact. Our own row is the delivery: exactly once."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="in_app")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="in_app_messages")
    kind = models.CharField(max_length=20, default="banner")
    html = models.TextField()
    shown_from = models.DateTimeField()
    expires_at = models.DateTimeField()
    first_shown_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # for the feed: what this contact has not dismissed
            models.Index(
                fields=["contact", "shown_from"],
                condition=models.Q(dismissed_at__isnull=True, clicked_at__isnull=True),
                name="in_app_to_show",
            )
        ]
        verbose_name = _("in-app message")
        verbose_name_plural = _("in-app messages")

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"
