from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from campaigns.offers.models import Quote, Refusal


def refused_account_ids(*, account_ids: Sequence[int], now: datetime) -> set[int]:
    """Those whose last no still has its cool-down, whatever the offer was."""
    rows = Refusal.objects.filter(account_id__any=account_ids, until__gt=now)
    return set(rows.values_list("account_id", flat=True))


def accepting_account_ids(*, account_ids: Sequence[int]) -> set[int]:
    """Those that said yes and whose upgrade is not made yet: nobody asks them again meanwhile."""
    rows = Quote.objects.filter(account_id__any=account_ids, state=Quote.State.ACCEPTING)
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


def answered_quotes(*, account_ids: Sequence[int]) -> list[Quote]:
    """What these accounts answered to their offers, newest first, with refusals, plans and whoever answered."""
    rows = Quote.objects.filter(account_id__in=account_ids, answered_at__isnull=False)
    rows = rows.select_related("offer", "account", "to_price__plan", "answered_by", "refusal")
    return list(rows.order_by("-answered_at", "-pk"))


def open_quotes(*, account_ids: Sequence[int], now: datetime) -> list[Quote]:
    """Offers these accounts may still take, the newest first: none that was made from a plan they left since."""
    states = [Quote.State.OPEN, Quote.State.CALL_ASKED]
    rows = Quote.objects.filter(account_id__in=account_ids, state__in=states, valid_until__gt=now)
    rows = rows.filter(subscription__plan=F("from_plan"))
    return list(rows.select_related("offer", "account", "to_price__plan").order_by("-made_at", "-pk"))
