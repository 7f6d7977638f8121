"""What of one campaign, or of all, a person should look at: what stands still, what nobody knows the fate of, what its
readers' countries keep back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.analytics import stalls
from campaigns.analytics.home import Need
from campaigns.analytics.stalls import Stall
from campaigns.console import country_words, stall_words
from campaigns.console.templatetags.console import count
from campaigns.delivery import country_rules, unclear
from campaigns.sequences.models import Campaign


@dataclass(frozen=True, slots=True)
class Point:
    """`drive`: the campaign to be driven on by a POST; `url` a page that says or asks more."""

    title: str
    detail: str
    icon: str
    tone: str
    url: str = ""
    action: str = ""
    drive: str = ""
    campaign: str = ""


def of_campaign(*, campaign: Campaign, now: datetime, wall_now: datetime) -> list[Point]:
    """The worst first. Words are in the time zone that is active."""
    if campaign.gate_id is None or campaign.launched_at is None:
        return []
    found = stalls.find_stalls(now=now, wall_now=wall_now, campaign=campaign.slug)
    points = [
        *stalled_points(found, now=now, wall_now=wall_now),
        *_unclear(campaign),
        *_barred(campaign),
    ]
    return sorted(points, key=lambda one: one.tone == "is-quiet")


def stalled_points(found: Iterable[Stall], *, now: datetime, wall_now: datetime) -> list[Point]:
    return [
        Point(
            title=stall_words.title(one),
            detail=stall_words.detail(one, now=now, wall_now=wall_now),
            icon="clock" if one.is_quiet else "warn",
            tone="is-quiet" if one.is_quiet else "is-bad",
            drive=one.campaign if one.can_be_driven else "",
            campaign=one.campaign,
        )
        for one in found
    ]


def needs_by_campaign(*, campaigns: Collection[Campaign], now: datetime, wall_now: datetime) -> dict[int, Need]:
    """The worst that stands still of each, or what nobody knows of; absent: neither."""
    worst: dict[str, Stall] = {}
    for one in stalls.find_stalls(now=now, wall_now=wall_now):
        if not one.is_quiet:
            worst.setdefault(one.campaign, one)
    numbers = unclear.count_unclear(gate_ids=[one.gate_id for one in campaigns if one.gate_id is not None])
    return {one.pk: need for one in campaigns if (need := _need(one, worst, numbers, now, wall_now))}


def stall_needs(*, now: datetime, wall_now: datetime) -> Iterator[Need]:
    """For the home page: one for each reason, over all campaigns. What somebody wanted so is told elsewhere."""
    told: dict[stalls.Cause, list[Stall]] = {}
    for one in stalls.find_stalls(now=now, wall_now=wall_now):
        if not one.is_quiet:
            told.setdefault(one.cause, []).append(one)
    for group in told.values():
        number = sum(one.number for one in group)
        title = ngettext("%(n)s thing to send or do stands still", "%(n)s things to send or do stand still", number)
        detail = stall_words.detail(group[0], now=now, wall_now=wall_now)
        url = reverse("admin:studio-sending", fragment="stalled")
        yield Need(title % {"n": count(number)}, detail, "warn", "is-bad", url, _("Look at it"))


def _need(
    campaign: Campaign, worst: Mapping[str, Stall], numbers: Mapping[int, int], now: datetime, wall_now: datetime
) -> Need | None:
    stall = worst.get(campaign.slug)
    if stall is not None:
        url = reverse("admin:studio-campaign", args=[campaign.slug], fragment="needs")
        detail = stall_words.detail(stall, now=now, wall_now=wall_now)
        return Need(stall_words.title(stall), detail, "warn", "is-bad", url, _("Look at it"))
    number = numbers.get(campaign.gate_id or 0, 0)
    if not number:
        return None
    url = reverse("admin:studio-campaign-unclear", args=[campaign.slug])
    return Need(_unclear_title(number), "", "warn", "is-warn", url, _("Decide"))


def _unclear_title(number: int) -> str:
    words = ngettext("%(n)s message may or may not have arrived", "%(n)s messages may or may not have arrived", number)
    return words % {"n": count(number)}


def _unclear(campaign: Campaign) -> Iterator[Point]:
    assert campaign.gate_id is not None, "Looked at before."
    number = unclear.find_unclear(gate_id=campaign.gate_id).count()
    if number:
        detail = _("The provider gave no answer and no sign. They are not sent again by themselves.")
        url = reverse("admin:studio-campaign-unclear", args=[campaign.slug])
        yield Point(_unclear_title(number), detail, "warn", "is-warn", url, _("Decide…"))


def _barred(campaign: Campaign) -> Iterator[Point]:
    """Since the wording that runs was launched: with another one they are told anew."""
    assert campaign.gate_id is not None, "Looked at before."
    since = campaign.live_version.went_live_at if campaign.live_version else None
    url = reverse("admin:studio-campaign", args=[campaign.slug], fragment="steps")
    for said, number in country_rules.count_barred(gate_id=campaign.gate_id, since=since):
        words = ngettext(
            "%(n)s message was kept from a reader in %(country)s",
            "%(n)s messages were kept from readers in %(country)s",
            number,
        )
        detail = _("Marketing there must show what the text lacks: %(lacking)s. Correct it in a new version.")
        yield Point(
            words % {"n": count(number), "country": country_words.place_of(said=said)},
            detail % {"lacking": country_words.lacking(said=said)},
            "warn", "is-warn", url, _("Go there"),
        )  # fmt: skip
