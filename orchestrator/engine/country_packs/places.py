"""Which zones a country has and which country a zone is in, from the tables of the IANA time zone database."""

from __future__ import annotations

import functools
from importlib import resources

# As sources write them beside the names of iso3166.tab.
_OTHER_NAMES = {
    "usa": "US", "u.s.": "US", "u.s.a.": "US", "united states of america": "US", "uk": "GB", "united kingdom": "GB",
    "great britain": "GB", "românia": "RO", "ישראל": "IL", "czech republic": "CZ", "deutschland": "DE",
}  # fmt: skip

# Names of a clock, not of a place, though the database leads them on to one (EST to Panama, CET to Brussels).
_CLOCKS = frozenset({"EST", "MST", "HST", "WET", "CET", "MET", "EET"})


def read_country(text: str) -> str:
    """ISO 3166, two letters, of a code or an English name; empty for what is neither."""
    known, by_name = _countries()
    asked = text.strip().casefold()
    return asked.upper() if asked.upper() in known else _OTHER_NAMES.get(asked) or by_name.get(asked, "")


def zones_of(country: str) -> tuple[str, ...]:
    """Of a country by its two letters, the one where most people live first; empty for an unknown country."""
    return _zones()[0].get(country, ())


def country_of(zone: str) -> str:
    """The country whose clock it is, of an old name that of its successor; empty for zones of no country (UTC, EST)."""
    if zone in _CLOCKS:
        return ""
    known = _zones()[1]
    return known.get(zone) or known.get(_successors().get(zone, ""), "")


def present_name(zone: str) -> str:
    """America/New_York for US/Eastern; a name in use stays as it is."""
    return zone if zone in _zones()[1] else _successors().get(zone, zone)


@functools.cache
def _zones() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    rows = [(line[0], line[2]) for line in _table("zone.tab")]
    by_country: dict[str, tuple[str, ...]] = {}
    for country, zone in rows:
        by_country[country] = (*by_country.get(country, ()), zone)
    return by_country, {zone: country for country, zone in rows}


@functools.cache
def _successors() -> dict[str, str]:
    lines = (line.split() for line in _text("tzdata.zi").splitlines() if line.startswith("L "))
    return {old: present for _mark, present, old in lines}


@functools.cache
def _countries() -> tuple[frozenset[str], dict[str, str]]:
    rows = _table("iso3166.tab")
    return frozenset(code for code, _name in rows), {name.casefold(): code for code, name in rows}


def _table(name: str) -> list[list[str]]:
    return [line.split("\t") for line in _text(name).splitlines() if line and not line.startswith("#")]


def _text(name: str) -> str:
    return (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
