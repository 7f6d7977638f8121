"""Figures by day for the charts. A day is a day of the reader's time zone, and every day of a period is there: the
database sums, one statement for each kind of figure, however many messages there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from campaigns.conversions.models import Conversion
from campaigns.delivery.models import Message
from campaigns.segments.models import Segment, SegmentRefresh
from campaigns.sequences import selectors as sequences
from campaigns.sequences.models import Campaign, Entry

MONTH_DAYS = 30
MOST_DAYS = 60
"""Of something older only the newest days are told; more can't be told apart on a phone."""


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """`sent` and `clicked` are messages (clicks graded human), `upgraded` accounts that entered and were not held out,
    each on the day of its first upgrade."""

    day: date
    sent: int
    clicked: int
    upgraded: int


@dataclass(frozen=True, slots=True)
class SentDays:
    """`channels` holds only those that something went out on, each with one number a day."""

    days: list[date]
    channels: dict[str, list[int]]

    @property
    def total(self) -> int:
        return sum(map(sum, self.channels.values()))


@dataclass(frozen=True, slots=True)
class SizeDays:
    """The last good count of each day; None on a day without one, never on the first."""

    days: list[date]
    sizes: list[int | None]


def count_sent_days(*, now: datetime, zone: ZoneInfo) -> SentDays:
    """What went out on each of the last 30 days up to `now`, test sends left out."""
    today = now.astimezone(zone).date()
    days = list_days(today - timedelta(days=MONTH_DAYS - 1), today)
    sent = Message.objects.counted().filter(accepted_at__gte=begin_of(days[0], zone), accepted_at__lte=now)
    rows = sent.values_list("channel", TruncDate("accepted_at", tzinfo=zone)).annotate(n=Count("pk")).order_by()
    found: dict[str, dict[date, int]] = {}
    for channel, day, number in rows:
        found.setdefault(channel, {})[day] = number
    return SentDays(days, {channel: [by_day.get(day, 0) for day in days] for channel, by_day in found.items()})


def count_campaign_days(*, campaign: Campaign, now: datetime, zone: ZoneInfo) -> list[CampaignDay]:
    """From the launch, or the first thing that happened, until today or, once the campaign is over, the last thing
    that happened; the newest 60 days of them. Empty before the launch."""
    if campaign.launched_at is None:
        return []
    messages = sequences.campaign_messages(campaign=campaign)
    upgrades = Conversion.objects.filter(goal__campaign=campaign, entry__outcome=Entry.Outcome.ENROLLED)
    first = upgrades.order_by("account_id", "converted_at", "pk").distinct("account_id").values("pk")
    sent = _by_day(messages, "accepted_at", now, zone)
    clicked = _by_day(messages, "clicked_at", now, zone)
    upgraded = _by_day(Conversion.objects.filter(pk__in=first), "converted_at", now, zone)
    launch, today = campaign.launched_at.astimezone(zone).date(), now.astimezone(zone).date()
    seen = {launch, *sent, *clicked, *upgraded}
    is_over = campaign.status in (Campaign.Status.STOPPED, Campaign.Status.FINISHED)
    last = max(seen) if is_over else max(today, *seen)
    days = list_days(max(min(seen), last - timedelta(days=MOST_DAYS - 1)), last)
    return [CampaignDay(day, sent.get(day, 0), clicked.get(day, 0), upgraded.get(day, 0)) for day in days]


def read_segment_sizes(*, segment: Segment, now: datetime, zone: ZoneInfo) -> SizeDays:
    """From the first count of the last 60 days until the last one."""
    oldest = now.astimezone(zone).date() - timedelta(days=MOST_DAYS - 1)
    counted = SegmentRefresh.objects.filter(
        segment=segment, error="", size__isnull=False, started_at__gte=begin_of(oldest, zone), started_at__lte=now
    )
    by_day = counted.annotate(day=TruncDate("started_at", tzinfo=zone))
    newest = by_day.order_by("day", "-started_at", "-pk").distinct("day")
    sizes = dict(newest.values_list("day", "size"))
    days = list_days(min(sizes), max(sizes)) if sizes else []
    return SizeDays(days, [sizes.get(day) for day in days])


def list_days(first: date, last: date) -> list[date]:
    """Both included."""
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _by_day(
    rows: QuerySet[Message] | QuerySet[Conversion], column: str, now: datetime, zone: ZoneInfo
) -> Mapping[date, int]:
    until = rows.filter(**{f"{column}__lte": now})
    counted: Iterable[tuple[date, int]] = (
        until.values_list(TruncDate(column, tzinfo=zone)).annotate(n=Count("pk")).order_by()
    )
    return dict(counted)
