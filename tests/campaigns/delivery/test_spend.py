from __future__ import annotations

import itertools
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import override_settings

from campaigns.analytics import home
from campaigns.delivery import claim, dispatch, spend
from campaigns.delivery.models import DailySpend, Message
from orchestrator import clock
from orchestrator.channels.contract import Busy, Unclear
from orchestrator.channels.registry import outbox
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db

State, Reason = Message.State, Message.Reason
NUMBERS = itertools.count(1)
TEXT = {"en": {"text": "Close to the limit."}}


@pytest.fixture(autouse=True)
def sms(settings):
    settings.TWILIO_ACCOUNT_SID = ""
    settings.SMS_DAILY_SEGMENTS = 3
    box = outbox("sms")
    box.clear()
    yield box
    box.clear()


def texts(count, *, make=ReadyMessageFactory, **changes):
    shared = {
        "gate": SendGateFactory(),
        "template_version": TemplateVersionFactory(template__channel="sms", content=TEXT),
    } | changes
    numbers = (f"+97250{next(NUMBERS):07d}" for _ in range(count))
    return [
        make(channel="sms", contact__phone=number, point__topics={"offers": "GRANTED"}, **shared) for number in numbers
    ]


def send(now=NOW):
    claim.make_ready(now=now, wall_now=clock.wall_now())
    return dispatch.dispatch_due(channel="sms", now=now, worker="tests")


def states(messages):
    return [Message.objects.get(pk=one.pk).state for one in messages]


def test_no_more_segments_go_than_the_day_has_and_the_rest_waits_for_tomorrow(sms):
    messages = texts(5)

    send()

    assert len(sms.sent) == 3
    waiting = Message.objects.filter(state=State.PLANNED)
    assert {(one.reason, one.due_at) for one in waiting} == {
        (Reason.BUDGET_SPENT, datetime(2026, 11, 25, tzinfo=UTC)),
    }
    assert states(messages) == [State.ACCEPTED] * 3 + [State.PLANNED] * 2

    send(NOW + timedelta(days=1))
    assert states(messages) == [State.ACCEPTED] * 5


def test_what_cannot_wait_is_skipped_and_says_why():
    messages = texts(4, send_by=NOW + timedelta(hours=2))

    send()

    messages[3].refresh_from_db()
    assert (messages[3].state, messages[3].reason) == (State.SKIPPED, Reason.BUDGET_SPENT)


def test_a_budget_of_money_counts_the_price_of_each_numbers_country(settings, sms):
    settings.SMS_DAILY_SEGMENTS = 0
    settings.SMS_DAILY_SPEND = Decimal("0.50")
    settings.SMS_SEGMENT_PRICES = {"": Decimal("0.10"), "+972": Decimal("0.20"), "+9": Decimal("9")}

    texts(5)
    send()

    assert len(sms.sent) == 2
    assert DailySpend.objects.get().amount == Decimal("0.40")


@pytest.mark.parametrize(
    ("prices", "amount"),
    [({"+972": Decimal("0.05"), "+44": Decimal("0.30")}, Decimal("0.60")), ({}, Decimal("4"))],
    ids=["the highest price", "no price at all"],
)
def test_a_number_without_a_price_does_not_get_round_the_money(settings, prices, amount):
    settings.SMS_DAILY_SPEND = Decimal(1)
    settings.SMS_SEGMENT_PRICES = prices

    assert spend.cost_of(text="x" * 161, number="+12025550123") == spend.Cost(2, amount)


def test_what_certainly_did_not_go_gives_its_part_back(sms):
    texts(1)
    sms.misbehave(Busy("Later.", code="429"))

    send()

    assert DailySpend.objects.get().segments == 0


def test_what_may_have_gone_counts(sms):
    texts(1)
    sms.misbehave(Unclear("No answer.", code="500"))

    send()

    assert DailySpend.objects.get().segments == 1


def test_receipts_stop_too(sms):
    texts(5, purpose="TRANSACTIONAL")

    send()

    assert len(sms.sent) == 3


def test_without_a_budget_what_may_have_gone_is_counted_all_the_same(settings, sms):
    settings.SMS_DAILY_SEGMENTS = 0
    settings.SMS_SEGMENT_PRICES = {"": Decimal("0.10")}
    texts(5)
    sms.misbehave(Busy("Later.", code="429"), Unclear("No answer.", code="500"))

    send()

    day = DailySpend.objects.get()
    assert (day.segments, day.amount, day.stopped_at) == (4, Decimal("0.40"), None)


def test_without_a_budget_and_without_a_price_the_segments_are_counted(settings):
    settings.SMS_DAILY_SEGMENTS, settings.SMS_SEGMENT_PRICES = 0, {}
    texts(2)

    send()

    day = DailySpend.objects.get()
    assert (day.segments, day.amount) == (2, Decimal(0))


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Asia/Jerusalem", date(2026, 11, 25), datetime(2026, 11, 25, 22, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 24), datetime(2026, 11, 25, 5, tzinfo=UTC)),
    ],
)
def test_the_day_is_the_senders(settings, zone, day, begins):
    settings.SENDER_TIME_ZONE = zone
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)

    assert (spend.day_of(late), spend.next_day(late)) == (day, begins)


def test_the_home_page_says_that_the_budget_is_spent():
    texts(4)
    assert "SMS" not in " ".join(need.title for need in home.find_needs(now=NOW))

    send()

    assert any("SMS budget" in need.title for need in home.find_needs(now=NOW))
    assert not any("SMS budget" in need.title for need in home.find_needs(now=NOW + timedelta(days=1)))


@pytest.mark.django_db(transaction=True)
@override_settings(SMS_DAILY_SEGMENTS=20)
def test_eight_workers_never_spend_more_than_the_day_has(sms):
    texts(45)

    def work() -> None:
        send()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(sms.sent) == 20
    assert DailySpend.objects.get().segments == 20
    assert Message.objects.filter(state=State.PLANNED, reason=Reason.BUDGET_SPENT).count() == 25


def test_a_text_that_was_put_off_is_looked_at_again_when_its_day_comes():
    [message] = texts(1, make=MessageFactory, due_at=NOW)
    send(NOW)

    assert states([message]) == [State.ACCEPTED]
