"""Figures, dates and ages as people write them in their language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from campaigns.console.templatetags import console

NOW = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "currency", "language", "shown"),
    [
        (Decimal("5149.4"), "EUR", "en", "€5,149"),
        (Decimal("-640"), "EUR", "en", "−€640"),
        (Decimal("49.5"), "USD", "en", "$49.50"),
        (Decimal("1200"), "ILS", "he", "₪1,200"),
        (Decimal("449"), "RON", "en", "RON\u00a0449"),
    ],
)
def test_money_is_left_to_right_and_rounded_from_a_hundred_up(value, currency, language, shown):
    with translation.override(language):
        assert console.money(value, currency) == f'<bdi dir="ltr">{shown}</bdi>'


def test_a_missing_figure_is_a_dash():
    assert (console.money(None, "EUR"), console.percent(None), console.count(None), console.age(None, NOW)) == (
        "–",
    ) * 4


@pytest.mark.parametrize(("language", "shown"), [("en", "8.4\u00a0%"), ("he", "8.4%"), ("ro", "8,4\u00a0%")])
def test_percent_follows_the_language(language, shown):
    with translation.override(language):
        assert console.percent(0.084) == shown


@pytest.mark.parametrize(("language", "shown"), [("en", "12,480"), ("he", "12,480"), ("ro", "12.480")])
def test_thousands_stand_apart_in_every_language(language, shown):
    with translation.override(language):
        assert console.count(12_480) == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "Sunday, 22 November"), ("he", "יום ראשון, 22 בנובמבר"), ("ro", "duminică, 22 noiembrie")],
)
def test_the_day_is_written_out(language, shown):
    with translation.override(language):
        assert console.weekday(NOW) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(), "14:02"),
        (timedelta(days=4), "18 Nov"),
        (timedelta(days=400), "18 Oct 2025"),
    ],
)
def test_a_moment_is_a_time_today_and_a_day_before(ago, shown):
    assert console.moment(NOW - ago, NOW) == shown


def test_a_moment_is_told_in_the_readers_time_zone():
    with timezone.override("Asia/Jerusalem"):
        assert console.moment(NOW, NOW) == "16:02"


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=20), "less than a minute old"),
        (timedelta(minutes=1), "1 minute old"),
        (timedelta(minutes=119), "119 minutes old"),
        (timedelta(hours=3), "3 hours old"),
        (timedelta(days=3), "3 days old"),
    ],
)
def test_the_age_of_data_is_told_in_words(ago, shown):
    assert console.age(NOW - ago, NOW) == shown


@pytest.mark.parametrize(("share", "width"), [(0.862, "86.2%"), (None, "0.0%"), (1.7, "100.0%"), (-1, "0.0%")])
def test_a_bars_width_is_an_attribute_with_a_point(share, width):
    with translation.override("ro"):
        assert console.bar_width(share) == width


def test_icons_that_point_along_the_line_are_mirrored_and_marks_are_not():
    assert "icon-flip" in console.icon("undo")
    assert "icon-flip" not in console.icon("mark-a")
