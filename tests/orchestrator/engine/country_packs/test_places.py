from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from orchestrator.engine.country_packs import places


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("IL", "IL"),
        ("il", "IL"),
        (" Israel ", "IL"),
        ("Romania", "RO"),
        ("United States", "US"),
        ("USA", "US"),
        ("United Kingdom", "GB"),
        ("Atlantis", ""),
        ("", ""),
        ("XX", ""),
    ],
)
def test_a_country_is_read_as_sources_write_it(written, code):
    assert places.read_country(written) == code


def test_the_zones_of_a_country_begin_with_the_one_of_most_people():
    assert places.zones_of("US")[0] == "America/New_York"
    assert {"Pacific/Honolulu", "America/Anchorage"} < set(places.zones_of("US"))
    assert places.zones_of("IL") == ("Asia/Jerusalem",)
    assert places.zones_of("XX") == ()


def test_every_zone_of_every_country_exists():
    assert all(ZoneInfo(zone) for country in ("US", "RU", "AU", "BR", "CA", "FR") for zone in places.zones_of(country))


@pytest.mark.parametrize(
    ("zone", "country"),
    [("Asia/Jerusalem", "IL"), ("Asia/Tel_Aviv", "IL"), ("US/Eastern", "US"), ("UTC", ""), ("Mars/Olympus", "")],
)
def test_the_country_of_a_zone_is_known_by_its_old_names_too(zone, country):
    assert places.country_of(zone) == country


@pytest.mark.parametrize("zone", ["UTC", "GMT", "Etc/UTC", "Etc/GMT+5", "EST", "MST", "HST", "CET", "EET", "EST5EDT"])
def test_a_clock_of_no_place_has_no_country(zone):
    """The database leads EST on to Panama and CET to Brussels; whoever writes them means neither."""
    assert places.country_of(zone) == ""
