"""The no of a person outlives the address it was said about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.consent import on_behalf, opt_out, points, preferences, record, selectors
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.profiles.addresses import hash_address
from tests.factories.consent import ConsentTopicFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LONG_AGO, TOMORROW = NOW - timedelta(days=300), NOW + timedelta(days=1)
PHONE = "+972501234567"


@pytest.fixture(autouse=True)
def topics():
    ConsentTopicFactory()
    ConsentTopicFactory(slug="tips", name="Tips")


@pytest.fixture
def dana():
    return ContactFactory()


def reported(contact, *, at=LONG_AGO, channel="email", topic="offers", now=TOMORROW):
    item = record.ConsentItem(contact.pk, channel, topic, "GRANTED", "explicit", "crm", at)
    record.record_consents(items=[item], now=now)


def moved(contact, email="dana@new-job.example"):
    contact.email, contact.email_hash = email, hash_address(email)
    contact.save()


def with_phone(contact, phone=PHONE):
    contact.phone, contact.phone_hash = phone, hash_address(phone)
    contact.save()


def point_of(contact, channel="email"):
    return points.ensure_points(contacts=[contact], channel=channel)[contact.pk]


def reaches(contact, channel="email"):
    return selectors.reachable_contacts(contact_ids=[contact.pk], channel=channel, topic="offers") == {contact.pk}


def objected(contact):
    preferences.stop_everything(contact_id=contact.pk, source="preference_page", evidence={}, now=NOW)


def unsubscribed(contact, source="one_click"):
    opt_out.opt_out(point_id=point_of(contact).pk, source=source, at=NOW, now=NOW)


def by_own_hand(contact, topic="offers", at=NOW + timedelta(hours=1)):
    wanted = {(topic, "email"): True}
    preferences.set_preferences(contact_id=contact.pk, wanted=wanted, source="preference_page", evidence={}, now=at)


@pytest.mark.parametrize("said", [objected, unsubscribed])
def test_a_new_address_gets_nothing_after_a_no_under_the_old_one(dana, said):
    said(dana)
    moved(dana)

    reported(dana)

    assert not reaches(dana)
    assert point_of(dana).is_blocked


def test_a_phone_that_comes_after_an_objection_gets_no_texts(dana):
    objected(dana)
    with_phone(dana)

    reported(dana, channel="sms")

    assert not reaches(dana, "sms")


@pytest.mark.parametrize("channel", ["", "email"])
def test_what_a_colleague_took_down_goes_along_as_well(dana, channel):
    on_behalf.record_opt_out(contact_id=dana.pk, channel=channel, by="noa", how="PHONE", now=NOW)
    moved(dana)

    point = point_of(dana)

    assert (point.is_blocked, point.reason) == (True, "UNSUBSCRIBED" if channel else "OBJECTED")


def test_a_no_to_mail_says_nothing_about_a_new_phone(dana):
    unsubscribed(dana)
    with_phone(dana)

    reported(dana, channel="sms")

    assert reaches(dana, "sms")


def test_the_new_address_has_evidence_that_names_the_no(dana):
    unsubscribed(dana)
    no = ConsentRecord.objects.get()
    moved(dana)

    point = point_of(dana)

    carried = ConsentRecord.objects.get(point=point)
    assert (carried.state, carried.source, carried.at, carried.contact_id) == ("WITHDRAWN", "one_click", NOW, dana.pk)
    assert carried.evidence["carried_from"] == no.pk
    assert point.blocked_at == NOW


def test_a_no_is_carried_once(dana):
    unsubscribed(dana)
    moved(dana)
    point_of(dana)
    point_of(dana)

    moved(dana, "dana@third.example")
    point_of(dana)
    point_of(dana)

    assert ConsentRecord.objects.count() == 3
    assert ContactPoint.objects.filter(is_blocked=True).count() == 3


def test_a_no_to_a_topic_goes_along_and_an_older_yes_does_not_lift_it(dana):
    reported(dana, now=LONG_AGO)
    reported(dana, topic="tips", now=LONG_AGO)
    opt_out.opt_out(point_id=point_of(dana).pk, topic="offers", source="staff", at=NOW, now=NOW)
    moved(dana)

    reported(dana)
    reported(dana, topic="tips")

    assert point_of(dana).topics == {"offers": "WITHDRAWN", "tips": "GRANTED"}


def test_a_newer_yes_to_a_topic_counts_under_the_new_address_as_under_the_old(dana):
    opt_out.opt_out(point_id=point_of(dana).pk, topic="offers", source="staff", at=NOW, now=NOW)
    moved(dana)

    reported(dana, at=NOW + timedelta(hours=1))

    assert reaches(dana)


def test_who_said_yes_again_by_their_own_hand_starts_anew_at_the_new_address(dana):
    reported(dana, now=LONG_AGO)
    unsubscribed(dana)
    by_own_hand(dana)
    moved(dana)

    reported(dana)

    assert reaches(dana)


def test_what_a_person_lifts_at_the_new_address_stays_lifted(dana):
    objected(dana)
    moved(dana)
    assert point_of(dana).is_blocked

    by_own_hand(dana)

    assert not point_of(dana).is_blocked
    assert reaches(dana)


def test_an_address_that_was_used_before_is_no_way_round_a_no(dana):
    reported(dana, now=LONG_AGO)
    old = dana.email
    moved(dana)
    objected(dana)

    moved(dana, old)

    assert point_of(dana).is_blocked


def test_nobody_elses_no_is_carried(dana):
    other = ContactFactory()
    objected(other)
    moved(dana)

    reported(dana)

    assert reaches(dana)


def test_contacts_without_a_no_cost_one_query(dana, django_assert_num_queries):
    point_of(dana)

    with django_assert_num_queries(2):
        point_of(dana)


def test_what_was_carried_is_not_locked_again(dana):
    unsubscribed(dana)
    moved(dana)
    point_of(dana)

    with CaptureQueriesContext(connection) as asked:
        point_of(dana)

    assert not [one["sql"] for one in asked if "FOR NO KEY UPDATE" in one["sql"]]
