"""The day's budget for text messages, by the sender's clock: once it is spent no more go until the next day.

One row per day, locked by everybody who begins text messages, and taken before they leave. What certainly did not go
gives its part back; what may have gone counts. Without a budget nobody waits for that row: what went is added to it
with the answers, so that a process that dies meanwhile leaves its own uncounted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from campaigns.delivery.models import DailySpend
from orchestrator.engine import capping
from orchestrator.templating.sms import count_segments

CHANNEL = "sms"

_ENSURE = """
INSERT INTO delivery_dailyspend (channel, day, segments, amount) VALUES (%(channel)s, %(day)s, 0, 0)
ON CONFLICT (channel, day) DO NOTHING
"""
_LOCK = "SELECT segments, amount FROM delivery_dailyspend WHERE channel = %(channel)s AND day = %(day)s FOR UPDATE"
_ADD = """
INSERT INTO delivery_dailyspend AS known (channel, day, segments, amount)
VALUES (%(channel)s, %(day)s, %(segments)s, %(amount)s)
ON CONFLICT (channel, day) DO UPDATE
SET segments = known.segments + excluded.segments, amount = known.amount + excluded.amount
"""
_TAKE = """
UPDATE delivery_dailyspend SET segments = segments + %(segments)s, amount = amount + %(amount)s,
    stopped_at = CASE WHEN %(is_spent)s THEN coalesce(stopped_at, %(now)s) ELSE stopped_at END
WHERE channel = %(channel)s AND day = %(day)s
"""
_GIVE_BACK = """
UPDATE delivery_dailyspend
SET segments = GREATEST(segments - %(segments)s, 0), amount = GREATEST(amount - %(amount)s, 0)
WHERE channel = %(channel)s AND day = %(day)s
"""


@dataclass(frozen=True, slots=True)
class Cost:
    segments: int
    amount: Decimal


@dataclass(slots=True)
class Purse:
    """The locked row of a day: `pay` takes, `store` writes it back."""

    day: date
    segments_left: int | None
    amount_left: Decimal | None
    costs: Mapping[int, Cost]
    segments: int = 0
    amount: Decimal = Decimal(0)
    is_spent: bool = False

    def can_pay(self, message_id: int) -> bool:
        """Whether the message still fits; the first that does not is noted as the day's stop."""
        cost = self.costs[message_id]
        fits = (self.segments_left is None or self.segments + cost.segments <= self.segments_left) and (
            self.amount_left is None or self.amount + cost.amount <= self.amount_left
        )
        self.is_spent |= not fits
        return fits

    def pay(self, message_id: int) -> None:
        cost = self.costs[message_id]
        self.segments += cost.segments
        self.amount += cost.amount

    def store(self, *, now: datetime) -> None:
        taken: dict[str, Any] = {"segments": self.segments, "amount": self.amount}
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, _key(self.day) | taken | {"is_spent": self.is_spent, "now": now})


def is_limited() -> bool:
    return bool(settings.SMS_DAILY_SEGMENTS) or settings.SMS_DAILY_SPEND is not None


def cost_of(*, text: str, number: str) -> Cost:
    """In segments and in money; without any price it costs more than the day has, so that a budget of money is never
    got round."""
    segments = count_segments(text).segments
    price = price_of(number=number)
    return Cost(segments, segments * (_beyond_means() if price is None else price))


def price_of(*, number: str) -> Decimal | None:
    """Of one segment, in the reporting currency: that of the longest beginning of the number that has one, else the
    highest there is; None where no price is known."""
    prices: Mapping[str, Decimal] = settings.SMS_SEGMENT_PRICES
    fitting = [prefix for prefix in prices if number.startswith(prefix)]
    return prices[max(fitting, key=len)] if fitting else max(prices.values(), default=None)


def _beyond_means() -> Decimal:
    return Decimal(0) if settings.SMS_DAILY_SPEND is None else settings.SMS_DAILY_SPEND + 1


def open_purse(*, costs: Mapping[int, Cost], now: datetime) -> Purse:
    """Lock the day's row, in the caller's transaction and before its attention budgets."""
    day = day_of(now)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, _key(day))
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_ENSURE, _key(day))
            cursor.execute(_LOCK, _key(day))
            row = cursor.fetchone()
    assert row is not None, "The row was made above, and none is taken away while its day lasts."
    segments, amount = settings.SMS_DAILY_SEGMENTS, settings.SMS_DAILY_SPEND
    return Purse(
        day=day,
        segments_left=segments - row[0] if segments else None,
        amount_left=amount - row[1] if amount is not None else None,
        costs=costs,
    )


def give_back(*, costs: Iterable[Cost], now: datetime) -> None:
    """`now` is what the messages were begun with: their part goes back to that day."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, _key(day_of(now)) | _total(costs))


def add(*, costs: Iterable[Cost], now: datetime) -> None:
    """Where there is no budget: what went, or may have, of messages begun at `now`. Its lock comes before the attention
    budgets', as the purse's does."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, _key(day_of(now)) | _total(costs))


def _total(costs: Iterable[Cost]) -> dict[str, Any]:
    every = list(costs)
    return {
        "segments": sum(one.segments for one in every),
        "amount": sum((one.amount for one in every), Decimal(0)),
    }


def day_of(now: datetime) -> date:
    return now.astimezone(ZoneInfo(settings.SENDER_TIME_ZONE)).date()


def next_day(now: datetime) -> datetime:
    """When the next day's budget begins."""
    return capping.period_of(at=now, per=capping.DAY, zone=settings.SENDER_TIME_ZONE)[1]


def stopped_today(*, now: datetime) -> Sequence[DailySpend]:
    """The channels whose budget of today is spent, so that messages wait."""
    return list(DailySpend.objects.filter(day=day_of(now), stopped_at__isnull=False))


def days_of(*, now: datetime, days: int = 14) -> list[DailySpend]:
    """What each of the last days took, today first; days without any are there with nothing, and are not stored."""
    today = day_of(now)
    known = {one.day: one for one in DailySpend.objects.filter(channel=CHANNEL, day__gt=today - timedelta(days=days))}
    wanted = [today - timedelta(days=back) for back in range(days)]
    return [known.get(day) or DailySpend(channel=CHANNEL, day=day) for day in wanted]


def _key(day: date) -> dict[str, Any]:
    return {"channel": CHANNEL, "day": day}
