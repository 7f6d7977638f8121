"""The page about sending itself: the switch, how each provider answers, what text messages cost today, the rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.analytics import stalls
from campaigns.console import attention, verdict_words
from campaigns.console.attention import Point
from campaigns.console.templatetags.console import count
from campaigns.delivery import breaker, selectors, spend, switch
from campaigns.delivery.models import ChannelHealth, SendRate
from campaigns.operations.models import SendSwitch
from campaigns.sequences.models import Campaign
from orchestrator.channels import registry
from orchestrator.channels.contract import PacedChannel

# Without a provider: their own rows are the delivery.
_OUR_OWN = frozenset({"in_app", "csm_task"})
_ICONS = {"email": "mail", "sms": "sms", "webhook": "code"}
_LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Way:
    """How a channel stands, in words. `since` belongs to the state; `can_try`: something is held back."""

    channel: str
    name: str
    icon: str
    state: str
    tone: str
    state_icon: str
    since: datetime | None
    detail: str
    answered_at: datetime | None
    can_try: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """`share` of the budget that is used up most, None without a budget."""

    day: date
    segments: int
    amount: Decimal
    share: float | None
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rate:
    """`configured` is what the settings say, `per_s` what was set here; 0 is no limit."""

    sender: str
    shown: str
    unit: str
    name: str
    icon: str
    configured: str
    per_s: int | None


def gather(*, now: datetime, wall_now: datetime) -> dict[str, Any]:
    days = _days(now)
    switched = SendSwitch.objects.filter(pk=1).first()
    return {
        "wall_now": wall_now,
        "is_on": selectors.is_sending_on(),
        "is_held": switch.is_held_after_restore(),
        "switch": switched,
        "switched_by": verdict_words.isolate(switched.changed_by) if switched else "",
        "open_messages": selectors.open_messages(),
        "ways": list(_ways(wall_now)),
        "stalled": _stalled(now, wall_now),
        "today": days[0],
        "days": days,
        "budget": _budget(),
        "has_prices": bool(settings.SMS_SEGMENT_PRICES),
        "price_set_by": ("SMS_SEGMENT_PRICES",),
        "zone": settings.SENDER_TIME_ZONE,
        "currency": settings.REPORTING_CURRENCY,
        "rates": list(rates()),
    }


def _stalled(now: datetime, wall_now: datetime) -> list[tuple[str, Point]]:
    """What stands still of all campaigns, with the campaign's name; empty where it is none's."""
    points = attention.stalled_points(stalls.find_stalls(now=now, wall_now=wall_now), now=now, wall_now=wall_now)
    slugs = {one.campaign for one in points}
    names = dict(Campaign.objects.filter(slug__in=slugs).values_list("slug", "name"))
    return [(names.get(one.campaign, ""), one) for one in points]


def rates() -> Iterator[Rate]:
    """Of every sender that a provider limits."""
    known = dict(SendRate.objects.values_list("sender", "per_s"))
    for kind, channel in _channels():
        if not isinstance(channel, PacedChannel):
            continue
        yield Rate(
            sender=channel.sender,
            shown=channel.sender.partition(":")[2] or channel.sender,
            unit=_("segments a second") if kind == "sms" else _("requests a second"),
            name=_names()[kind],
            icon=_ICONS[kind],
            configured=count(int(channel.units_per_s)) if channel.units_per_s else _("no limit"),
            per_s=known.get(channel.sender),
        )


def _channels() -> Iterator[tuple[str, Any]]:
    for kind in registry.channel_kinds():
        if kind not in _OUR_OWN:
            yield kind, registry.get(kind)


def _names() -> dict[str, str]:
    return {"email": _("E-mail"), "sms": _("SMS"), "webhook": _("Webhook")}


def _ways(wall_now: datetime) -> Iterator[Way]:
    known = {one.channel: one for one in ChannelHealth.objects.all()}
    for kind, channel in _channels():
        health = known.get(kind) or ChannelHealth(channel=kind)
        yield _way(kind, health, bool(channel.is_live), wall_now)


def _way(kind: str, health: ChannelHealth, is_live: bool, wall_now: datetime) -> Way:
    def told(state: str, tone: str, icon: str, since: datetime | None, detail: str, *, can_try: bool = False) -> Way:
        name, mark = _names().get(kind, kind), _ICONS.get(kind, "source")
        return Way(kind, name, mark, state, tone, icon, since, detail, health.answered_at, can_try)

    if not is_live:
        return told(
            _("Outbox only"), "", "info", None, _("Its provider is not connected: nothing leaves this machine.")
        )
    if kind in breaker.MANY_RECEIVERS:
        detail = _("One that is down holds up nobody else; each message has its own pauses.")
        return told(_("Each receiver by itself"), "", "info", None, detail)
    if health.opened_at is not None:
        detail = _(
            "It failed %(n)s times in a row, last with “%(code)s”. One message at a time is tried, at most once a "
            "minute; the others wait and go by themselves once it works again."
        ) % {"n": count(health.failures), "code": health.code or "–"}
        return told(_("Held back"), "is-bad", "block", health.opened_at, detail, can_try=True)
    if health.paused_until is not None and health.paused_until > wall_now:
        minutes = max(1, round((health.paused_until - wall_now).total_seconds() / 60))
        detail = ngettext(
            "The provider asked to wait; %(n)s minute is left.",
            "The provider asked to wait; %(n)s minutes are left.",
            minutes,
        ) % {"n": count(minutes)}
        return told(_("Waits"), "is-warn", "pause", None, detail, can_try=True)
    if health.failures:
        detail = ngettext(
            "The last request failed with “%(code)s”. After %(most)s in a row it is held back.",
            "The last %(n)s requests failed, last with “%(code)s”. After %(most)s in a row it is held back.",
            health.failures,
        ) % {"n": count(health.failures), "code": health.code or "–", "most": count(breaker.TRIES)}
        return told(_("Unsure"), "is-warn", "warn", health.failed_at, detail)
    if health.answered_at is None:
        return told(_("Not used yet"), "", "clock", None, "")
    detail = "" if health.answered_at > wall_now - _LATELY else _("Nothing went out on it in the last day.")
    return told(_("Answers well"), "is-ok", "ok", None, detail)


def _days(now: datetime) -> Sequence[Day]:
    return [
        Day(one.day, one.segments, one.amount, _share(one.segments, one.amount), one.stopped_at)
        for one in spend.days_of(now=now)
    ]


def _share(segments: int, amount: Decimal) -> float | None:
    shares = []
    if settings.SMS_DAILY_SEGMENTS:
        shares.append(segments / settings.SMS_DAILY_SEGMENTS)
    if settings.SMS_DAILY_SPEND:
        shares.append(float(amount / settings.SMS_DAILY_SPEND))
    return max(shares) if shares else None


def _budget() -> dict[str, Any]:
    return {
        "segments": settings.SMS_DAILY_SEGMENTS or None,
        "amount": settings.SMS_DAILY_SPEND,
        "set_by": ("SMS_DAILY_SEGMENTS", "SMS_DAILY_SPEND"),
    }
