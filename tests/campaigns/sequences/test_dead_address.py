"""A dead address is no will: only its own channel is skipped. Who said no leaves, and keeps what they said yes to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import opt_out
from campaigns.delivery.models import Message
from campaigns.sequences.models import Enrolment, StepRun
from tests.factories import sequences as make
from tests.factories.consent import ContactPointFactory

pytestmark = pytest.mark.django_db

NOW = make.NOW
LATER = NOW + timedelta(days=2)
MAIL = make.DOCUMENT["steps"][0]


def text(key):
    said = {"en": {"text": "Hi. Reply STOP to opt out"}}
    return {"key": key, "kind": "MESSAGE", "channel": "sms", "variants": {"a": {"content": said}}}


def pause(key):
    return {"key": key, "kind": "WAIT", "for": "1d"}


@pytest.fixture
def texted():
    """An SMS went to her and failed; a mail follows after a day, and another SMS after that."""
    make.market()
    contact = make.reader(make.account_near_limit(), phone="+972502345678")
    point = ContactPointFactory(contact=contact, channel="sms")
    steps = [text("sms-1"), pause("one"), MAIL, pause("two"), text("sms-2")]
    make.launched(holdout_percent=None, steps=steps)
    Message.objects.update(state=Message.State.FAILED, reason="", ended_at=NOW)
    return point


def bounce(point):
    opt_out.opt_out(point_id=point.pk, reason="BOUNCED", source="twilio:21614", at=NOW, now=NOW)


def stop(point):
    opt_out.opt_out(point_id=point.pk, source="twilio:stop", at=NOW, now=NOW)


def ending():
    make.go_on(now=LATER)
    return Enrolment.objects.values_list("state", "exit_reason").get()


def test_a_dead_number_ends_nothing_and_the_mail_goes(texted):
    bounce(texted)

    assert ending()[0] == "OPEN"
    assert Message.objects.get(origin_step="mail-1").state == Message.State.PLANNED


def test_what_would_go_to_a_dead_number_is_passed_by_for_its_own_reason(texted):
    bounce(texted)
    make.go_on(now=LATER)
    Message.objects.filter(origin_step="mail-1").update(state=Message.State.ACCEPTED, accepted_at=LATER)
    make.go_on(now=LATER + timedelta(days=2))

    run = StepRun.objects.get(step_key="sms-2")
    assert (run.outcome, run.reason) == (StepRun.Outcome.SKIPPED, "SUPPRESSED")


def test_a_stop_ends_the_way_and_leaves_the_yes_to_mail(texted):
    stop(texted)

    assert ending() == ("ENDED", "OPTED_OUT")
    mailbox = texted.contact.points.get(channel="email")
    assert (mailbox.is_blocked, mailbox.topics) == (False, {"offers": "GRANTED"})


@pytest.mark.parametrize("order", [(bounce, stop), (stop, bounce)], ids=["dead first", "stop first"])
def test_who_said_no_leaves_though_the_number_is_dead_too(texted, order):
    for happens in order:
        happens(texted)

    assert ending() == ("ENDED", "OPTED_OUT")


@pytest.mark.parametrize("reason", ["COMPLAINED", "OBJECTED", "ERASED"])
def test_a_stronger_will_ends_it(texted, reason):
    opt_out.opt_out(point_id=texted.pk, reason=reason, source="tests", at=NOW, now=NOW)

    assert ending() == ("ENDED", "OPTED_OUT")
