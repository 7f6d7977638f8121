"""What a company's record says it uses today becomes the day's value of a meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from campaigns.crm.models import SyncRun
from campaigns.usage import roll


def set_usage(*, run: SyncRun, values: Sequence[tuple[int, Mapping[str, Decimal]]], now: datetime) -> None:
    """(account, {meter code: value}) as the CRM has it now: the value of the UTC day of `now`.

    A later report of the same day, whoever makes it, stands instead. Ring `usage_rolled` after the commit.
    """
    day = now.astimezone(UTC).date()
    rows = [
        roll.DailyValue(account_id=account_id, meter=code, day=day, value=value, at=now)
        for account_id, told in values
        for code, value in told.items()
    ]
    if rows:
        roll.set_daily(rows=rows)
        run.counts["usage"] = run.counts.get("usage", 0) + len(rows)
