"""When a message may go: inside its own window and outside quiet hours, by the clock of whoever reads it.

The window is the campaign's wish, quiet hours are the country's rule (`orchestrator.engine.country_packs`). Both hold
at planning, when a message comes due, and once more under the locks of `begin`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings

from campaigns.profiles.models import Account, Contact
from orchestrator.engine import timing
from orchestrator.engine.country_packs import places, quiet_hours
from orchestrator.engine.timing import NoCommonWindowError, Rule, SendWindow

ALWAYS = "always"
# Where no moment suits all.
NOT_BEFORE = timedelta(days=15)
_FALLBACK = "UTC"
# Where a source says in which state of the country somebody is.
STATE_TRAIT = "state"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody reads: every zone their clock may stand in, the likeliest first; two letters of the country,
    two of a state of it, both empty where nobody knows."""

    zones: tuple[str, ...] = (_FALLBACK,)
    country: str = ""
    state: str = ""


def zone_of(*, contact_zone: str, account_zone: str) -> str:
    """The contact's zone, else the account's, else UTC; a name that no longer exists counts as none."""
    return next((name for name in (contact_zone, account_zone) if name and _is_known(name)), _FALLBACK)


@functools.lru_cache(maxsize=4096)
def place_of(
    *,
    contact_zone: str,
    contact_country: str,
    account_zone: str,
    account_country: str,
    state: str = "",
    account_state: str = "",
) -> Place:
    """The contact's zone; unknown, every zone of the contact's country; else the account's zone, else those of its
    country, else UTC. Countries as sources write them; the states as the trait `state` has them: the account's tells
    where its people are only while nothing else does.

    A zone of no country (UTC, EST) is what a system writes that does not know: it counts where nothing better is known.
    """
    own, accounts = places.read_country(contact_country), places.read_country(account_country)
    known = [name if places.country_of(name) and _is_known(name) else "" for name in (contact_zone, account_zone)]
    is_accounts = not known[0] and not places.zones_of(own)
    if known[0]:
        zones: tuple[str, ...] = (known[0],)
    elif not is_accounts:
        zones = _likeliest_first(places.zones_of(own), known[1])
    else:
        written = zone_of(contact_zone=contact_zone, account_zone=account_zone)
        zones = (known[1],) if known[1] else places.zones_of(accounts) or (written,)
    country = own or places.country_of(known[0]) or accounts or places.country_of(known[1])
    states = (
        quiet_hours.read_state(country=country, text=one) for one in (state, account_state if is_accounts else "")
    )
    return Place(zones, country, next(filter(None, states), ""))


def place_for(*, contact: Contact, account: Account | None) -> Place:
    """`place_of` from the rows."""
    return place_of(
        contact_zone=contact.time_zone,
        contact_country=contact.country,
        account_zone=account.time_zone if account else "",
        account_country=account.country if account else "",
        state=str(contact.traits.get(STATE_TRAIT) or ""),
        account_state=str((account.traits.get(STATE_TRAIT) if account else "") or ""),
    )


def next_sendable(
    *, at: datetime, start: time | None, end: time | None, place: Place, channel: str, purpose: str
) -> datetime:
    """The first instant ≥ `at` inside the window and outside quiet hours in every zone of the place.

    A window too short to be open in all zones of a country holds in the likeliest one, quiet hours still in all; where
    that leaves nothing, a mail keeps both in the likeliest zone. A text message that wakes somebody may be against the
    law: it gets `at` + NOT_BEFORE, to be looked at again then.
    """
    keeps_quiet = bool(settings.COMPLIANCE_QUIET_HOURS) and purpose == quiet_hours.MARKETING
    window = (None, None) if settings.CAMPAIGN_WINDOW == ALWAYS else (start, end)
    return _next_sendable(at, *window, place, channel, keeps_quiet)


def is_quiet(*, at: datetime, place: Place, channel: str, purpose: str) -> bool:
    """Whether the country's quiet hours alone keep a message back at this moment."""
    return next_sendable(at=at, start=None, end=None, place=place, channel=channel, purpose=purpose) > at


def rests_between(*, at: datetime, until: datetime, place: Place, channel: str) -> list[str]:
    """What the days of rest are called, by their pack, that keep a message back from `at` until `until`; in order."""
    hours = quiet_hours.hours_of(
        country=place.country, channel=channel, purpose=quiet_hours.MARKETING, zones=place.zones, state=place.state
    )
    zone = ZoneInfo(place.zones[0])
    first, last = at.astimezone(zone).date(), until.astimezone(zone).date()
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days)]
    named = [one.name_rest(day) for day in days for one in hours]
    return list(dict.fromkeys(filter(None, named)))


@functools.lru_cache(maxsize=2048)
def seconds_left(*, at: datetime, place: Place, channel: str, purpose: str, most: int) -> int:
    """For how long the country's quiet hours still let a message ring that goes at `at`; whole seconds, up to
    `most`."""

    def is_open(seconds: int) -> bool:
        return not is_quiet(at=at + timedelta(seconds=seconds), place=place, channel=channel, purpose=purpose)

    # Quiet hours last longer than any `most` that is asked for, so that what is open at its end was never closed.
    if is_open(most):
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_open(middle) else (low, middle)
    return high


def can_open(*, start: time | None, end: time | None, country: str, channel: str, purpose: str, now: datetime) -> bool:
    """Whether a window leaves anybody in the country an hour outside quiet hours."""
    place = Place(places.zones_of(country)[:1] or (_FALLBACK,), country)
    found = next_sendable(at=now, start=start, end=end, place=place, channel=channel, purpose=purpose)
    return found < now + NOT_BEFORE


@functools.lru_cache(maxsize=8192)
def _next_sendable(
    at: datetime, start: time | None, end: time | None, place: Place, channel: str, keeps_quiet: bool
) -> datetime:
    """Kept, since a drain asks for one `at` on behalf of thousands."""
    window = None if start is None or end is None else SendWindow(start, end)
    hours = _quiet_rules(place, channel) if keeps_quiet else ()
    if window is None and not hours:
        return at
    own: tuple[Rule, ...] = hours if window is None else (window, *hours)
    zones, likeliest = place.zones, place.zones[:1]
    found = _first(at, own, zones, hours, zones)
    if found is None and window is not None:
        found = _first(at, own, likeliest, hours, zones)
    if found is None and channel != "sms":
        found = _first(at, own, likeliest, hours, likeliest)
    return at + NOT_BEFORE if found is None else found


def _first(
    at: datetime, rules: tuple[Rule, ...], zones: tuple[str, ...], hours: tuple[Rule, ...], awake: tuple[str, ...]
) -> datetime | None:
    """The first instant that all rules allow in `zones` and the quiet hours in `awake`; None where there is none."""
    moment = at
    try:
        while moment < at + NOT_BEFORE:
            moment = timing.next_open(at=moment, rules=rules, zones=zones)
            last, moment = moment, timing.next_open(at=moment, rules=hours, zones=awake)
            if moment == last:
                return moment
    except NoCommonWindowError:
        return None
    return None


def _quiet_rules(place: Place, channel: str) -> tuple[Rule, ...]:
    return quiet_hours.hours_of(
        country=place.country, channel=channel, purpose=quiet_hours.MARKETING, zones=place.zones, state=place.state
    )


def _likeliest_first(zones: tuple[str, ...], account_zone: str) -> tuple[str, ...]:
    return (account_zone, *(zone for zone in zones if zone != account_zone)) if account_zone in zones else zones


@functools.cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_known(name: str) -> bool:
    if not name:
        return False
    if name in _zone_names():
        return True
    try:
        ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False
    return True
