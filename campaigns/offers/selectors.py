from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from campaigns.offers.models import Quote, Refusal


def refused_account_ids(*, account_ids: Sequence[int], now: datetime) -> set[int]:
    """Those whose last no still has its cool-down, whatever the offer was."""
    rows = Refusal.objects.filter(account_id__in=account_ids, until__gt=now)
    return set(rows.values_list("account_id", flat=True))


def quote_by_uuid(*, quote_uuid: UUID) -> Quote | None:
    """With what the price page shows; None for an unknown one."""
    rows = Quote.objects.select_related("offer", "account", "subscription__plan", "from_plan", "to_price__plan")
    return rows.filter(uuid=quote_uuid).first()


def accepted_by_link(*, account_ids: Sequence[int]) -> list[tuple[int, str]]:
    """(account id, idempotency key) of the upgrades asked for through a signed link."""
    states = [Quote.State.ACCEPTING, Quote.State.ACCEPTED]
    rows = Quote.objects.filter(account_id__in=account_ids, state__in=states).values_list("account_id", "uuid")
    return [(account_id, f"quote:{uuid}") for account_id, uuid in rows]
