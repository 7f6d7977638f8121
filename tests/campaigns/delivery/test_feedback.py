from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import feedback
from campaigns.delivery.models import Message, ProviderEvent
from campaigns.profiles.addresses import hash_address
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.reports import report
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import NOW, MessageFactory
from tests.factories.profiles import ContactFactory

SECOND = timedelta(seconds=1)


def store(*events):
    return feedback.store_events(events=events, now=NOW, wall_now=NOW)


def apply():
    return feedback.apply_feedback(now=NOW, wall_now=NOW)


def sent(**changes):
    return MessageFactory(state="ACCEPTED", attempt=1, accepted_at=NOW, **changes)


@pytest.mark.django_db
def test_a_report_is_stored_once_however_often_it_comes():
    event = report(EventType.DELIVERED, message=sent())

    assert store(event, event).new == 1
    assert store(event).known == 1
    assert ProviderEvent.objects.count() == 1


@pytest.mark.django_db
def test_facts_are_the_earliest_of_what_was_reported():
    message = sent()
    store(report(EventType.DELIVERED, message=message, after=5 * SECOND))
    apply()
    store(report(EventType.DELIVERED, message=message, after=2 * SECOND))
    store(report(EventType.DELIVERED, message=message, after=9 * SECOND))
    apply()

    message.refresh_from_db()
    assert message.delivered_at == NOW + 2 * SECOND
    assert message.state == Message.State.ACCEPTED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (EventType.UNSUBSCRIBED, "UNSUBSCRIBED"),
        (EventType.COMPLAINED, "COMPLAINED"),
        (EventType.BOUNCED, "BOUNCED"),
    ],
)
def test_a_no_is_in_force_before_anything_is_applied(kind, reason):
    message = sent()

    store(report(kind, message=message))

    point = ContactPoint.objects.get(pk=message.point_id)
    assert (point.is_blocked, point.reason) == (True, reason)


@pytest.mark.django_db
def test_a_report_without_message_id_counts_for_its_address():
    store(report(EventType.BOUNCED, address="gone@customer.example"))

    assert ContactPoint.objects.get(address_hash=hash_address("gone@customer.example")).reason == "BOUNCED"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [EventType.BLOCKED, EventType.DEFERRED, EventType.UNKNOWN])
def test_a_refusal_of_this_time_suppresses_nobody(kind):
    message = sent()

    store(report(kind, message=message))

    assert not ContactPoint.objects.get(pk=message.point_id).is_blocked


@pytest.mark.django_db
def test_a_drop_by_the_providers_own_list_becomes_ours():
    message = sent()

    store(report(EventType.DROPPED, message=message, reason="Bounced Address"))

    assert ContactPoint.objects.get(pk=message.point_id).reason == "BOUNCED"


@pytest.mark.django_db
def test_reports_about_messages_we_never_sent_are_kept():
    never_sent = Message()

    assert store(report(EventType.DELIVERED, message=never_sent, address="x@customer.example")).new == 1
    assert apply() == 1


@pytest.mark.django_db
def test_a_click_long_after_delivery_is_a_persons():
    message = sent()
    store(
        report(EventType.DELIVERED, message=message),
        report(EventType.CLICKED, message=message, after=60 * SECOND, url="a"),
    )
    apply()

    message.refresh_from_db()
    assert message.clicked_at == NOW + 60 * SECOND


@pytest.mark.django_db
@pytest.mark.parametrize("order", [0, 1])
def test_a_click_at_delivery_is_a_scanners_even_if_the_delivery_is_reported_later(order):
    message = sent()
    events = [
        report(EventType.DELIVERED, message=message),
        report(EventType.CLICKED, message=message, after=4 * SECOND, url="a"),
    ]
    for event in (events, events[::-1])[order]:
        store(event)
        apply()

    message.refresh_from_db()
    assert message.clicked_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(("second", "clicked"), [(-3, False), (60, True)])
def test_a_click_is_nobodys_until_its_delivery_is_known(second, clicked):
    message = sent()
    store(report(EventType.CLICKED, message=message, after=second * SECOND, url="a"))
    apply()
    message.refresh_from_db()
    assert (message.clicked_at, ProviderEvent.objects.get().grade) == (None, "UNKNOWN")

    store(report(EventType.DELIVERED, message=message))
    apply()

    message.refresh_from_db()
    assert (message.clicked_at is not None) == clicked


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spelt", ["dana@xn--bcher-kva.example", "Dana Levi <dana@bücher.example>", "DANA@BÜCHER.example"]
)
def test_a_report_that_spells_the_address_otherwise_reaches_the_contact(spelt):
    message = sent(contact=ContactFactory(email="dana@bücher.example"))

    store(report(EventType.COMPLAINED, message=message, address=spelt))

    assert ContactPoint.objects.get(pk=message.point_id).reason == "COMPLAINED"


@pytest.mark.django_db
def test_without_its_message_a_report_reaches_every_spelling_of_its_address():
    point = ContactPointFactory(contact__email="dana@bücher.example")

    store(report(EventType.UNSUBSCRIBED, address="dana@xn--bcher-kva.example"))

    point.refresh_from_db()
    assert point.is_blocked


@pytest.mark.django_db
def test_a_report_blocks_the_address_it_names_and_the_one_its_message_went_to():
    message = sent()

    stored = store(report(EventType.UNSUBSCRIBED, message=message, address="forwarded@customer.example"))

    other = ContactPoint.objects.get(address_hash=hash_address("forwarded@customer.example"))
    assert (stored.opted_out, other.is_blocked) == (1, True)
    assert ContactPoint.objects.get(pk=message.point_id).is_blocked


@pytest.mark.django_db
def test_no_address_stands_in_what_is_kept_of_a_report():
    message = sent()
    said = f"550 5.1.1 <{message.contact.email}>: Recipient address rejected"
    url = f"https://acme.example/start?for={message.contact.email.replace('@', '%40')}&utm=1"

    store(
        report(EventType.BOUNCED, message=message, reason=said),
        report(EventType.CLICKED, message=message, url=url),
    )

    kept = set(ProviderEvent.objects.values_list("reason", "url"))
    assert kept == {
        ("550 5.1.1 <[address]>: Recipient address rejected", ""),
        ("", "https://acme.example/start?for=[address]&utm=1"),
    }


@pytest.mark.django_db
def test_three_links_within_two_seconds_are_a_scanners():
    message = sent()
    store(*[report(EventType.CLICKED, message=message, after=(90 + n) * SECOND, url=f"link-{n}") for n in range(3)])
    apply()

    message.refresh_from_db()
    assert message.clicked_at is None
    assert set(ProviderEvent.objects.values_list("grade", flat=True)) == {"SCANNER"}


@pytest.mark.django_db
def test_a_known_scanner_is_known_by_its_name():
    message = sent()
    store(report(EventType.CLICKED, message=message, after=90 * SECOND, url="a", agent="LinkScanner/3.2 (bot)"))
    apply()

    message.refresh_from_db()
    assert message.clicked_at is None


def state_hash(message_ids):
    """Everything that reports can change, without the ids and times of storing."""
    facts = ("delivered_at", "bounced_at", "opened_at", "clicked_at", "complained_at", "unsubscribed_at", "state")
    points = Message.objects.filter(pk__in=message_ids).values_list("point_id", flat=True)
    state = [
        list(Message.objects.filter(pk__in=message_ids).order_by("pk").values("pk", *facts)),
        list(ContactPoint.objects.filter(pk__in=points).order_by("pk").values("reason", "blocked_at", "topics")),
        list(ConsentRecord.objects.order_by("dedupe_key").values("dedupe_key", "state", "at", "point__channel")),
        list(ProviderEvent.objects.order_by("key").values("type", "grade", "at", "message", "url")),
    ]
    return sha256(json.dumps(state, default=str).encode()).hexdigest()


class AnyOrder(TestCase):
    """Reports repeated and shuffled at will leave the same state as one orderly run."""

    messages: list[Message]

    @classmethod
    def setUpTestData(cls):
        cls.messages = [sent() for _ in range(2)]

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_order_and_repetition_leave_no_trace(self, data):
        kinds = (
            EventType.DELIVERED,
            EventType.OPENED,
            EventType.CLICKED,
            EventType.COMPLAINED,
            EventType.UNSUBSCRIBED,
            EventType.BOUNCED,
        )
        events = [
            report(kind, message=message, after=seconds * SECOND, url=f"link-{seconds % 4}")
            for message in self.messages
            for kind, seconds in data.draw(
                st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 40)), min_size=1, max_size=7)
            )
        ]
        ids = [message.pk for message in self.messages]
        orderly = self.run_in(sorted(events, key=lambda event: event.at), ids, batch=100)
        shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=8))))

        assert self.run_in(shuffled, ids, batch=data.draw(st.integers(1, 4))) == orderly

    def run_in(self, events, ids, *, batch):
        """State after these reports, from a clean slate that is rolled back."""
        with transaction.atomic():
            for start in range(0, len(events), batch):
                store(*events[start : start + batch])
                apply()
            found = state_hash(ids)
            transaction.set_rollback(True)
        return found
