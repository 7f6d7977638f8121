from __future__ import annotations

import functools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.country_packs import places, quiet_hours
from orchestrator.engine.country_packs.quiet_hours import next_allowed
from orchestrator.engine.timing import NoCommonWindowError

JERUSALEM = ("Asia/Jerusalem",)
COUNTRIES = ["IL", "RO", "DE", "US", "GB", "BR", "JP", ""]
ZONES = [
    "Asia/Jerusalem", "Europe/Bucharest", "Europe/London", "America/New_York", "America/Chicago", "America/Los_Angeles",
    "America/Sao_Paulo", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu",
    "Pacific/Auckland", "UTC",
]  # fmt: skip
STATES = ["", "FL", "TX", "RI", "CA"]
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=5 * 365)).map(lambda later: _FIRST + later)


def local(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone))  # type: ignore[misc, arg-type]


def opens(zone: str, *when: int, country: str = "IL", channel: str = "email", state: str = "") -> str:
    """When marketing may go that wants to go then, on the same wall."""
    at = next_allowed(
        local(zone, *when), zones=(zone,), country=country, channel=channel, purpose="MARKETING", state=state
    )
    return f"{at.astimezone(ZoneInfo(zone)):%a %m-%d %H:%M}"


@pytest.mark.parametrize(
    ("when", "then"),
    [
        ((2026, 11, 24, 20, 59), "Tue 11-24 20:59"),
        ((2026, 11, 24, 21, 0), "Wed 11-25 07:00"),
        ((2026, 11, 25, 6, 59), "Wed 11-25 07:00"),
        ((2026, 11, 27, 13, 59), "Fri 11-27 13:59"),
        ((2026, 11, 27, 14, 0), "Sun 11-29 07:00"),
        ((2026, 11, 28, 20, 59), "Sun 11-29 07:00"),
        # Yom Kippur 2026, a Monday, from its eve
        ((2026, 9, 20, 14, 0), "Tue 09-22 07:00"),
        # the new year 2026 is a Saturday and a Sunday
        ((2026, 9, 11, 14, 0), "Mon 09-14 07:00"),
    ],
)
def test_israel_rests_at_night_on_shabbat_and_on_feasts(when, then):
    assert opens("Asia/Jerusalem", *when) == then


def test_text_messages_keep_shorter_hours():
    assert opens("Asia/Jerusalem", 2026, 11, 24, 20, 0, channel="sms") == "Wed 11-25 09:00"
    assert opens("Europe/Bucharest", 2026, 11, 24, 8, 59, channel="sms", country="RO") == "Tue 11-24 09:00"


def test_shabbat_is_a_day_like_any_other_elsewhere():
    assert opens("Europe/Bucharest", 2026, 11, 28, 12, 0, country="RO") == "Sat 11-28 12:00"
    assert opens("Europe/Berlin", 2026, 11, 28, 12, 0, country="DE", channel="sms") == "Sat 11-28 12:00"


@pytest.mark.parametrize(
    ("state", "when", "then"),
    [
        ("TX", (2026, 11, 29, 11, 0), "Sun 11-29 12:00"),
        ("TX", (2026, 11, 28, 11, 0), "Sat 11-28 11:00"),
        ("RI", (2026, 11, 24, 18, 0), "Wed 11-25 09:00"),
        ("RI", (2026, 11, 28, 9, 0), "Sat 11-28 10:00"),
        ("RI", (2026, 11, 28, 17, 0), "Sun 11-29 10:00"),
        ("FL", (2026, 11, 24, 20, 0), "Wed 11-25 09:00"),
        ("CA", (2026, 11, 24, 19, 59), "Tue 11-24 19:59"),
    ],
)
def test_states_narrow_the_hours_of_text_messages(state, when, then):
    assert opens("America/New_York", *when, country="US", channel="sms", state=state) == then


# As the law has them, by weekday (Monday first): (from, until) in the wall clock of whoever is written to.
LAWS = {
    **dict.fromkeys(["FL", "MD", "OK", "NJ", "MS"], [(8, 20)] * 7),
    "CT": [(9, 20)] * 7,
    "TX": [(9, 21)] * 6 + [(12, 21)],
    "RI": [(9, 18)] * 5 + [(10, 17)] * 2,
}
HOMES = {
    "FL": ["America/New_York", "America/Chicago"], "MD": ["America/New_York"], "NJ": ["America/New_York"],
    "CT": ["America/New_York"], "RI": ["America/New_York"], "OK": ["America/Chicago"], "MS": ["America/Chicago"],
    "TX": ["America/Chicago", "America/Denver"],
}  # fmt: skip


def is_lawful(at: datetime, zone: str, state: str) -> bool:
    wall = at.astimezone(ZoneInfo(zone))
    start, end = LAWS[state][wall.weekday()]
    return start <= wall.hour < end and 8 <= wall.hour < 21


@given(at=MOMENTS, state=st.sampled_from(sorted(LAWS)), which=st.integers(0, 1), is_told=st.booleans())
def test_no_text_message_ever_leaves_inside_the_hours_a_state_forbids(at, state, which, is_told):
    """Whether the state is known or only the clock: then somebody of any state there may be meant."""
    zone = HOMES[state][which % len(HOMES[state])]
    found = next_allowed(
        at, zones=(zone,), country="US", channel="sms", purpose="MARKETING", state=state if is_told else ""
    )
    assert is_lawful(found, zone, state)


@given(at=MOMENTS, state=st.sampled_from(sorted(LAWS)), which=st.integers(0, 1))
def test_where_only_the_country_is_known_the_hours_of_every_state_hold_at_home(at, state, which):
    zone = HOMES[state][which % len(HOMES[state])]
    found = next_allowed(at, zones=places.zones_of("US"), country="US", channel="sms", purpose="MARKETING")
    assert is_lawful(found, zone, state)


@pytest.mark.parametrize(
    ("state", "zone", "wanted", "sent"),
    [
        # Both days the clock changes are Sundays: 12:00 in Texas is 17:00 UTC in summer, 18:00 in winter.
        ("TX", "America/Chicago", "2026-03-08T11:00", "2026-03-08T17:00"),
        ("TX", "America/Chicago", "2026-03-01T14:00", "2026-03-01T18:00"),
        ("TX", "America/Chicago", "2026-11-01T11:00", "2026-11-01T18:00"),
        ("TX", "America/Denver", "2026-11-01T11:00", "2026-11-01T19:00"),
        ("TX", "America/Chicago", "2026-11-29T01:59", "2026-11-29T01:59"),
        ("TX", "America/Chicago", "2026-11-29T02:00", "2026-11-29T18:00"),
        ("TX", "America/Chicago", "2026-11-30T01:59", "2026-11-30T01:59"),
        ("RI", "America/New_York", "2026-03-07T21:59", "2026-03-07T21:59"),
        ("RI", "America/New_York", "2026-03-07T22:00", "2026-03-08T14:00"),
        ("RI", "America/New_York", "2026-03-08T21:00", "2026-03-09T13:00"),
        ("RI", "America/New_York", "2026-10-31T21:00", "2026-11-01T15:00"),
        ("RI", "America/New_York", "2026-11-02T22:59", "2026-11-02T22:59"),
        ("RI", "America/New_York", "2026-11-02T23:00", "2026-11-03T14:00"),
        ("FL", "America/Chicago", "2026-11-25T01:59", "2026-11-25T01:59"),
        ("FL", "America/Chicago", "2026-11-25T02:00", "2026-11-25T15:00"),
        ("", "America/New_York", "2026-11-24T23:00", "2026-11-25T14:00"),
        ("", "America/Chicago", "2026-11-29T17:59", "2026-11-29T18:00"),
        ("", "America/Phoenix", "2026-11-29T17:59", "2026-11-29T17:59"),
    ],
)
def test_the_hours_of_the_states_are_exact(state, zone, wanted, sent):
    """Instants in UTC."""
    at = datetime.fromisoformat(wanted).replace(tzinfo=UTC)
    found = next_allowed(at, zones=(zone,), country="US", channel="sms", purpose="MARKETING", state=state)
    assert f"{found:%Y-%m-%dT%H:%M}" == sent


def test_every_state_with_hours_of_its_own_says_where_its_clocks_are():
    pack = quiet_hours.pack_of("US")
    assert set(pack.states) == set(pack.state_zones) == set(LAWS) == set(HOMES)
    assert {state: sorted(zones) for state, zones in pack.state_zones.items()} == {
        state: sorted(zones) for state, zones in HOMES.items()
    }
    assert len(set(pack.state_names.values())) == 51
    assert {zone for zones in pack.state_zones.values() for zone in zones} <= set(places.zones_of("US"))


def test_mail_knows_no_states():
    assert opens("America/New_York", 2026, 11, 24, 20, 0, country="US", state="RI") == "Tue 11-24 20:00"


def test_without_a_state_every_narrower_state_of_the_zone_holds():
    assert opens("America/New_York", 2026, 11, 24, 18, 0, country="US", channel="sms") == "Wed 11-25 09:00"
    assert opens("America/Chicago", 2026, 11, 29, 11, 0, country="US", channel="sms") == "Sun 11-29 12:00"
    assert opens("US/Eastern", 2026, 11, 24, 18, 0, country="US", channel="sms") == "Wed 11-25 09:00"
    assert opens("America/Los_Angeles", 2026, 11, 24, 18, 0, country="US", channel="sms") == "Tue 11-24 18:00"


@pytest.mark.parametrize(("text", "state"), [("tx", "TX"), ("Rhode Island", "RI"), ("Bavaria", ""), ("", "")])
def test_a_state_is_read_by_code_or_name(text, state):
    assert quiet_hours.read_state(country="US", text=text) == state


def test_other_countries_have_no_states():
    assert quiet_hours.read_state(country="RO", text="TX") == ""


def test_receipts_and_channels_that_wake_nobody_go_at_once():
    night = local("Asia/Jerusalem", 2026, 11, 28, 3)
    for channel, purpose in (("email", "TRANSACTIONAL"), ("in_app", "MARKETING"), ("csm_task", "MARKETING")):
        assert next_allowed(night, zones=JERUSALEM, country="IL", channel=channel, purpose=purpose) == night


def test_a_country_of_many_zones_is_written_to_when_all_of_it_is_awake():
    zones = places.zones_of("US")
    at = next_allowed(
        local("America/New_York", 2026, 11, 24, 9), zones=zones, country="US", channel="sms", purpose="MARKETING"
    )
    assert at == local("Pacific/Honolulu", 2026, 11, 24, 9)


def test_zones_that_never_wake_together_say_so():
    with pytest.raises(NoCommonWindowError):
        next_allowed(
            datetime(2026, 11, 24, tzinfo=UTC),
            zones=("Pacific/Auckland", "Europe/London"), country="", channel="sms", purpose="MARKETING",
        )  # fmt: skip


def test_the_hours_follow_the_clock_on_both_days_it_changes():
    # Israel: forward on Friday 27 March 2026, back on Sunday 25 October 2026, both at 02:00.
    for before, after in (((2026, 3, 26, 22), (2026, 3, 27, 7)), ((2026, 10, 24, 22), (2026, 10, 25, 7))):
        at = next_allowed(
            local("Asia/Jerusalem", *before), zones=JERUSALEM, country="IL", channel="email", purpose="MARKETING"
        )
        assert at == local("Asia/Jerusalem", *after)


def _is_allowed(at: datetime, zone: str, country: str, channel: str, state: str, zones: tuple[str, ...]) -> bool:
    rules = quiet_hours.hours_of(country=country, channel=channel, purpose="MARKETING", zones=zones, state=state)
    return all(rule.allows(at.astimezone(ZoneInfo(zone))) for rule in rules)


@given(
    at=MOMENTS,
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True).map(tuple),
    country=st.sampled_from(COUNTRIES),
    channel=st.sampled_from(["email", "sms"]),
    state=st.sampled_from(STATES),
)
def test_the_moment_is_never_earlier_allowed_everywhere_and_stays_itself(at, zones, country, channel, state):
    def ask(moment: datetime) -> datetime:
        return next_allowed(moment, zones=zones, country=country, channel=channel, purpose="MARKETING", state=state)

    try:
        found = ask(at)
    except NoCommonWindowError:
        return
    assert found >= at
    assert all(_is_allowed(found, zone, country, channel, state, zones) for zone in zones)
    assert ask(found) == found


@given(
    at=MOMENTS, zone=st.sampled_from(ZONES), country=st.sampled_from(COUNTRIES), share=st.floats(0, 1, exclude_max=True)
)
def test_nothing_in_between_was_allowed(at, zone, country, share):
    found = next_allowed(at, zones=(zone,), country=country, channel="email", purpose="MARKETING")
    between = at + share * (found - at)
    assert between == found or not _is_allowed(between, zone, country, "email", "", (zone,))


@given(
    zone=st.sampled_from([zone for zone in ZONES if zone != "UTC"]),
    year=st.integers(2026, 2030),
    which=st.integers(0, 1),
    minutes=st.integers(-26 * 60, 26 * 60),
)
def test_around_both_clock_changes_the_hours_are_those_on_the_wall(zone, year, which, minutes):
    changes = _changes(year, zone)
    if not changes:
        return
    at = changes[which % len(changes)] + timedelta(minutes=minutes)
    found = next_allowed(at, zones=(zone,), country="RO", channel="email", purpose="MARKETING")
    wall = found.astimezone(ZoneInfo(zone)).time()
    assert time(7) <= wall < time(21)
    assert found == at or wall == time(7)


@functools.cache
def _changes(year: int, zone: str) -> list[datetime]:
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(8760)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [at for at, before, after in zip(hours, offsets, offsets[1:], strict=False) if before != after]
