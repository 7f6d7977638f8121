"""Charts that the browser draws: what they show is described here, in the reader's words, and stands beside them as a
table. static/js/charts.js turns a description into a drawing and knows nothing about campaigns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from campaigns.analytics import daily
from campaigns.console.templatetags.console import calendar_day, count
from campaigns.delivery import selectors
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign

CHANNELS = ("email", "sms", "in_app", "csm_task", "webhook")


@dataclass(frozen=True, slots=True)
class Series:
    """One number a day, None where there is none. `tone` names the colour in the style sheet (--cr-viz-TONE),
    `note` stands beside the name, e.g. the total. `low` and `high` are the range around an estimate."""

    name: str
    tone: str
    values: Sequence[float | None]
    note: str = ""
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """`form`: panels (bars, one row for each series on its own scale), line, or range (an estimate in its band around
    a zero line). `key` is its id on the page, `sentence` what somebody hears who can't see it, `days` the words along
    the axis, oldest first. Each of `rows` begins with the day, the newest first; `foot` adds them up.

    Of a range: `ticks` of the value axis, `unit` the words around the highest of them ("{n} pts"), `mark` the place
    of a day that is named, with what is said about it.
    """

    key: str
    form: str
    caption: str
    sentence: str
    days: Sequence[str]
    series: Sequence[Series]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[str] = ()
    ticks: Sequence[float] = ()
    unit: str = ""
    mark: tuple[int, str] | None = None

    @property
    def size(self) -> str:
        """The class that keeps the room free until it is drawn."""
        return f"is-rows-{len(self.series)}" if self.form == "panels" else f"is-{self.form}"

    @property
    def data(self) -> dict[str, Any]:
        """What charts.js reads; figures stay numbers, it writes them in the page's language."""
        return {
            "form": self.form,
            "sentence": self.sentence,
            "days": list(self.days),
            "series": [
                {
                    "name": one.name,
                    "tone": one.tone,
                    "note": one.note,
                    "values": list(one.values),
                    "low": list(one.low),
                    "high": list(one.high),
                }
                for one in self.series
            ],
            "ticks": list(self.ticks),
            "unit": self.unit,
            "mark": {"at": self.mark[0], "words": self.mark[1]} if self.mark else None,
            "spread": _("%(low)s to %(high)s") % {"low": "{low}", "high": "{high}"},
        }


def draw_sent(*, now: datetime, zone: ZoneInfo) -> Chart | None:
    """What went out in the last 30 days, by channel; None when nothing did."""
    found = daily.count_sent_days(now=now, zone=zone)
    if not found.channels:
        return None
    names = _channel_names()
    known = [*(one for one in CHANNELS if one in found.channels), *sorted(set(found.channels) - set(CHANNELS))]
    series = [(names.get(one, one), "b", found.channels[one]) for one in known]
    caption = _("Messages that left on each of the last 30 days, without test sends.") + _kept_here(found.channels)
    return _bars(
        key="sent-days", caption=_with_scales(caption, series), days=found.days, series=series, now=now, zone=zone
    )


def draw_campaign(*, campaign: Campaign, now: datetime, zone: ZoneInfo) -> Chart | None:
    """What happened on each day since the launch; None before it."""
    found = daily.count_campaign_days(campaign=campaign, now=now, zone=zone)
    if not found:
        return None
    series = [
        (_("Sent"), "b", [one.sent for one in found]),
        (_("Clicked"), "b", [one.clicked for one in found]),
        (_("Accounts upgraded"), "up", [one.upgraded for one in found]),
    ]
    caption = _(
        "What happened on which day. Clicks of security software are left out. An account counts on the day of its "
        "first upgrade, whether or not it used the link; accounts held out are not in it."
    )
    steps = campaign.live_version.definition["steps"] if campaign.live_version else []
    caption += _kept_here({step.get("channel", "") for step in steps})
    if len(found) == daily.MOST_DAYS:
        caption += " " + _("Only the last %(n)s days are shown.") % {"n": count(daily.MOST_DAYS)}
    return _bars(
        key="campaign-days",
        caption=_with_scales(caption, series),
        days=[one.day for one in found],
        series=series,
        now=now,
        zone=zone,
    )


def _channel_names() -> dict[str, str]:
    return {
        "email": _("E-mail"),
        "sms": _("SMS"),
        "in_app": _("In-app"),
        "csm_task": _("CSM tasks"),
        "webhook": _("Webhook"),
    }


def _kept_here(channels: Collection[str]) -> str:
    """What counts as sent although it does not leave this machine, as one more sentence."""
    kept = [one for one in selectors.keeping_channels() if one in channels]
    if not kept:
        return ""
    names = _channel_names()
    words = _("Not connected, so what is sent stays in the outbox of this machine: %(channels)s.")
    return " " + words % {"channels": ", ".join(names.get(one, one) for one in kept)}


def draw_segment(*, segment: Segment, now: datetime, zone: ZoneInfo) -> Chart | None:
    """How the size moved; None before the first count."""
    found = daily.read_segment_sizes(segment=segment, now=now, zone=zone)
    if not found.days:
        return None
    today = now.astimezone(zone).date()
    days = [calendar_day(day, today) for day in found.days]
    first, last = found.sizes[0], found.sizes[-1]
    said = _("Members on %(first)s: %(before)s. On %(last)s: %(after)s.")
    caption = _("Members at the last count of each day.")
    if None in found.sizes:
        caption += " " + _("Days without a count are passed over.")
    return Chart(
        key="segment-days",
        form="line",
        caption=caption,
        sentence=said % {"first": days[0], "before": count(first), "last": days[-1], "after": count(last)},
        days=days,
        series=[Series(_("Members"), "b", found.sizes, note=count(last))],
        head=[_("Day"), _("Members")],
        rows=[[day, count(size)] for day, size in zip(days, found.sizes, strict=True) if size is not None][::-1],
    )


def _bars(
    *,
    key: str,
    caption: str,
    days: Sequence[date],
    series: Sequence[tuple[str, str, Sequence[int]]],
    now: datetime,
    zone: ZoneInfo,
) -> Chart:
    today = now.astimezone(zone).date()
    labels = [calendar_day(day, today) for day in days]
    totals = [count(sum(values)) for _name, _tone, values in series]
    rows = [[label, *(count(values[place]) for _, _, values in series)] for place, label in enumerate(labels)]
    return Chart(
        key=key,
        form="panels",
        caption=caption,
        sentence=_told(labels, series),
        days=labels,
        series=[
            Series(name, tone, values, note=total) for (name, tone, values), total in zip(series, totals, strict=True)
        ],
        head=[_("Day"), *(name for name, _tone, _values in series)],
        rows=rows[::-1],
        foot=[_("Together"), *totals],
    )


def _told(labels: Sequence[str], series: Sequence[tuple[str, str, Sequence[int]]]) -> str:
    """“1 Nov to 30 Nov. E-mail: 1,204, most on 4 Nov: 320. SMS: 0.”"""
    parts = [_("%(first)s to %(last)s.") % {"first": labels[0], "last": labels[-1]}]
    for name, _tone, values in series:
        most = max(values)
        told = {"name": name, "total": count(sum(values)), "day": labels[values.index(most)], "most": count(most)}
        parts.append((_("%(name)s: %(total)s, most on %(day)s: %(most)s.") if most else "%(name)s: 0.") % told)
    return " ".join(parts)


def _with_scales(caption: str, series: Sequence[object]) -> str:
    return f"{caption} {_('Each row has its own scale.')}" if len(series) > 1 else caption
