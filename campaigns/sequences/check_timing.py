"""The part of the launch review about time: whether the hours in which a message may go come before the time is over in
which it must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.delivery import windows
from campaigns.segments.models import Segment, SegmentMembership
from campaigns.sequences import check_country, foresee
from campaigns.sequences.campaign_file import BY_SEGMENT, CampaignSpec, LimitsSpec
from campaigns.sequences.check_audience import Found, memberships_meant
from campaigns.sequences.foresee import Fate, Foresight, Outcome, Reader
from campaigns.sequences.models import Campaign
from orchestrator.engine import timing
from orchestrator.engine.country_packs import quiet_hours

# Of more places nothing is claimed: looking through all of them would take too long.
MOST_PLACES = 2_000
_DAY = timedelta(days=1)
# After the hours of sending begin: every hour of a day, for waits are of whole hours, and then every day of a week.
_LATER = [*(timedelta(hours=hours) for hours in range(24)), *(days * _DAY for days in range(1, 7))]


def check_timing(
    *,
    campaign: Campaign,
    spec: CampaignSpec,
    numbers: Mapping[str, int],
    now: datetime,
    abroad: Sequence[Found] = (),
) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them. `numbers` of the steps, by key. `abroad`: what
    `check_country` found; where quiet hours leave nothing of the campaign's hours, that says it all.

    Of a first launch that brings the audience in: whether any of it would get each message, launched now. Of all
    others, which people enter over time: whether anybody could, whenever they enter."""
    if not _has_hours(spec) or any(code == check_country.WINDOW_IS_QUIET for _level, code, *_rest in abroad):
        return
    is_draft, segment = campaign.status == Campaign.Status.DRAFT, campaign.edited_segment
    readers = _readers(segment, spec) if is_draft and segment is not None else []
    is_now = spec.entry.by == BY_SEGMENT and bool(readers) and segment is not None and not _is_empty(segment)
    never = list(_never(spec, readers or [_reader(spec, ("", "", "", ""))], now, is_now=is_now))
    limit = hours_words(hours=spec.limits.send_by_hours)
    for fate in never:
        words = _("Nobody would ever get step %(step)s: it may not be sent within the %(limit)s in which it must.")
        if is_now:
            words = _(
                "Launched now, nobody would get step %(step)s: it may not be sent before %(day)s, and must go out "
                "within %(limit)s."
            )
        told = {"step": numbers[fate.step], "day": date_format(fate.day, "j F"), "limit": limit}
        yield "BLOCKER", "never_in_time", words % told, fate.step, "limits.send_by_hours"
    closed = _closed_for(spec.limits)
    if not never and closed > timedelta(hours=spec.limits.send_by_hours):
        words = _(
            "What comes due between %(end)s and %(start)s waits for the next hours of sending, but must go out within "
            "%(limit)s: some of it will not be sent."
        )
        told = {"end": f"{spec.limits.window_to:%H:%M}", "start": f"{spec.limits.window_from:%H:%M}", "limit": limit}
        yield "WARNING", "short_limit", words % told, "", "limits.send_by_hours"


def hours_words(*, hours: int) -> str:
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def _never(spec: CampaignSpec, readers: Sequence[Reader], now: datetime, *, is_now: bool) -> Iterator[Fate]:
    """Of messages that are too late for all of them: when one could go at the earliest. Of ways that part too often to
    be gone all, of the first message alone."""
    late: dict[str, Fate] = {}
    going: set[str] = set()
    wanted = {step.key for step in spec.message_steps()}
    ahead: dict[datetime, Foresight] = {}
    most = foresee.MOST_SITUATIONS if is_now else foresee.MOST_OF_ONE
    for reader in readers:
        for start in [now] if is_now else _starts(spec, reader, now):
            if start not in ahead:
                ahead[start] = Foresight(spec, start, most)
            for fate in ahead[start].of_account([reader]):
                if fate.outcome == Outcome.LATE:
                    late[fate.step] = min(late.get(fate.step, fate), fate)
                else:
                    going.add(fate.step)
            if going >= wanted:
                return
            if ahead[start].is_cut:
                yield from _never(_up_to_first(spec), readers, now, is_now=is_now)
                return
    yield from (fate for key, fate in late.items() if key not in going)


def _up_to_first(spec: CampaignSpec) -> CampaignSpec:
    place = spec.steps.index(spec.message_steps()[0])
    return replace(spec, steps=spec.steps[: place + 1])


def _starts(spec: CampaignSpec, reader: Reader, now: datetime) -> list[datetime]:
    opens = spec.limits.window_from or time(9)
    first = timing.next_local(at=now, clock=opens, zone=reader.place.zones[0])
    return [first + later for later in _LATER]


def _is_empty(segment: Segment) -> bool:
    """Before a first refresh nobody knows."""
    stays = SegmentMembership.objects.filter(segment=segment, left_at__isnull=True)
    return segment.refreshed_at is not None and not stays.exists()


def _readers(segment: Segment, spec: CampaignSpec) -> list[Reader]:
    names = ("contact__time_zone", "contact__country", "account__time_zone", "account__country")
    rows = memberships_meant(segment=segment, roles=spec.recipients.roles).order_by().values_list(*names).distinct()
    found = list(rows[: MOST_PLACES + 1])
    return list(dict.fromkeys(_reader(spec, row) for row in found)) if len(found) <= MOST_PLACES else []


def _reader(spec: CampaignSpec, where: tuple[str, str, str, str]) -> Reader:
    zone, country, account_zone, account_country = where
    return Reader(
        place=windows.place_of(
            contact_zone=zone, contact_country=country, account_zone=account_zone, account_country=account_country
        ),
        zone=windows.zone_of(contact_zone=zone, account_zone=account_zone),
        account_zone=windows.zone_of(contact_zone=account_zone, account_zone=zone),
        reached=frozenset(step.channel for step in spec.message_steps()),
    )


def _has_hours(spec: CampaignSpec) -> bool:
    """Whether there may be a moment at which a message waits."""
    is_quiet = bool(settings.COMPLIANCE_QUIET_HOURS) and spec.purpose == quiet_hours.MARKETING
    return is_quiet or bool(_closed_for(spec.limits))


def _closed_for(limits: LimitsSpec) -> timedelta:
    if limits.window_from is None or limits.window_to is None or settings.CAMPAIGN_WINDOW == windows.ALWAYS:
        return timedelta(0)
    opens, closes = (timedelta(hours=one.hour, minutes=one.minute) for one in (limits.window_from, limits.window_to))
    return _DAY - (closes - opens)
