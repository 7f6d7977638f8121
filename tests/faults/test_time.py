"""Time: both clock changes of twelve zones, quiet hours, leap day, and clocks that somebody sets."""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.delivery import claim, dispatch, reconcile
from campaigns.delivery.models import IntakeWatch, Message
from campaigns.operations import partitions
from orchestrator import clock
from orchestrator.engine import timing
from tests.campaigns.delivery.outside import provider
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory
from tests.factories.profiles import AccountFactory
from tests.scale import examples

pytestmark = pytest.mark.faults

State = Message.State
# The offsets, halves of hours, hemispheres and lengths of the jump that there are.
ZONES = (
    "Africa/Casablanca",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Bucharest",
    "Europe/Dublin",
    "Pacific/Chatham",
)
YEAR = 2027
JUMPS = [timedelta(hours=1), timedelta(days=1), -timedelta(hours=1), -timedelta(days=1)]


@functools.cache
def clock_changes(zone: str, year: int = YEAR) -> list[datetime]:
    """The hours (UTC) in which the offset of a zone changes in a year."""
    place = ZoneInfo(zone)
    hours = (datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(366 * 24))
    return [one for one, two in itertools.pairwise(hours) if offset(one, place) != offset(two, place)]


def offset(at: datetime, place: ZoneInfo) -> timedelta | None:
    return at.astimezone(place).utcoffset()


@pytest.fixture
def quiet(settings):
    settings.COMPLIANCE_QUIET_HOURS = True
    settings.FREQUENCY_CAPS = ()


def test_the_twelve_zones_change_their_clocks_twice():
    assert {zone: len(clock_changes(zone)) for zone in ZONES} == dict.fromkeys(ZONES, 2)


@pytest.mark.django_db
def test_over_both_clock_changes_nothing_is_sent_in_quiet_hours_and_everything_is_sent_once(quiet):
    """Messages come due all over the two days around a change, and are looked at then and a minute before."""
    gate, version = SendGateFactory(), TemplateVersionFactory()
    chance = random.Random(YEAR)
    runs: dict[datetime, list[Message]] = {}
    per_change = max(2, examples(0) // 24)
    for zone in ZONES:
        for change in clock_changes(zone):
            account = AccountFactory()
            for _ in range(per_change):
                due = change + timedelta(minutes=chance.randrange(-24 * 60, 24 * 60))
                message = MessageFactory(
                    gate=gate, template_version=version, account=account, due_at=due, send_by=None,
                    contact__time_zone=zone, contact__country="",
                )  # fmt: skip
                runs.setdefault(due, []).append(message)
    with provider() as service:
        for due in sorted(runs):
            at: datetime | None = due
            while at is not None:
                for moment in (at - timedelta(minutes=1), at):
                    claim.make_ready(now=moment, wall_now=clock.wall_now())
                    dispatch.dispatch_due(channel="email", now=moment, worker="tests")
                waiting = Message.objects.filter(pk__in=[one.pk for one in runs[due]], state=State.PLANNED)
                at = waiting.order_by("due_at").values_list("due_at", flat=True).first()

    sent = Message.objects.filter(state=State.ACCEPTED).select_related("contact")
    local = [one.accepted_at.astimezone(ZoneInfo(one.contact.time_zone)) for one in sent if one.accepted_at]
    asleep = [f"{at:%F %R %Z}" for at in local if not 7 <= at.hour < 21 or israel_rests(at)]
    assert asleep == []
    assert Counter(Message.objects.values_list("state", flat=True)) == {State.ACCEPTED: 24 * per_change}
    assert len(service.taken) == len({one.message_id for one in service.taken}) == 24 * per_change


def israel_rests(at: datetime) -> bool:
    is_there = getattr(at.tzinfo, "key", "") == "Asia/Jerusalem"
    return is_there and ((at.weekday() == 4 and at.hour >= 14) or at.weekday() == 5)


@settings(max_examples=examples(40), deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    which=st.integers(0, 1),
    hour=st.integers(0, 23),
    minute=st.sampled_from([0, 15, 30, 59]),
    year=st.integers(2025, 2032),
)
def test_a_daily_time_comes_once_on_every_day_around_a_clock_change(zone, which, hour, minute, year):
    changes = clock_changes(zone, year)
    change = changes[which % len(changes)]
    at, wanted = change - timedelta(days=2), time(hour, minute)
    slots = []
    while (slot := timing.next_local(at=at, clock=wanted, zone=zone)) < change + timedelta(days=2):
        slots.append(slot)
        at = slot + timedelta(microseconds=1)

    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in slots]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    # Off the wall's time only where the clock jumped over it.
    assert sum(slot.astimezone(ZoneInfo(zone)).time() != wanted for slot in slots) <= 1


@pytest.mark.parametrize("zone", ZONES)
def test_the_leap_day_is_a_day_like_any_other(zone):
    place = ZoneInfo(zone)
    before = datetime(2028, 2, 28, 12, tzinfo=place)
    slots = []
    for _ in range(3):
        slots.append(timing.next_local(at=before, clock=time(9), zone=zone))
        before = slots[-1] + timedelta(seconds=1)

    local = [slot.astimezone(place) for slot in slots]
    assert [at.date() for at in local] == [date(2028, 2, 29), date(2028, 3, 1), date(2028, 3, 2)]
    assert {at.hour for at in local} == {9}


@pytest.mark.django_db
def test_the_leap_day_lies_in_a_month_of_its_own_table():
    partitions.make_months(now=datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC), back=0, ahead=1)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO delivery_providerevent (received_at, provider, key, type, grade, at, reason, url)"
            " VALUES ('2028-02-29 23:59:59.999+00', 'test', '\\x01', 'DELIVERED', 'UNKNOWN', '2028-02-29', '', '')"
            " RETURNING tableoid::regclass::text")  # fmt: skip
        assert cursor.fetchone()[0] == "delivery_providerevent_2028_02"


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.CLAIMED, State.SENDING])
def test_days_of_business_time_end_no_lease(state):
    message = held(state)

    reconcile.reconcile(now=NOW + timedelta(days=400), wall_now=clock.wall_now())

    message.refresh_from_db()
    assert message.state == state


def held(state: str) -> Message:
    lease = clock.wall_now() + timedelta(seconds=30)
    return ReadyMessageFactory(state=state, attempt=1, lease_until=lease, claimed_by="tests")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jump", JUMPS)
def test_a_wall_clock_set_while_a_request_is_out_doubles_and_loses_nothing(monkeypatch, jump):
    """The reconciler goes by the new clock at once, the worker's lease was written by the old one."""
    message = ReadyMessageFactory(policy="AT_LEAST_ONCE")
    real = clock.wall_now

    def set_the_clock(_message: object) -> None:
        monkeypatch.setattr(clock, "wall_now", lambda: real() + jump)
        reconcile.reconcile(now=NOW, wall_now=clock.wall_now())

    with provider(set_the_clock) as service:
        dispatch.dispatch_due(channel="email", now=NOW, worker="tests")
        service.at_request.clear()
        for _ in range(2):
            reconcile.reconcile(now=NOW, wall_now=clock.wall_now())
            dispatch.dispatch_due(channel="email", now=NOW, worker="tests")

    message.refresh_from_db()
    assert (message.state, len(service.taken)) == (State.ACCEPTED, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("jump", JUMPS)
def test_a_wall_clock_that_was_set_gives_no_message_up_early(jump):
    """An unclear message has its whole window after the jump: of the time before it nobody knows how long it was."""
    start = clock.wall_now()
    for second in range(0, 60, 5):
        reconcile.reconcile(now=NOW, wall_now=start + timedelta(seconds=second))
    message = ReadyMessageFactory(state=State.UNKNOWN, attempt=1, unknown_at=start + timedelta(seconds=60))

    later = start + timedelta(seconds=60) + jump
    reconcile.reconcile(now=NOW, wall_now=later)

    message.refresh_from_db()
    assert message.state == State.UNKNOWN
    assert IntakeWatch.objects.get().since == later


@pytest.mark.django_db
def test_a_clock_set_back_does_not_hide_an_outage_of_the_intake():
    """Beats of the hour that comes twice must not stand for beats that never came."""
    start = clock.wall_now()
    reconcile.reconcile(now=NOW, wall_now=start + timedelta(hours=1))
    reconcile.reconcile(now=NOW, wall_now=start)

    after_an_outage = start + timedelta(minutes=10)
    reconcile.reconcile(now=NOW, wall_now=after_an_outage)

    assert IntakeWatch.objects.get().since == after_an_outage
