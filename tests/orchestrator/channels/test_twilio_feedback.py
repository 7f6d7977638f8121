from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.channels.events import EventType, RejectReason
from orchestrator.channels.twilio import feedback, inbound
from orchestrator.webhooks.errors import Unreadable

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MESSAGE = "5f0c5f4e-6a52-4f0b-8f0e-0a4b8ad1c001"
SID = "SM" + "1" * 32


def parsed(message_id=MESSAGE, **fields):
    body = {"MessageSid": SID, "MessageStatus": "delivered", "To": "+972501234567", "From": "+15005550006"} | fields
    return feedback.parse_status(urlencode(body).encode(), message_id=message_id, at=NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("queued", EventType.PROCESSED),
        ("sending", EventType.PROCESSED),
        ("sent", EventType.PROCESSED),
        ("delivered", EventType.DELIVERED),
        ("read", EventType.OPENED),
        ("undelivered", EventType.BLOCKED),
        ("failed", EventType.DROPPED),
        ("canceled", EventType.DROPPED),
        ("teleported", EventType.UNKNOWN),
    ],
)
def test_a_status_in_our_words(status, kind):
    event = parsed(MessageStatus=status)
    assert (event.type, event.message_id, event.address) == (kind, UUID(MESSAGE), "+972501234567")
    assert (event.at, event.channel, event.provider_id, event.reject) == (NOW, "sms", SID, None)


@pytest.mark.parametrize(
    ("status", "code", "kind", "reject"),
    [
        ("undelivered", 30003, EventType.BLOCKED, None),
        ("undelivered", 30004, EventType.BLOCKED, RejectReason.OPTED_OUT),
        ("undelivered", 30005, EventType.BOUNCED, RejectReason.BAD_ADDRESS),
        ("undelivered", 30006, EventType.BOUNCED, RejectReason.BAD_ADDRESS),
        ("undelivered", 30007, EventType.BLOCKED, None),
        ("undelivered", 30008, EventType.BLOCKED, None),
        ("failed", 30036, EventType.DROPPED, None),
        ("failed", 21610, EventType.DROPPED, RejectReason.OPTED_OUT),
        ("failed", 21614, EventType.BOUNCED, RejectReason.BAD_ADDRESS),
    ],
)
def test_the_error_code_says_what_becomes_of_the_number(status, code, kind, reject):
    event = parsed(MessageStatus=status, ErrorCode=str(code))
    assert (event.type, event.reject, event.code, event.reason) == (kind, reject, str(code), f"{status} {code}")


def test_an_error_code_of_a_status_that_is_no_failure_counts_for_nothing():
    assert parsed(ErrorCode="30005").reject is None


def test_the_same_status_has_the_same_key_whatever_comes_with_it():
    assert parsed().key == parsed(RawDlrDoneDate="2611241000", ApiVersion="2010-04-01").key
    assert len({parsed().key, parsed(MessageStatus="sent").key, parsed(MessageSid="SM2").key}) == 3


def test_the_old_names_are_read_too():
    body = urlencode({"SmsSid": SID, "SmsStatus": "sent"}).encode()
    assert feedback.parse_status(body, message_id=MESSAGE, at=NOW).type is EventType.PROCESSED


@pytest.mark.parametrize("changes", [{"MessageSid": ""}, {"MessageStatus": ""}, {"message_id": "not-a-uuid"}])
def test_a_callback_about_nothing_is_unreadable(changes):
    with pytest.raises(Unreadable):
        parsed(**changes)


@given(st.binary(max_size=200))
def test_no_body_breaks_it(body):
    for read in (lambda: feedback.parse_status(body, message_id=MESSAGE, at=NOW), lambda: inbound.parse_incoming(body)):
        try:
            read()
        except Unreadable:
            continue


def test_an_incoming_text_is_read():
    body = urlencode({"MessageSid": SID, "From": "+40712345678", "To": "+1500", "Body": "Da, vă rog\x00"}).encode()
    text = inbound.parse_incoming(body)
    assert (text.sid, text.sender, text.text, text.opt_out_type) == (SID, "+40712345678", "Da, vă rog�", "")
    assert "712345678" not in repr(text)


@pytest.mark.parametrize(
    ("fields", "answered"),
    [
        ({"Body": " stop "}, True),
        ({"Body": "Start"}, True),
        ({"Body": "הסר"}, False),
        ({"Body": "HELP"}, False),
        ({"Body": "הסר", "OptOutType": "STOP"}, True),
        ({"Body": "HELP", "OptOutType": "HELP"}, True),
        ({"Body": "hello"}, False),
    ],
)
def test_what_twilio_answers_by_itself_is_not_answered_again(fields, answered):
    body = urlencode({"MessageSid": SID, "From": "+40712345678"} | fields).encode()
    assert inbound.parse_incoming(body).is_answered is answered


def test_an_odd_opt_out_type_means_nothing():
    body = urlencode({"MessageSid": SID, "From": "+1", "OptOutType": "MAYBE"}).encode()
    assert inbound.parse_incoming(body).opt_out_type == ""


@pytest.mark.parametrize("fields", [{"From": "+1"}, {"MessageSid": SID}])
def test_a_text_from_nobody_is_unreadable(fields):
    with pytest.raises(Unreadable):
        inbound.parse_incoming(urlencode(fields).encode())


def test_the_answer_is_twiml():
    root = ElementTree.fromstring(inbound.answer("A & B <c>"))
    assert root.tag == "Response"
    assert [message.text for message in root] == ["A & B <c>"]
    assert len(ElementTree.fromstring(inbound.answer())) == 0
