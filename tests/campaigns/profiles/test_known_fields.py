from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.profiles import known_fields


@pytest.mark.parametrize(
    ("name", "value", "country", "stored"),
    [
        ("email", " Noa@Acme.Example ", "", "noa@acme.example"),
        ("phone", "+40 721 234 567", "", "+40721234567"),
        ("phone", "052-1234567", "il", "+972521234567"),
        ("time_zone", "asia_slash_jerusalem", "", "Asia/Jerusalem"),
        ("domain", "http://www.Acme.example/x", "", "acme.example"),
        ("domain", "acme.example", "", "acme.example"),
        ("created_at", "2026-03-01", "", datetime(2026, 3, 1, tzinfo=UTC)),
        ("created_at", 1_772_323_200, "", datetime(2026, 3, 1, tzinfo=UTC)),
        ("created_at", 1_772_323_200_000, "", datetime(2026, 3, 1, tzinfo=UTC)),
        ("name", 42, "", "42"),
        ("name", None, "", ""),
        ("created_at", None, "", None),
    ],
)
def test_a_value_becomes_what_the_field_stores(name, value, country, stored):
    assert known_fields.read_field(name, value, country=country) == stored


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "a@b"),
        ("phone", "0521234567"),
        ("country", "x" * 61),
        ("name", ["x"]),
        ("domain", "https://"),
        ("locale", 5),
    ],
)
def test_other_values_are_no_field(name, value):
    with pytest.raises(known_fields.NotAFieldError):
        known_fields.read_field(name, value)


@given(
    name=st.sampled_from(["email", "phone", "domain", "time_zone", "created_at", "locale", "country", "name"]),
    value=st.text() | st.floats() | st.integers() | st.booleans() | st.lists(st.text()),
    country=st.text(max_size=3),
)
def test_whatever_comes_it_is_read_or_refused(name, value, country):
    with contextlib.suppress(known_fields.NotAFieldError):
        known_fields.read_field(name, value, country=country)
