from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.delivery.models.ledger import Message
from campaigns.profiles.models import Contact


class InAppMessage(models.Model):
    """A message waiting in the product for one contact. Our own row is the delivery: exactly once.

    `kind` is banner, tooltip or modal. `place` says where it may show: `page` (a path of the host application, `*` at
    its end for everything below), `feature` (only when the contact tries that gated feature), `anchor` (the CSS
    selector a tooltip points at). Empty: on every page.
    """

    class Kind(models.TextChoices):
        BANNER = "banner", _("Banner")
        TOOLTIP = "tooltip", _("Tooltip")
        MODAL = "modal", _("Dialog")

    message = models.OneToOneField(Message, verbose_name=_("message"), on_delete=models.CASCADE, related_name="in_app")
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="in_app_messages"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.BANNER)
    place = models.JSONField(_("place"), default=dict, blank=True)
    html = models.TextField(_("HTML"))
    shown_from = models.DateTimeField(_("shown from"))
    expires_at = models.DateTimeField(_("expires at"))
    first_shown_at = models.DateTimeField(_("first shown at"), null=True, blank=True)
    clicked_at = models.DateTimeField(_("clicked at"), null=True, blank=True)
    dismissed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

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
        return f"{self.get_kind_display()} {self.message_id}"
