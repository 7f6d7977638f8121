"""A no that somebody told a colleague: as good as one through a link, with who took it and how."""

from __future__ import annotations

from datetime import datetime

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from campaigns.consent import opt_out, points
from campaigns.consent.models import ContactPoint
from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Contact

SOURCE = "staff"


class How(models.TextChoices):
    PHONE = "PHONE", _("On the phone")
    EMAIL = "EMAIL", _("By e-mail or letter")
    CHAT = "CHAT", _("In the support chat")
    MEETING = "MEETING", _("In a meeting")
    OTHER = "OTHER", _("In another way")


class NoAddressError(ValueError):
    """The contact has no address on the channel that the no is about."""


def record_opt_out(
    *, contact_id: int, channel: str = "", topic: str = "", by: str, how: str, note: str = "", now: datetime
) -> None:
    """Without a channel everything marketing stops everywhere, as for an objection; without a topic everything on the
    channel. In force when this returns. Raises NoAddressError; ValueError for a `how` that is none of How.
    """
    evidence = {"by": by, "how": How(how).value, "note": note[:500]}
    contact = Contact.objects.get(pk=contact_id)
    with transaction.atomic():
        made = points.ensure_points(contacts=[contact], channel=channel or "in_app")
        if contact.pk not in made:
            raise NoAddressError("The contact has no address on this channel.")
        opt_out.opt_out(
            point_id=made[contact.pk].pk,
            topic=topic if channel else "",
            reason=ContactPoint.Reason.UNSUBSCRIBED if channel else ContactPoint.Reason.OBJECTED,
            source=SOURCE,
            evidence=evidence,
            at=now,
            now=now,
            all_channels=not channel,
        )
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="consent.opt_out_on_behalf",
            subject=f"contact:{contact.external_id}",
            after={"channel": channel, "topic": topic, "how": How(how).value},
            reason=note[:500],
        )
