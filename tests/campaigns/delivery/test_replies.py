from __future__ import annotations

import pytest

from campaigns.consent import hold
from campaigns.consent.models import ContactPoint, DoubtfulReply
from campaigns.delivery import begin, claim, replies
from campaigns.delivery.models import Message
from orchestrator import clock
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory

pytestmark = pytest.mark.django_db


def doubt(message) -> DoubtfulReply:
    hold.hold(point_id=message.point_id, message=message.uuid, text="fed up", rule="en.tired", source="twilio", at=NOW)
    return DoubtfulReply.objects.get()


def send(message) -> tuple[str, str]:
    held = claim.claim_messages(channel="email", worker="w", wall_now=clock.wall_now(), size=5)
    begin.begin_send(held=held, topics={"offers": ConsentTopicFactory()}, now=NOW, wall_now=clock.wall_now())
    message.refresh_from_db()
    return message.state, message.reason


def test_what_is_ready_for_a_held_address_is_not_sent_and_says_why():
    message = ReadyMessageFactory()
    doubt(message)
    assert send(message) == (Message.State.SKIPPED, Message.Reason.HELD)


def test_a_reply_that_comes_while_a_worker_holds_the_message_is_in_time():
    message = ReadyMessageFactory()
    held = claim.claim_messages(channel="email", worker="w", wall_now=clock.wall_now(), size=5)
    doubt(message)
    verdicts = begin.begin_send(held=held, topics={"offers": ConsentTopicFactory()}, now=NOW, wall_now=clock.wall_now())
    assert verdicts[message.pk].reason == Message.Reason.HELD


def test_once_it_was_no_no_messages_go_again():
    message = ReadyMessageFactory()
    replies.decide_reply(reply_id=doubt(message).pk, is_out=False, by="maria", now=NOW)
    assert send(message) == (Message.State.SENDING, "")


def test_a_no_that_was_read_out_of_a_reply_is_a_cost_of_its_message():
    message = MessageFactory(state="ACCEPTED", accepted_at=NOW)
    replies.decide_reply(reply_id=doubt(message).pk, is_out=True, by="maria", now=NOW)
    message.refresh_from_db()
    assert message.unsubscribed_at == NOW
    assert ContactPoint.objects.get(pk=message.point_id).is_blocked


def test_a_message_that_is_no_longer_kept_is_no_hindrance():
    message = MessageFactory(state="ACCEPTED", accepted_at=NOW)
    reply = doubt(message)
    Message.objects.filter(pk=message.pk).delete()
    assert replies.decide_reply(reply_id=reply.pk, is_out=True, by="maria", now=NOW).state == "OUT"
