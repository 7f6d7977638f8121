from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery import claim, plan, windows
from campaigns.delivery.models import Message, TrackedLink
from campaigns.delivery.plan import PlannedMessage
from campaigns.delivery.windows import Place
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import NOW, MessageFactory, SendGateFactory, TemplateVersionFactory
from tests.factories.profiles import AccountFactory, ContactFactory

ZONES = [
    "Asia/Jerusalem",
    "Europe/Bucharest",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "America/Santiago",
    "Europe/London",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/St_Johns",
    "UTC",
]


def opens_at(*, at: datetime, start: time, end: time, zone: str) -> datetime:
    return windows.next_sendable(
        at=at, start=start, end=end, place=Place((zone,)), channel="email", purpose="MARKETING"
    )


def planned(**changes):
    contact = changes.pop("contact", None) or ContactFactory()
    wanted: dict[str, Any] = {
        "gate": SendGateFactory(),
        "contact": contact,
        "account": AccountFactory(),
        "point": ContactPointFactory(contact=contact),
        "template_version": TemplateVersionFactory(),
        "channel": "email",
        "locale": "en",
        "due_at": NOW,
        "dedupe_key": f"enrolment:{contact.pk}",
    } | changes
    return PlannedMessage(**wanted)


@pytest.mark.django_db
def test_messages_come_back_in_the_order_they_were_asked_for():
    items = [planned(), planned(), planned()]

    messages = plan.plan_messages(items=items, now=NOW)

    assert [one.dedupe_key for one in messages] == [one.dedupe_key for one in items]
    assert {one.state for one in messages} == {Message.State.PLANNED}


@pytest.mark.django_db
def test_planning_the_same_again_gives_the_message_that_is_there():
    item = planned()
    first = plan.plan_messages(items=[item], now=NOW)

    assert plan.plan_messages(items=[item], now=NOW) == first
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_an_offer_gets_its_tracked_link():
    item = planned(context={"offer_url": "http://127.0.0.1:8000/o/token"})

    messages = plan.plan_messages(items=[item], now=NOW)

    link = TrackedLink.objects.get(message=messages[0])
    assert (link.kind, link.target) == ("offer", "http://127.0.0.1:8000/o/token")


@pytest.mark.django_db
def test_a_time_outside_the_window_moves_to_where_it_opens_for_the_contact():
    gate = SendGateFactory(window_start=time(9), window_end=time(11))
    item = planned(gate=gate, contact=ContactFactory(time_zone="Asia/Jerusalem"))

    messages = plan.plan_messages(items=[item], now=NOW)

    assert messages[0].due_at.astimezone(ZoneInfo("Asia/Jerusalem")).time() == time(9)


@pytest.mark.django_db
def test_the_account_zone_stands_in_for_a_contact_without_one():
    gate = SendGateFactory(window_start=time(9), window_end=time(11))
    item = planned(
        gate=gate, contact=ContactFactory(time_zone="", country=""), account=AccountFactory(time_zone="Asia/Tokyo")
    )

    messages = plan.plan_messages(items=[item], now=NOW)

    assert messages[0].due_at.astimezone(ZoneInfo("Asia/Tokyo")).time() == time(9)


@pytest.mark.django_db
def test_only_what_nobody_has_in_hand_is_taken_back():
    waiting, gone = MessageFactory(), MessageFactory(state="SENDING", lease_until=NOW, attempt=1)

    assert plan.skip_messages(message_ids=[waiting.pk, gone.pk], reason="CONVERTED", now=NOW) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("SKIPPED", "CONVERTED")


@pytest.mark.django_db
def test_due_messages_become_ready_and_late_ones_expire():
    due = MessageFactory(due_at=NOW)
    future = MessageFactory(due_at=NOW + timedelta(seconds=1))
    late = MessageFactory(due_at=NOW - timedelta(days=1), send_by=NOW - timedelta(seconds=1))

    counts = claim.make_ready(now=NOW, wall_now=NOW)

    states = dict(Message.objects.values_list("pk", "state"))
    assert states == {due.pk: "READY", future.pk: "PLANNED", late.pk: "EXPIRED"}
    assert dict(counts) == {"READY": 1, "LATER": 0, "EXPIRED": 1}


@pytest.mark.django_db
def test_a_window_that_changed_after_planning_still_holds():
    message = MessageFactory(
        gate__window_start=time(14),
        gate__window_end=time(16),
        contact__time_zone="Europe/London",
        contact__country="GB",
    )

    claim.make_ready(now=NOW, wall_now=NOW)

    message.refresh_from_db()
    assert (message.state, message.due_at) == ("PLANNED", NOW.replace(hour=14))


@given(
    zone=st.sampled_from(ZONES),
    minutes=st.integers(min_value=0, max_value=2 * 366 * 24 * 60),
    start=st.integers(min_value=0, max_value=21),
    length=st.integers(min_value=1, max_value=2),
)
def test_what_a_window_allows_lies_in_it_on_the_contacts_own_clock(zone, minutes, start, length):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    opens = opens_at(at=at, start=time(start), end=time(start + length), zone=zone)

    local = opens.astimezone(ZoneInfo(zone)).time()
    assert time(start) <= local < time(start + length)
    assert opens >= at


@pytest.mark.parametrize(("month", "day"), [(3, 27), (10, 25)])
def test_a_daily_window_opens_once_on_days_when_the_clock_changes(month, day):
    zone = ZoneInfo("Asia/Jerusalem")
    midnight = datetime(2026, month, day, tzinfo=zone).astimezone(UTC)
    moments = [midnight + timedelta(minutes=10 * n) for n in range(6 * 18)]

    openings = {opens_at(at=at, start=time(9), end=time(20), zone="Asia/Jerusalem") for at in moments}

    assert len([one for one in openings if one.astimezone(zone).time() == time(9)]) == 1
    assert all(time(9) <= one.astimezone(zone).time() < time(20) for one in openings)


@override_settings(CAMPAIGN_WINDOW="always")
def test_the_window_can_be_switched_off():
    assert opens_at(at=NOW, start=time(1), end=time(2), zone="UTC") == NOW
