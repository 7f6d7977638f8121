"""Which pack holds for somebody, and when marketing may reach them by it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime

from orchestrator.engine import timing
from orchestrator.engine.country_packs import elsewhere, europe, israel, places, romania, united_states
from orchestrator.engine.country_packs.pack import CountryPack, Hours

MARKETING = "MARKETING"

_PACKS = {pack.code: pack for pack in (israel.PACK, romania.PACK, united_states.PACK)}
# All there are, by their own codes; those of the Union and of everywhere else are no countries'.
BY_CODE = {**_PACKS, europe.PACK.code: europe.PACK, elsewhere.PACK.code: elsewhere.PACK}


def pack_of(country: str) -> CountryPack:
    """By two letters; the Union's for its members, the shipped hours for everybody else."""
    if country in _PACKS:
        return _PACKS[country]
    return europe.PACK if country in europe.MEMBERS else elsewhere.PACK


def read_state(*, country: str, text: str) -> str:
    """Two letters of a state's code or English name; empty for what is neither, and for countries without states."""
    names = pack_of(country).state_names
    asked = text.strip()
    return asked.upper() if asked.upper() in names.values() else names.get(asked.casefold(), "")


@functools.lru_cache(maxsize=2048)
def hours_of(*, country: str, channel: str, purpose: str, zones: tuple[str, ...], state: str = "") -> tuple[Hours, ...]:
    """All that must allow a moment; none for receipts and for channels that wake nobody.

    `state` has two letters. Unknown, the hours of every state that keeps narrower ones in these zones hold as well.
    """
    pack = pack_of(country)
    if purpose != MARKETING or channel not in pack.hours:
        return ()
    states = [state] if state else _plausible(pack, zones)
    narrower = [pack.states[one][channel] for one in states if channel in pack.states.get(one, {})]
    return tuple(dict.fromkeys([pack.hours[channel], *narrower]))


def next_allowed(
    at: datetime, *, zones: tuple[str, ...], country: str, channel: str, purpose: str, state: str = ""
) -> datetime:
    """The earliest instant ≥ `at`, in UTC, that is outside quiet hours in EVERY zone named (IANA; without any, UTC).

    `country` has two letters. What is no marketing may go at once. Raises NoCommonWindowError where the zones lie too
    far apart.
    """
    rules = hours_of(country=country, channel=channel, purpose=purpose, zones=zones, state=state)
    return timing.next_open(at=at, rules=rules, zones=zones)


def _plausible(pack: CountryPack, zones: Iterable[str]) -> Iterable[str]:
    present = {places.present_name(zone) for zone in zones}
    return [state for state, where in pack.state_zones.items() if not where.isdisjoint(present)]
