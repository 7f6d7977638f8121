from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentRecord, ContactPoint
from tests.factories.consent import ContactPointFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
STOPS = {"twilio:stop", "twilio:21610"}


def granted_point(*topics):
    point = ContactPointFactory(channel="sms", contact__phone="+972501234567", topics={})
    for topic in topics:
        opt_out.opt_in(point_id=point.pk, topic=topic, source="form", at=NOW, now=NOW)
    return point


def say_no(point, source="twilio:stop", **changes):
    opt_out.opt_out(**{"point_id": point.pk, "source": source, "at": NOW, "now": NOW} | changes)


def start(point):
    given = opt_out.restore(point_id=point.pk, taken_by=STOPS, source="twilio:start", at=LATER, now=LATER)
    point.refresh_from_db()
    return given


@pytest.mark.parametrize("source", sorted(STOPS))
def test_start_gives_back_what_stop_took(source):
    point = granted_point("offers")
    say_no(point, source)

    assert start(point)

    assert (point.is_blocked, point.reason, point.topics) == (False, "", {"offers": "GRANTED"})
    newest = ConsentRecord.objects.latest("pk")
    assert (newest.topic, newest.state, newest.source, newest.at) == ("offers", "GRANTED", "twilio:start", LATER)


def test_the_record_of_the_stop_tells_what_it_took():
    point = granted_point("offers", "news")
    say_no(point)
    record = ConsentRecord.objects.get(point=point, topic="")
    assert record.evidence["took"] == {"was_blocked": False, "topics": ["news", "offers"]}


def test_start_gives_back_nothing_that_was_refused_before_stop():
    point = granted_point("offers", "news")
    say_no(point, "page", topic="news")
    say_no(point)

    assert start(point)

    assert point.topics == {"offers": "GRANTED", "news": "WITHDRAWN"}


def test_start_gives_back_nothing_that_was_refused_after_stop():
    point = granted_point("offers", "news")
    say_no(point)
    say_no(point, "page", topic="news", at=NOW + timedelta(minutes=1))

    assert start(point)

    assert point.topics == {"offers": "GRANTED", "news": "WITHDRAWN"}


def test_start_without_a_stop_changes_nothing():
    point = granted_point("offers")
    point.refresh_from_db()
    before = point.revision
    assert not start(point)
    assert point.revision == before
    assert not ConsentRecord.objects.filter(source="twilio:start").exists()


def test_start_does_not_lift_a_no_that_was_there_before_the_stop():
    point = granted_point("offers")
    say_no(point, "unsubscribe_page")
    say_no(point)
    assert not start(point)
    assert point.is_blocked


def test_start_does_not_lift_a_no_that_came_after_the_stop():
    point = granted_point("offers")
    say_no(point)
    say_no(point, "preference_page")
    assert not start(point)
    assert point.is_blocked


@pytest.mark.parametrize("reason", ["COMPLAINED", "OBJECTED", "ERASED"])
@pytest.mark.parametrize("stop_first", [True, False])
def test_start_does_not_lift_a_stronger_no(reason, stop_first):
    point = granted_point("offers")
    acts = [lambda: say_no(point), lambda: say_no(point, "provider", reason=reason)]
    for act in acts if stop_first else acts[::-1]:
        act()
    assert not start(point)
    assert ContactPoint.objects.get(pk=point.pk).reason == reason


@pytest.mark.parametrize("stop_first", [True, False])
def test_start_does_not_revive_a_dead_number(stop_first):
    point = granted_point("offers")
    acts = [lambda: say_no(point), lambda: say_no(point, "provider", reason="BOUNCED")]
    for act in acts if stop_first else acts[::-1]:
        act()
    assert not start(point)
    assert ContactPoint.objects.get(pk=point.pk).gets_nothing


def test_two_stops_are_one_no():
    point = granted_point("offers")
    say_no(point)
    say_no(point, "twilio:21610")
    assert start(point)
    assert not start(point)


def test_stop_after_start_counts_again():
    point = granted_point("offers")
    say_no(point)
    start(point)
    say_no(point, at=LATER, now=LATER)
    point.refresh_from_db()
    assert point.is_blocked
    assert start(point)
