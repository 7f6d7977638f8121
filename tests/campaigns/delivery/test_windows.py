"""Quiet hours and send windows on a message's way: planned, come due, begun."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from campaigns.delivery import claim, dispatch, plan, windows
from campaigns.delivery.models import Message
from campaigns.delivery.plan import PlannedMessage
from campaigns.delivery.windows import Place
from orchestrator.channels.registry import outbox
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import MessageFactory, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory
from tests.factories.profiles import AccountFactory, ContactFactory

JERUSALEM = ZoneInfo("Asia/Jerusalem")
State = Message.State


def israel(*when: int) -> datetime:
    return datetime(*when, tzinfo=JERUSALEM)  # type: ignore[misc, arg-type]


EVENING = israel(2026, 11, 24, 21)
MORNING = israel(2026, 11, 25, 7)
FRIDAY, SUNDAY = israel(2026, 11, 27, 15), israel(2026, 11, 29, 7)


@pytest.fixture(autouse=True)
def quiet_hours(settings):
    settings.COMPLIANCE_QUIET_HOURS = True


def send(channel: str = "email", now: datetime = EVENING) -> None:
    dispatch.dispatch_due(channel=channel, now=now, worker="tests")


def fresh(message: Message) -> Message:
    message.refresh_from_db()
    return message


def planned(now: datetime, **changes) -> Message:
    contact = changes.pop("contact", None) or ContactFactory()
    values: dict[str, Any] = {
        "gate": SendGateFactory(),
        "contact": contact,
        "account": AccountFactory(),
        "point": ContactPointFactory(contact=contact),
        "template_version": TemplateVersionFactory(),
        "channel": "email",
        "locale": "en",
        "due_at": now,
        "dedupe_key": f"enrolment:{contact.pk}",
    }
    item = PlannedMessage(**(values | changes))
    return plan.plan_messages(items=[item], now=now)[0]


@pytest.mark.django_db
def test_a_message_planned_in_the_evening_is_due_in_the_morning():
    assert planned(EVENING).due_at == MORNING


@pytest.mark.django_db
def test_the_campaigns_window_and_quiet_hours_hold_together():
    gate = SendGateFactory(window_start=time(6), window_end=time(23))
    assert planned(israel(2026, 11, 24, 22), gate=gate).due_at == MORNING
    assert planned(israel(2026, 11, 24, 20, 59), gate=gate).due_at == israel(2026, 11, 24, 20, 59)


@pytest.mark.django_db
def test_a_receipt_is_due_at_night_too():
    assert planned(EVENING, purpose="TRANSACTIONAL").due_at == EVENING


@pytest.mark.django_db
def test_a_message_ready_before_nine_does_not_leave_after_it():
    message = ReadyMessageFactory(send_by=EVENING + timedelta(days=2))

    send()

    assert (fresh(message).state, message.reason, message.due_at) == (State.PLANNED, "", MORNING)
    assert not message.attempts.exists()


@pytest.mark.django_db
def test_a_minute_earlier_it_leaves():
    message = ReadyMessageFactory(send_by=EVENING + timedelta(days=2))

    send(now=EVENING - timedelta(minutes=1))

    assert fresh(message).state == State.ACCEPTED


@pytest.mark.django_db
def test_a_message_that_quiet_hours_would_make_too_late_expires_at_once():
    message = ReadyMessageFactory(send_by=MORNING - timedelta(minutes=1))

    send()

    assert fresh(message).state == State.EXPIRED


@pytest.mark.django_db
@pytest.mark.parametrize(("channel", "purpose"), [("email", "TRANSACTIONAL"), ("in_app", "MARKETING")])
def test_receipts_and_in_app_messages_keep_no_quiet_hours(channel, purpose):
    message = ReadyMessageFactory(channel=channel, purpose=purpose, point__topics={"offers": "GRANTED"})

    send(channel)

    assert fresh(message).state == State.ACCEPTED


@pytest.mark.django_db
@override_settings(COMPLIANCE_QUIET_HOURS=False)
def test_quiet_hours_can_be_switched_off():
    message = ReadyMessageFactory()

    send()

    assert fresh(message).state == State.ACCEPTED


@pytest.mark.django_db
def test_what_comes_due_on_shabbat_waits_for_sunday_elsewhere_it_goes():
    here = MessageFactory(due_at=FRIDAY, send_by=None)
    there = MessageFactory(due_at=FRIDAY, send_by=None, contact__country="RO", contact__time_zone="Europe/Bucharest")
    late = MessageFactory(due_at=FRIDAY, send_by=FRIDAY + timedelta(hours=24))

    counts = claim.make_ready(now=FRIDAY, wall_now=FRIDAY)

    assert counts == {"READY": 1, "LATER": 1, "EXPIRED": 1}
    assert (fresh(here).state, here.due_at) == (State.PLANNED, SUNDAY)
    assert (fresh(there).state, fresh(late).state) == (State.READY, State.EXPIRED)


@pytest.mark.django_db
def test_the_state_of_a_text_message_is_read_from_the_traits():
    def due(**traits: str) -> datetime:
        contact = ContactFactory(country="US", time_zone="America/Chicago", traits=traits)
        sunday = datetime(2026, 11, 29, 10, tzinfo=ZoneInfo("America/Chicago"))
        return planned(sunday, contact=contact, channel="sms").due_at.astimezone(ZoneInfo("America/Chicago"))

    assert due(state="Texas").time() == time(12)
    assert due(state="IL").time() == time(10)
    assert due().time() == time(12)


def at_place(**known: str) -> Place:
    given = {"contact_zone": "", "contact_country": "", "account_zone": "", "account_country": ""}
    return windows.place_of(**(given | known))


def test_the_contacts_own_zone_comes_first():
    place = at_place(contact_zone="Europe/Berlin", contact_country="IL", account_zone="UTC", account_country="RO")
    assert (place.zones, place.country) == (("Europe/Berlin",), "IL")


def test_without_a_zone_every_zone_of_the_contacts_country_counts():
    place = at_place(contact_country="Portugal", account_zone="Atlantic/Azores", account_country="IL")
    assert place.zones == ("Atlantic/Azores", "Europe/Lisbon", "Atlantic/Madeira")
    assert place.country == "PT"


def test_without_a_country_the_accounts_zone_counts_then_its_country_then_utc():
    assert at_place(account_zone="Asia/Tokyo", account_country="IL").zones == ("Asia/Tokyo",)
    assert at_place(account_country="IL") == Place(("Asia/Jerusalem",), "IL")
    assert at_place() == Place(("UTC",), "")


def test_a_zone_tells_the_country_before_the_account_does():
    assert at_place(contact_zone="Asia/Tel_Aviv", account_country="US").country == "IL"
    assert at_place(account_zone="Europe/Bucharest").country == "RO"


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "GMT", "EST"])
def test_a_clock_of_no_place_is_what_a_system_writes_that_does_not_know(zone):
    assert at_place(contact_zone=zone, contact_country="US").zones == at_place(contact_country="US").zones
    assert at_place(contact_zone=zone, account_zone="Asia/Jerusalem") == Place(("Asia/Jerusalem",), "IL")
    assert at_place(contact_zone=zone, account_zone=zone, account_country="IL") == Place(("Asia/Jerusalem",), "IL")
    assert at_place(contact_zone=zone) == Place((zone,), "")


def test_nobody_in_america_is_woken_because_their_zone_says_utc():
    place = at_place(contact_zone="UTC", contact_country="US")
    at = sendable(place, datetime(2026, 11, 24, 9, tzinfo=UTC))
    assert in_zone(at, "Pacific/Honolulu") == "11-24 09:00"


def test_the_state_is_the_contacts_and_the_accounts_only_where_nothing_else_is_known():
    new_york = {"contact_zone": "America/New_York", "account_country": "US"}
    assert at_place(**new_york, state="ri", account_state="California").state == "RI"
    assert at_place(**new_york, account_state="California").state == ""
    assert at_place(contact_country="US", account_state="California", account_country="US").state == ""
    assert at_place(account_zone="America/New_York", account_state="California").state == "CA"
    assert at_place(account_zone="America/New_York", state="Bavaria", account_state="Texas").state == "TX"


EVENING_IN_NEW_YORK = datetime(2026, 11, 24, 18, 30, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("traits", "account_traits", "is_sent"),
    [
        ({"state": "CA"}, {}, True),
        ({"state": "Rhode Island"}, {}, False),
        ({}, {}, False),
        ({}, {"state": "CA"}, False),
    ],
)
def test_a_text_message_come_due_keeps_the_hours_of_every_state_it_may_be_in(traits, account_traits, is_sent):
    now = EVENING_IN_NEW_YORK
    message = MessageFactory(
        channel="sms", due_at=now, send_by=None, contact__phone="+14015550123", contact__country="",
        contact__time_zone="America/New_York", contact__traits=traits, account__traits=account_traits,
    )  # fmt: skip

    claim.make_ready(now=now, wall_now=now)

    morning = datetime(2026, 11, 25, 9, tzinfo=ZoneInfo("America/New_York"))
    expected = (State.READY, now) if is_sent else (State.PLANNED, morning)
    assert (fresh(message).state, message.due_at) == expected


def test_a_zone_that_is_none_counts_as_unknown():
    assert at_place(contact_zone="Mars/Olympus", contact_country="IL").zones == ("Asia/Jerusalem",)


def sendable(place: Place, at: datetime, hours: tuple[int, int] | None = None, channel: str = "sms") -> datetime:
    start, end = (time(hours[0]), time(hours[1])) if hours else (None, None)
    return windows.next_sendable(at=at, start=start, end=end, place=place, channel=channel, purpose="MARKETING")


MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def in_zone(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}"


def test_a_window_holds_in_every_zone_of_the_country():
    at = sendable(at_place(contact_country="US"), datetime(2026, 11, 24, 14, tzinfo=UTC), (9, 20))
    assert in_zone(at, "Pacific/Honolulu") == "11-24 09:00"


def test_a_window_too_short_for_all_zones_holds_in_the_likeliest_and_quiet_hours_in_all():
    at = sendable(at_place(contact_country="US"), datetime(2026, 11, 24, 6, tzinfo=UTC), (12, 16))
    assert in_zone(at, "America/New_York") == "11-24 14:00"
    assert in_zone(at, "Pacific/Honolulu") == "11-24 09:00"


def test_a_mail_is_not_lost_for_a_window_that_leaves_somebody_asleep_but_a_text_message_does_not_go():
    place = at_place(contact_country="US", account_zone="America/Chicago")
    mail = sendable(place, MIDNIGHT, (9, 11), "email")
    assert in_zone(mail, "America/Chicago") == "11-24 09:00"
    assert sendable(place, MIDNIGHT, (9, 11)) == MIDNIGHT + windows.NOT_BEFORE


def test_a_window_that_lies_in_quiet_hours_never_opens():
    assert sendable(at_place(contact_country="IL"), MIDNIGHT, (21, 23)) == MIDNIGHT + windows.NOT_BEFORE
    opens: dict[str, Any] = {"channel": "sms", "purpose": "MARKETING", "now": MIDNIGHT}
    assert not windows.can_open(start=time(21), end=time(23), country="IL", **opens)
    assert windows.can_open(start=time(19), end=time(23), country="IL", **opens)
    assert windows.can_open(start=None, end=None, country="", **opens)


@pytest.mark.parametrize(
    ("clock", "left"),
    [((12, 0), 14400), ((16, 30), 12600), ((19, 59), 60), ((19, 59, 59), 1)],
    ids=["noon", "afternoon", "the last minute", "the last second"],
)
def test_a_text_may_ring_until_quiet_hours_begin_and_four_hours_at_most(clock, left):
    place = Place(("Asia/Jerusalem",), "IL")
    at = israel(2026, 11, 24, *clock)
    end = windows.seconds_left(at=at, place=place, channel="sms", purpose="MARKETING", most=14400)
    assert end == left


def test_a_receipt_may_ring_at_night():
    place = Place(("Asia/Jerusalem",), "IL")
    left = windows.seconds_left(at=EVENING, place=place, channel="sms", purpose="TRANSACTIONAL", most=14400)
    assert left == 14400


@pytest.mark.django_db
def test_a_text_begun_late_in_the_day_is_held_by_its_provider_no_longer_than_it_may_ring(settings):
    settings.TWILIO_ACCOUNT_SID = ""
    box = outbox("sms")
    box.clear()
    text = TemplateVersionFactory(template__channel="sms", content={"en": {"text": "Close to the limit."}})
    for number, country in (("+972501234567", "IL"), ("+972501234568", "RO")):
        ReadyMessageFactory(
            channel="sms",
            template_version=text,
            contact__phone=number,
            contact__country=country,
            purpose="MARKETING",
            contact__time_zone="Asia/Jerusalem" if country == "IL" else "Atlantic/Azores",
        )

    send("sms", israel(2026, 11, 24, 18, 59))

    assert {one.address: one.valid_s for one in box.sent} == {"+972501234567": 60 * 61 - 10, "+972501234568": None}
    box.clear()
