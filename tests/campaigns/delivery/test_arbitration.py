from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.consent import opt_out
from campaigns.consent.models import ContactPoint
from campaigns.delivery import claim, dispatch, gates, objections, spend
from campaigns.delivery.arbitration import Contender
from campaigns.delivery.models import ChannelHealth, DailySpend, Message
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.contract import Refusal
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory, SendGateFactory
from tests.factories.profiles import AccountFactory, ContactFactory

pytestmark = pytest.mark.django_db

State, Reason = Message.State, Message.Reason
LOST = (State.SKIPPED, Reason.LOST_ARBITRATION)


@pytest.fixture(autouse=True)
def outbox(settings):
    settings.SENDGRID_API_KEY = ""
    box = registry.outbox("email")
    box.clear()
    yield box
    box.clear()


def send(now=NOW):
    claim.make_ready(now=now, wall_now=clock.wall_now())
    return dispatch.dispatch_due(channel="email", now=now, worker="tests")


def state_of(message):
    message.refresh_from_db()
    return message.state, message.reason


def offer(account, *, worth=100, make=ReadyMessageFactory, **changes):
    """Of a campaign of its own."""
    return make(account=account, expected_value=Decimal(worth), **changes)


def test_of_two_campaigns_the_one_that_is_worth_more_goes_and_the_other_says_to_whom_it_lost():
    account = AccountFactory()
    small, large = offer(account, worth=10), offer(account, worth=90)

    send()

    assert state_of(large) == (State.ACCEPTED, "")
    assert state_of(small) == LOST
    assert small.lost_to == large


def test_priority_weighs_the_value():
    account = AccountFactory()
    urgent, rich = offer(account, worth=10, priority=90), offer(account, worth=80, priority=10)

    send()

    assert state_of(urgent)[0] == State.ACCEPTED
    assert state_of(rich) == LOST


def test_among_equals_the_one_planned_first_goes():
    account = AccountFactory()
    first, second = offer(account), offer(account)

    send()

    assert (state_of(first)[0], state_of(second)) == (State.ACCEPTED, LOST)


def test_what_comes_due_within_the_window_is_waited_for():
    account = AccountFactory()
    small = offer(account, worth=10)
    large = offer(account, worth=90, make=MessageFactory, due_at=NOW + timedelta(minutes=14))

    send()
    assert state_of(small) == LOST
    assert state_of(large)[0] == State.PLANNED

    send(NOW + timedelta(minutes=14))
    assert state_of(large)[0] == State.ACCEPTED


def test_what_comes_due_later_than_the_window_is_no_rival():
    account = AccountFactory()
    small = offer(account, worth=10)
    offer(account, worth=90, make=MessageFactory, due_at=NOW + timedelta(minutes=16))

    send()

    assert state_of(small)[0] == State.ACCEPTED


def test_what_was_planned_only_after_the_other_had_gone_has_not_lost_but_waits_its_turn():
    account = AccountFactory()
    large = offer(account, worth=90)
    send()
    late = offer(account, worth=10, planned_at=NOW + timedelta(minutes=5), make=MessageFactory)

    send(NOW + timedelta(minutes=5))

    assert state_of(large)[0] == State.ACCEPTED
    assert state_of(late) == (State.PLANNED, Reason.CAPPED)


@pytest.mark.parametrize(
    "hindrance",
    [
        lambda rival: gates.pause_gate(slug=rival.gate.slug, now=NOW),
        lambda rival: opt_out.opt_out(point_id=rival.point_id, source="test", at=NOW, now=NOW),
        lambda rival: Message.objects.filter(pk=rival.pk).update(send_by=NOW - timedelta(minutes=1)),
        lambda rival: Message.objects.filter(pk=rival.pk).update(account_revision=7),
        lambda rival: Message.objects.filter(pk=rival.pk).update(state=State.SKIPPED, reason=Reason.CONVERTED),
    ],
    ids=["paused", "opted out", "too late", "facts changed", "skipped"],
)
def test_who_cannot_go_beats_nobody(hindrance):
    account = AccountFactory()
    small, large = offer(account, worth=10), offer(account, worth=90)
    hindrance(large)

    send()

    assert state_of(small)[0] == State.ACCEPTED


def test_a_rival_whose_offer_was_withdrawn_beats_nobody(monkeypatch):
    account = AccountFactory()
    small = offer(account, worth=10)
    large = offer(account, worth=90, make=MessageFactory, due_at=NOW + timedelta(minutes=10))
    monkeypatch.setattr(objections, "_asked", [lambda ids: dict.fromkeys(set(ids) & {large.pk}, "OFFER_WITHDRAWN")])

    send()

    assert state_of(small)[0] == State.ACCEPTED


def test_a_rival_whose_topic_was_withdrawn_beats_nobody():
    account = AccountFactory()
    small = offer(account, worth=10)
    large = offer(account, worth=90, make=MessageFactory, due_at=NOW + timedelta(minutes=10))
    ContactPoint.objects.filter(pk=large.point_id).update(topics={"offers": "WITHDRAWN"})

    send()

    assert state_of(small)[0] == State.ACCEPTED


def test_a_rival_whose_contact_has_had_enough_beats_nobody(settings):
    settings.FREQUENCY_CAPS = ({"days": 7, "messages": 1, "of": "contact"},)
    before = ReadyMessageFactory(account=AccountFactory())
    send()
    account, now = AccountFactory(), NOW + timedelta(hours=1)
    terms = {"send_by": now + timedelta(days=1)}
    small = offer(account, worth=10, due_at=now, **terms)
    same = {"contact": before.contact, "point": before.point}
    offer(account, worth=90, make=MessageFactory, due_at=now + timedelta(minutes=10), **same, **terms)

    send(now)

    assert state_of(small)[0] == State.ACCEPTED


def test_a_rival_whose_mailbox_has_had_enough_through_another_contact_beats_nobody(settings):
    settings.FREQUENCY_CAPS = ({"days": 7, "messages": 1, "of": "contact"},)
    before = ReadyMessageFactory(account=AccountFactory())
    send()
    account, now = AccountFactory(), NOW + timedelta(hours=1)
    terms = {"send_by": now + timedelta(days=1)}
    small = offer(account, worth=10, due_at=now, **terms)
    same = {"contact": ContactFactory(email=before.contact.email), "point": before.point}
    offer(account, worth=90, make=MessageFactory, due_at=now + timedelta(minutes=10), **same, **terms)

    send(now)

    assert state_of(small)[0] == State.ACCEPTED


@pytest.mark.parametrize("send_by", [NOW + timedelta(hours=2), None], ids=["never in time", "tomorrow"])
def test_a_rival_whose_hours_do_not_open_meanwhile_beats_nobody(send_by, settings):
    settings.CAMPAIGN_WINDOW = ""
    account, night = AccountFactory(), SendGateFactory(window_start=time(1), window_end=time(2))
    small = offer(account, worth=10)
    offer(account, worth=90, make=MessageFactory, gate=night, due_at=NOW + timedelta(minutes=10), send_by=send_by)

    send()

    assert state_of(small)[0] == State.ACCEPTED


def test_a_text_message_that_waits_for_tomorrows_money_beats_nobody(settings):
    settings.SMS_DAILY_SEGMENTS = 1
    DailySpend.objects.create(channel="sms", day=spend.day_of(NOW), segments=1, stopped_at=NOW)
    account = AccountFactory()
    small = offer(account, worth=10)
    Message.objects.filter(pk=offer(account, worth=90, make=MessageFactory, due_at=NOW).pk).update(channel="sms")

    send()

    assert state_of(small)[0] == State.ACCEPTED


def _text(account):
    rival = offer(account, worth=90)
    Message.objects.filter(pk=rival.pk).update(channel="sms")
    return rival


def _down(**said):
    ChannelHealth.objects.create(channel="sms", failures=50, code="500", **said)


@pytest.mark.parametrize(
    "rests",
    [
        lambda rival, wall_now: _down(opened_at=wall_now - timedelta(hours=2), probe_at=wall_now),
        lambda rival, wall_now: _down(paused_until=wall_now + timedelta(hours=1)),
        lambda rival, wall_now: Message.objects.filter(pk=rival.pk).update(next_at=wall_now + timedelta(hours=3)),
        lambda rival, wall_now: Message.objects.filter(pk=rival.pk).update(
            state=State.CLAIMED, taken_back=Reason.CONVERTED, lease_until=wall_now + timedelta(seconds=30)
        ),
    ],
    ids=["breaker open", "provider wants a rest", "next try too late", "taken back"],
)
def test_a_rival_that_waits_for_its_provider_beats_nobody(rests):
    account = AccountFactory()
    small, large = offer(account, worth=10), _text(account)
    rests(large, clock.wall_now())

    send()

    assert state_of(small)[0] == State.ACCEPTED
    assert state_of(large)[0] in (State.READY, State.CLAIMED)


@pytest.mark.parametrize(
    "rests",
    [
        lambda rival, wall_now: _down(paused_until=wall_now + timedelta(minutes=2)),
        lambda rival, wall_now: Message.objects.filter(pk=rival.pk).update(next_at=wall_now + timedelta(minutes=2)),
        lambda rival, wall_now: ChannelHealth.objects.create(channel="email", opened_at=None, failures=3),
    ],
    ids=["a short rest", "next try in time", "another channel"],
)
def test_a_rival_that_can_go_within_the_window_is_waited_for(rests):
    account = AccountFactory()
    small, large = offer(account, worth=10), _text(account)
    rests(large, clock.wall_now())

    send()

    assert state_of(small) == LOST


def test_messages_of_one_campaign_are_no_rivals(settings):
    settings.FREQUENCY_CAPS = ({"days": 1, "messages": 5},)
    account, gate = AccountFactory(), SendGateFactory()
    messages = [offer(account, worth=worth, gate=gate) for worth in (10, 90)]

    send()

    assert [state_of(one)[0] for one in messages] == [State.ACCEPTED] * 2


def test_other_accounts_are_no_rivals():
    messages = [offer(AccountFactory(), worth=worth) for worth in (10, 90)]

    send()

    assert [state_of(one)[0] for one in messages] == [State.ACCEPTED] * 2


def test_a_receipt_takes_no_part():
    account = AccountFactory()
    receipt = offer(account, worth=1, purpose="TRANSACTIONAL")
    small = offer(account, worth=10)

    send()

    assert [state_of(one)[0] for one in (receipt, small)] == [State.ACCEPTED] * 2


def test_losers_may_be_put_off_instead(settings):
    settings.ARBITRATION_LOSERS = "defer"
    account = AccountFactory()
    small, large = offer(account, worth=10), offer(account, worth=90)

    send()

    assert state_of(large)[0] == State.ACCEPTED
    assert state_of(small) == (State.PLANNED, Reason.LOST_ARBITRATION)
    assert (small.due_at, small.lost_to) == (NOW + timedelta(minutes=15), large)

    send(NOW + timedelta(minutes=15))
    assert state_of(small) == (State.PLANNED, Reason.CAPPED)

    send(NOW + timedelta(days=1))
    assert state_of(small) == (State.ACCEPTED, "")
    assert small.lost_to is None


def test_a_loser_that_cannot_wait_is_skipped(settings):
    settings.ARBITRATION_LOSERS = "defer"
    account = AccountFactory()
    small = offer(account, worth=10, send_by=NOW + timedelta(minutes=10))
    offer(account, worth=90)

    send()

    assert state_of(small) == LOST


def test_without_a_window_nobody_loses(settings):
    settings.ARBITRATION_WINDOW_MIN = 0
    settings.FREQUENCY_CAPS = ()
    account = AccountFactory()
    messages = [offer(account, worth=worth) for worth in (10, 90)]

    send()

    assert [state_of(one)[0] for one in messages] == [State.ACCEPTED] * 2


def test_what_makes_no_offer_has_a_worth_of_its_own(settings):
    settings.ARBITRATION_DEFAULT_VALUE = Decimal(40)
    account = AccountFactory()
    plain, small = offer(account, worth=0), offer(account, worth=10)

    send()

    assert (state_of(plain)[0], state_of(small)) == (State.ACCEPTED, LOST)


def test_a_winner_that_was_refused_takes_nothing_from_who_comes_next(outbox):
    """Its attention is given back with the refusal."""
    account = AccountFactory()
    large = offer(account, worth=90)
    outbox.misbehave(Refusal("No.", code="400"))
    send()
    small = offer(account, worth=10, make=MessageFactory)

    send()

    assert state_of(large)[0] == State.FAILED
    assert state_of(small)[0] == State.ACCEPTED


@given(st.lists(st.decimals(0, 1000, places=2), min_size=1, max_size=8))
def test_of_any_contenders_exactly_one_is_beaten_by_none(worths):
    contenders = [Contender(number, number, worth) for number, worth in enumerate(worths)]

    unbeaten = [one for one in contenders if not any(rival.beats(one) for rival in contenders)]

    assert len(unbeaten) == 1
    assert unbeaten[0].worth == max(worths)
