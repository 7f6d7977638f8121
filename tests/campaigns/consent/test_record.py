from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.consent import opt_out, points, record
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.consent.record import ConsentItem
from campaigns.profiles.models import Contact
from tests.factories.consent import ContactPointFactory
from tests.factories.profiles import ContactFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def item(contact, state="GRANTED", *, at=NOW, key=None, topic="offers"):
    return ConsentItem(
        contact_id=contact.pk,
        channel="email",
        topic=topic,
        state=state,
        basis="explicit",
        source="crm",
        at=at,
        dedupe_key=key,
    )


@pytest.mark.django_db
def test_a_reported_yes_is_kept_and_counts_at_once():
    contact = ContactFactory()

    assert record.record_consents(items=[item(contact)], now=NOW) == 1

    point = ContactPoint.objects.get(contact=contact)
    assert point.topics == {"offers": "GRANTED"}
    assert ConsentRecord.objects.get().basis == "explicit"


@pytest.mark.django_db
def test_the_same_report_twice_is_one_record():
    contact = ContactFactory()

    assert record.record_consents(items=[item(contact, key="k"), item(contact, key="k")], now=NOW) == 1
    assert record.record_consents(items=[item(contact, key="k")], now=NOW) == 0


@pytest.mark.django_db
def test_a_reported_yes_lifts_no_block():
    point = ContactPointFactory()
    opt_out.opt_out(point_id=point.pk, source="test", at=NOW, now=NOW)

    record.record_consents(items=[item(point.contact, at=NOW + timedelta(days=1))], now=NOW)

    point.refresh_from_db()
    assert point.is_blocked


@pytest.mark.django_db
def test_a_contact_without_an_address_is_left_out():
    assert record.record_consents(items=[item(ContactFactory(email=""))], now=NOW) == 0


@pytest.mark.django_db
def test_two_contacts_with_one_address_share_its_state():
    first, second = ContactFactory(email="desk@customer.example"), ContactFactory(email="desk@customer.example")

    found = points.ensure_points(contacts=[first, second], channel="email")

    assert found[first.pk] == found[second.pk]


@pytest.mark.django_db
def test_a_yes_from_a_day_to_come_does_not_outlive_a_later_no():
    point = ContactPointFactory(topics={})
    record.record_consents(items=[item(point.contact, at=NOW + timedelta(days=400))], now=NOW)
    later = NOW + timedelta(minutes=1)

    opt_out.opt_out(point_id=point.pk, topic="offers", source="staff", at=later, now=later)

    point.refresh_from_db()
    assert point.topics == {"offers": "WITHDRAWN"}
    assert ConsentRecord.objects.get(state="GRANTED").at == NOW


@pytest.mark.django_db
def test_a_yes_that_was_stored_from_a_day_to_come_counts_from_when_it_came():
    point = ContactPointFactory(topics={})
    ConsentRecord.objects.create(
        point=point, channel="email", topic="offers", state="GRANTED", source="crm", at=NOW + timedelta(days=400),
        recorded_at=NOW,
    )  # fmt: skip
    later = NOW + timedelta(minutes=1)

    opt_out.opt_out(point_id=point.pk, topic="offers", source="staff", at=later, now=later)

    point.refresh_from_db()
    assert point.topics == {"offers": "WITHDRAWN"}


@pytest.mark.django_db
def test_a_no_that_we_learn_of_late_stands_over_what_we_knew():
    point = ContactPointFactory(topics={})
    record.record_consents(items=[item(point.contact, at=NOW)], now=NOW)

    opt_out.opt_out(point_id=point.pk, topic="offers", source="staff", at=NOW - timedelta(days=1), now=NOW)

    point.refresh_from_db()
    assert point.topics == {"offers": "WITHDRAWN"}


class OrderOfReports(TestCase):
    """The newest word decides, and of two at the same time the no, whatever order they come in."""

    contact: Contact

    @classmethod
    def setUpTestData(cls):
        cls.contact = ContactFactory()

    @given(
        reports=st.lists(
            st.tuples(st.integers(min_value=0, max_value=3), st.sampled_from(["GRANTED", "WITHDRAWN"])),
            min_size=1,
            max_size=6,
        ).flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn)))
    )
    def test_order_leaves_no_trace(self, reports):
        drawn, shuffled = reports
        for hours, state in shuffled:
            record.record_consents(items=[item(self.contact, state, at=NOW - timedelta(hours=3 - hours))], now=NOW)

        newest = max(hours for hours, _ in drawn)
        states = {state for hours, state in drawn if hours == newest}
        expected = "WITHDRAWN" if "WITHDRAWN" in states else "GRANTED"
        assert ContactPoint.objects.get(contact=self.contact).topics == {"offers": expected}
