from __future__ import annotations

from collections.abc import Collection
from typing import Any

from campaigns.usage.models import Meter, ThresholdCrossing


def newest_crossings(
    *, account_ids: Collection[int], meter: str | None = None, level: int | None = None
) -> dict[int, ThresholdCrossing]:
    """The newest crossing of each account that was not taken back (of a jump the highest level), by account id;
    of one meter or level only when given. Accounts without any are absent."""
    rows = ThresholdCrossing.objects.filter(account_id__in=account_ids, contradicted_at__isnull=True)
    if meter is not None:
        rows = rows.filter(meter__code=meter)
    if level is not None:
        rows = rows.filter(level=level)
    newest = rows.order_by("account_id", "-at", "-level", "-pk").distinct("account_id").select_related("meter")
    return {crossing.account_id: crossing for crossing in newest}


def newest_evidence(*, account_ids: Collection[int], meter: str | None = None) -> dict[int, dict[str, Any]]:
    """The evidence of each account's newest crossing, by account id: what a message about it may quote.

    Keys: `usage.evidence.gather_evidence`. Dates are ISO 8601 text.
    """
    found = newest_crossings(account_ids=account_ids, meter=meter)
    return {account_id: crossing.evidence for account_id, crossing in found.items()}


def unit_of(*, meter: str | None) -> str:
    """What a meter counts in, as the catalogue names it, e.g. seats; empty where it does not say."""
    return Meter.objects.filter(code=meter or "").values_list("unit", flat=True).first() or ""
