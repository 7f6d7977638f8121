from __future__ import annotations

from datetime import date, timedelta

import pytest

from orchestrator.engine.country_packs import hebrew_year

# As the calendars of the country have them.
REST = {
    2025: "04-13 04-19 04-30 05-01 06-02 09-23 09-24 10-02 10-07 10-14",
    2026: "04-02 04-08 04-21 04-22 05-22 09-12 09-13 09-21 09-26 10-03",
    2027: "04-22 04-28 05-11 05-12 06-11 10-02 10-03 10-11 10-16 10-23",
    2028: "04-11 04-17 05-01 05-02 05-31 09-21 09-22 09-30 10-05 10-12",
    2029: "03-31 04-06 04-18 04-19 05-20 09-10 09-11 09-19 09-24 10-01",
    2030: "04-18 04-24 05-07 05-08 06-07 09-28 09-29 10-07 10-12 10-19",
}


@pytest.mark.parametrize(("year", "days"), REST.items())
def test_the_days_of_rest_are_those_of_the_calendar(year, days):
    assert sorted(f"{day:%m-%d}" for day in hebrew_year.rest_days(year)) == days.split()


@pytest.mark.parametrize(
    ("year", "first"),
    [(2020, "09-19"), (2021, "09-07"), (2022, "09-26"), (2023, "09-16"), (2024, "10-03")],
)
def test_the_year_begins_when_it_did(year, first):
    assert f"{hebrew_year.new_year(year):%m-%d}" == first


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2037, "03-31 04-06 04-20 04-21 05-20 09-10 09-11 09-19 09-24 10-01"),
        (2050, "04-07 04-13 04-26 04-27 05-27 09-17 09-18 09-26 10-01 10-08"),
        (2099, "04-05 04-11 04-22 04-23 05-25 09-15 09-16 09-24 09-29 10-06"),
    ],
)
def test_no_year_is_the_last_that_is_known(year, days):
    """Against a calendar computed by others: there is no table that could run out."""
    assert sorted(f"{day:%m-%d}" for day in hebrew_year.rest_days(year)) == days.split()


def test_every_year_has_its_ten_days_and_independence_is_never_beside_shabbat():
    for year in range(2026, 2300):
        days = sorted(hebrew_year.rest_days(year))
        assert len(days) == 10
        assert all(one.year == year for one in days)
        memorial, independence = days[2:4]
        assert (independence - memorial).days == 1
        assert independence.weekday() in (1, 2, 3)
        assert days[4] - days[0] == timedelta(days=50)


def test_the_year_never_begins_on_a_sunday_a_wednesday_or_a_friday():
    assert {hebrew_year.new_year(year).weekday() for year in range(1900, 2200)} == {0, 1, 3, 5}


def test_the_day_before_shabbat_and_before_a_feast_is_an_eve():
    eves = [date(2026, 11, 27), date(2026, 9, 20), date(2026, 4, 1)]
    assert all(hebrew_year.is_eve(day) and not hebrew_year.is_rest_day(day) for day in eves)
    assert not hebrew_year.is_eve(date(2026, 11, 26))
