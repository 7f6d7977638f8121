"""Credit a conversion to the message that may have brought it. Attributed, not proven."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from campaigns.conversions.models import AttributionCredit, Conversion
from campaigns.delivery import outcome
from campaigns.delivery.models import Message
from campaigns.sequences.models import Entry
from orchestrator.engine import attribution


def credit_conversions(*, conversions: Sequence[Conversion]) -> dict[int, Message]:
    """The last message of the campaign that a human clicked within the goal's window; {conversion id: message}."""
    treated = [one for one in conversions if one.entry.outcome == Entry.Outcome.ENROLLED]
    clicked = _clicked_messages(treated)
    found: dict[int, Message] = {}
    for conversion in treated:
        messages = clicked[conversion.entry.campaign.slug, conversion.account_id]
        winner = attribution.last_touch(
            touches=[
                attribution.TouchPoint(str(message.pk), message.clicked_at, human_clicked=True)
                for message in messages
                if message.clicked_at is not None
            ],
            converted_at=conversion.converted_at,
            window=timedelta(days=conversion.goal.window_days),
        )
        if winner is not None:
            found[conversion.pk] = next(message for message in messages if str(message.pk) == winner)
    AttributionCredit.objects.bulk_create(
        [
            AttributionCredit(conversion_id=conversion_id, message=message, weight=Decimal(1))
            for conversion_id, message in found.items()
        ]
    )
    at_of = {conversion.pk: conversion.converted_at for conversion in treated}
    outcome.mark_converted(times=[(message.pk, at_of[pk]) for pk, message in found.items()])
    return found


def _clicked_messages(conversions: Sequence[Conversion]) -> dict[tuple[str, int | None], list[Message]]:
    """`clicked_at` is the first click graded human; scanners' clicks never set it."""
    rows = Message.objects.counted().filter(
        account_id__in={one.account_id for one in conversions},
        origin_campaign__in={one.entry.campaign.slug for one in conversions},
        clicked_at__isnull=False,
    )
    found: dict[tuple[str, int | None], list[Message]] = defaultdict(list)
    for message in rows.select_related("contact"):
        found[message.origin_campaign, message.account_id].append(message)
    return found
