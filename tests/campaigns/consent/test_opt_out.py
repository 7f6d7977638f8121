from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from campaigns.consent import opt_out, points
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.profiles.addresses import hash_address
from tests.factories.consent import ContactPointFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
REASON = ContactPoint.Reason


def say_no(point, **changes):
    wanted = {"point_id": point.pk, "source": "test", "at": NOW, "now": NOW} | changes
    return opt_out.opt_out(**wanted)


def test_a_no_blocks_the_address_and_leaves_its_evidence():
    point = ContactPointFactory()

    assert say_no(point, evidence={"message": "m-1"})

    point.refresh_from_db()
    record = ConsentRecord.objects.get(point=point)
    assert (point.is_blocked, point.reason, point.blocked_at) == (True, REASON.UNSUBSCRIBED, NOW)
    assert (record.state, record.topic, record.evidence["message"]) == ("WITHDRAWN", "", "m-1")


def test_the_same_report_again_changes_nothing():
    point = ContactPointFactory()
    say_no(point, dedupe_key="event-1")
    point.refresh_from_db()

    assert not say_no(point, dedupe_key="event-1")

    assert ConsentRecord.objects.filter(point=point).count() == 1
    assert ContactPoint.objects.get(pk=point.pk).revision == point.revision


def test_a_no_for_one_topic_leaves_the_others():
    point = ContactPointFactory(topics={})
    opt_out.opt_in(point_id=point.pk, topic="news", source="test", at=NOW, now=NOW)

    say_no(point, topic="offers", at=NOW + timedelta(seconds=1))

    point.refresh_from_db()
    assert not point.is_blocked
    assert point.topics == {"news": "GRANTED", "offers": "WITHDRAWN"}


def test_a_no_by_address_counts_for_somebody_we_do_not_know():
    digest = hash_address("stranger@customer.example")

    say_no(None or ContactPointFactory.build(), point_id=None, channel="email", address_hash=digest)

    assert ContactPoint.objects.get(channel="email", address_hash=digest).is_blocked


def test_who_is_imported_after_their_no_stays_opted_out():
    digest = hash_address("late@customer.example")
    opt_out.opt_out(channel="email", address_hash=digest, source="test", at=NOW, now=NOW)
    contact = ContactFactory(email="late@customer.example")

    found = points.ensure_points(contacts=[contact], channel="email")

    assert found[contact.pk].is_blocked


def test_a_complaint_reaches_every_channel_of_the_person():
    contact = ContactFactory(phone="+972501234567")
    point = ContactPointFactory(contact=contact)

    say_no(point, reason=REASON.COMPLAINED, all_channels=True)

    reasons = dict(ContactPoint.objects.filter(contact=contact).values_list("channel", "reason"))
    assert reasons == dict.fromkeys(("email", "sms", "in_app", "csm_task", "webhook"), "COMPLAINED")


def test_a_bounce_blocks_without_pretending_to_be_a_no():
    point = ContactPointFactory()

    say_no(point, reason=REASON.BOUNCED)

    point.refresh_from_db()
    assert point.reason == REASON.BOUNCED
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("order", [(REASON.COMPLAINED, REASON.UNSUBSCRIBED), (REASON.UNSUBSCRIBED, REASON.COMPLAINED)])
def test_the_stronger_reason_stands_in_any_order(order):
    point = ContactPointFactory()

    for reason in order:
        say_no(point, reason=reason)

    point.refresh_from_db()
    assert point.reason == REASON.COMPLAINED


def test_the_person_takes_their_no_back():
    point = ContactPointFactory()
    say_no(point)

    assert opt_out.opt_in(point_id=point.pk, topic="offers", source="page", at=NOW, now=NOW)

    point.refresh_from_db()
    assert (point.is_blocked, point.topics["offers"]) == (False, "GRANTED")


def test_a_dead_address_is_not_revived_by_a_click():
    point = ContactPointFactory()
    say_no(point, reason=REASON.BOUNCED)

    assert not opt_out.opt_in(point_id=point.pk, topic="offers", source="page", at=NOW, now=NOW)

    point.refresh_from_db()
    assert point.is_blocked


def test_evidence_can_neither_be_changed_nor_deleted():
    point = ContactPointFactory()
    say_no(point)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ConsentRecord.objects.filter(point=point).update(state="GRANTED")
