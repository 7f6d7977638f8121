"""Why somebody left, on the contact's page: never more than they said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import opt_out
from tests.campaigns.console.contacts import page_of
from tests.campaigns.console.reading import words_of
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.sequences import account_near_limit, launched, market, reader
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]


@pytest.fixture
def left():
    """She left as one who said no; what she said is up to each story."""
    ConsentTopicFactory(name="Offers")
    market()
    contact = reader(account_near_limit(), phone="+972502345678")
    ContactPointFactory(contact=contact, channel="sms")
    enrolment = launched(holdout_percent=0).enrolments.get()
    enrolment.state, enrolment.exit_reason, enrolment.ended_at = "ENDED", "OPTED_OUT", NOW
    enrolment.save()
    return contact


def say_no(contact, channel, *, source="tests:stop", at=NOW - timedelta(hours=1), **fields):
    opt_out.opt_out(point_id=contact.points.get(channel=channel).pk, source=source, at=at, now=at, **fields)


@pytest.mark.parametrize(
    ("channel", "fields", "words"),
    [
        ("sms", {}, "Left Seats at 80 % . They said no to messages by SMS."),
        ("email", {}, "Left Seats at 80 % . They said no to messages by e-mail."),
        ("email", {"all_channels": True}, "Left Seats at 80 % . They said no to such messages."),
        ("sms", {"reason": "BOUNCED"}, "Left Seats at 80 % . What was sent to an address of theirs came back."),
    ],
    ids=["STOP", "unsubscribed from mail", "everywhere", "only dead"],
)
def test_who_left_is_told_to_have_said_what_they_said(marketer, left, channel, fields, words):
    say_no(left, channel, **fields)

    assert words in words_of(marketer.get(page_of(left)))


def test_a_no_beside_a_dead_number_is_told_as_one(marketer, left):
    say_no(left, "sms")
    say_no(left, "sms", reason="BOUNCED", source="tests:bounce")

    assert "They said no to messages by SMS." in words_of(marketer.get(page_of(left)))
