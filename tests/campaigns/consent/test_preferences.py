from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.consent import opt_out, points, preferences, record, selectors
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.consent.preferences import Change
from campaigns.profiles.models import Contact
from tests.factories.consent import ConsentTopicFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
REASON = ContactPoint.Reason


@pytest.fixture(autouse=True)
def topics():
    ConsentTopicFactory()
    ConsentTopicFactory(slug="tips", name="Tips")
    ConsentTopicFactory(slug="account", name="Account", is_marketing=False, permitted_without_record=[])


@pytest.fixture
def dana():
    return ContactFactory(phone="+972502345678")


def say_yes(contact, topic="offers", channel="email", at=NOW - timedelta(days=30)):
    item = record.ConsentItem(contact.pk, channel, topic, "GRANTED", "explicit", "crm", at)
    record.record_consents(items=[item], now=at)


def choose(contact, wanted, *, at=NOW, evidence=None):
    return preferences.set_preferences(
        contact_id=contact.pk, wanted=wanted, source="preference_page", evidence=evidence or {}, now=at
    )


def point_of(contact, channel="email"):
    return points.ensure_points(contacts=[contact], channel=channel)[contact.pk]


def boxes_on(contact):
    return {
        (one.topic.slug, state.channel)
        for state in selectors.channel_states(contact=contact)
        for one in state.topics
        if one.is_on and one.topic.is_marketing
    }


def test_a_no_to_one_topic_on_one_channel_leaves_the_rest(dana):
    say_yes(dana)
    say_yes(dana, "tips")

    changes = choose(dana, {("offers", "email"): True, ("tips", "email"): False})

    assert changes == [Change("tips", "email", is_on=False)]
    assert point_of(dana).topics == {"offers": "GRANTED", "tips": "WITHDRAWN"}
    assert not point_of(dana).is_blocked


def test_only_a_difference_leaves_a_record(dana):
    say_yes(dana)

    choose(dana, {("offers", "email"): True, ("offers", "sms"): False})

    assert ConsentRecord.objects.filter(source="preference_page").count() == 0


def test_a_choice_keeps_its_evidence(dana):
    say_yes(dana)

    choose(dana, {("offers", "email"): False}, evidence={"page": "preferences", "language": "he"})

    kept = ConsentRecord.objects.get(source="preference_page")
    assert (kept.state, kept.topic, kept.channel, kept.contact, kept.at) == ("WITHDRAWN", "offers", "email", dana, NOW)
    assert kept.evidence == {"page": "preferences", "language": "he", "reason": "UNSUBSCRIBED"}


def test_a_yes_is_explicit(dana):
    assert choose(dana, {("offers", "sms"): True}) == [Change("offers", "sms", is_on=True)]
    assert ConsentRecord.objects.get().basis == "explicit"
    assert point_of(dana, "sms").topics == {"offers": "GRANTED"}


def test_in_app_messages_that_need_no_yes_can_be_switched_off_and_on(dana):
    assert ("offers", "in_app") in boxes_on(dana)

    choose(dana, {("offers", "in_app"): False})
    assert ("offers", "in_app") not in boxes_on(dana)

    choose(dana, {("offers", "in_app"): True}, at=NOW + timedelta(minutes=1))
    assert ("offers", "in_app") in boxes_on(dana)


def test_a_yes_to_one_topic_lifts_the_own_no_and_brings_no_other_topic_back(dana):
    say_yes(dana)
    say_yes(dana, "tips")
    opt_out.opt_out(point_id=point_of(dana).pk, source="one_click", at=NOW, now=NOW)

    changes = choose(dana, {("tips", "email"): True}, at=NOW + timedelta(hours=1))

    assert changes == [Change("tips", "email", is_on=True)]
    assert not point_of(dana).is_blocked
    assert point_of(dana).topics == {"tips": "GRANTED", "offers": "WITHDRAWN"}


@pytest.mark.parametrize("reason", [REASON.BOUNCED, REASON.ERASED])
def test_a_dead_address_is_not_brought_back_to_life(dana, reason):
    say_yes(dana)
    opt_out.opt_out(point_id=point_of(dana).pk, reason=reason, source="provider", at=NOW, now=NOW)

    assert choose(dana, {("offers", "email"): True}, at=NOW + timedelta(hours=1)) == []
    assert point_of(dana).reason == reason


def test_what_is_no_marketing_and_what_has_no_address_is_passed_over():
    contact = ContactFactory(phone="")

    assert choose(contact, {("account", "email"): False, ("offers", "sms"): True, ("gone", "email"): True}) == []
    assert not ConsentRecord.objects.exists()


def test_stopping_everything_blocks_every_address_and_says_what_was_on(dana):
    say_yes(dana)

    changes = preferences.stop_everything(contact_id=dana.pk, source="preference_page", evidence={}, now=NOW)

    assert changes == [
        Change("offers", "email", is_on=False),
        Change("offers", "in_app", is_on=False),
        Change("tips", "in_app", is_on=False),
        Change("offers", "csm_task", is_on=False),
        Change("tips", "csm_task", is_on=False),
        Change("offers", "webhook", is_on=False),
        Change("tips", "webhook", is_on=False),
    ]
    assert {point_of(dana, channel).reason for channel in points.EVERY_CHANNEL} == {REASON.UNSUBSCRIBED}
    assert boxes_on(dana) == set()


def test_stopping_everything_twice_leaves_the_records_of_once(dana):
    for _ in range(2):
        preferences.stop_everything(contact_id=dana.pk, source="preference_page", evidence={}, now=NOW)

    assert ConsentRecord.objects.count() == len(points.EVERY_CHANNEL)


def test_an_undo_brings_back_exactly_what_was_stopped(dana):
    say_yes(dana)
    before = boxes_on(dana)
    stopped = preferences.stop_everything(contact_id=dana.pk, source="preference_page", evidence={}, now=NOW)

    choose(dana, {(one.topic, one.channel): True for one in stopped}, at=NOW + timedelta(seconds=1))

    assert boxes_on(dana) == before
    assert not point_of(dana, "csm_task").is_blocked


def test_taking_back_a_no_to_a_channel_asks_for_what_was_on_before(dana):
    say_yes(dana)
    opt_out.opt_out(point_id=point_of(dana).pk, source="one_click", at=NOW, now=NOW)
    email = selectors.channel_states(contact=dana)[0]

    assert preferences.before_the_block(state=email) == {("offers", "email"): True}


def test_nothing_is_asked_for_where_no_no_is_in_force(dana):
    assert [preferences.before_the_block(state=one) for one in selectors.channel_states(contact=dana)] == [{}, {}, {}]


def test_states_tell_the_newest_record_and_the_address(dana):
    say_yes(dana)

    email, sms, in_app = selectors.channel_states(contact=dana)

    assert [one.address for one in (email, sms)] == [dana.email, "+972502345678"]
    assert [(one.topic.slug, one.permission) for one in email.topics] == [
        ("offers", "GRANTED"), ("tips", "NO_CONSENT"), ("account", "GRANTED"),
    ]  # fmt: skip
    assert email.topics[0].record is not None
    assert email.topics[0].record.source == "crm"
    assert sms.topics[0].record is None
    assert in_app.topics[0].permission == "GRANTED"


def test_reading_states_writes_nothing_and_takes_three_queries(dana, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        selectors.channel_states(contact=dana)
    assert not ContactPoint.objects.exists()


def test_points_are_locked_in_id_order(dana):
    for channel in ("sms", "in_app", "email"):
        point_of(dana, channel)
    seen: list[str] = []

    def note(execute, sql, params, many, context):
        if "FOR NO KEY UPDATE" in sql:
            seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note), transaction.atomic():
        choose(dana, {("offers", channel): True for channel in points.CHANNELS})

    assert len(seen) == 1
    assert 'ORDER BY "consent_contactpoint"."id"' in seen[0]


class AnyWalkOfChoices(TestCase):
    """Whatever a person ticks and unticks, in any order, with stops in between: the page then shows what they want."""

    contact: Contact
    on_at_first: set[tuple[str, str]]

    @classmethod
    def setUpTestData(cls):
        ConsentTopicFactory()
        ConsentTopicFactory(slug="tips", name="Tips")
        cls.contact = ContactFactory(phone="+972502345678")
        cls.on_at_first = boxes_on(cls.contact)

    @given(
        st.lists(
            st.one_of(
                st.dictionaries(
                    st.tuples(st.sampled_from(["offers", "tips"]), st.sampled_from(points.CHANNELS)), st.booleans()
                ),
                st.none(),
            ),
            max_size=5,
        )
    )
    def test_the_last_word_stands(self, walk):
        contact, expected = self.contact, self.on_at_first
        for number, step in enumerate(walk):
            at = NOW + timedelta(minutes=number)
            if step is None:
                preferences.stop_everything(contact_id=contact.pk, source="test", evidence={}, now=at)
                expected = set()
            else:
                choose(contact, step, at=at)
                expected = (expected | {box for box, on in step.items() if on}) - {
                    box for box, on in step.items() if not on
                }
            assert boxes_on(contact) == expected


def test_a_box_taken_off_while_the_channel_is_stopped_does_not_come_back_with_it(dana):
    say_yes(dana, channel="sms")
    say_yes(dana, "tips", "sms")
    point = point_of(dana, "sms")
    opt_out.opt_out(point_id=point.pk, source="twilio:stop", at=NOW, now=NOW)

    assert choose(dana, {("offers", "sms"): False}) == []
    later = NOW + timedelta(hours=1)
    assert opt_out.restore(point_id=point.pk, taken_by={"twilio:stop"}, source="twilio:start", at=later, now=later)

    assert boxes_on(dana) & {("offers", "sms"), ("tips", "sms")} == {("tips", "sms")}


def test_start_does_not_undo_a_stop_to_everything_that_came_after_the_stop(dana):
    say_yes(dana, channel="sms")
    point = point_of(dana, "sms")
    for channel in points.EVERY_CHANNEL:
        opt_out.opt_out(point_id=point_of(dana, channel).pk, source="twilio:stop", at=NOW, now=NOW)

    preferences.stop_everything(contact_id=dana.pk, source="preference_page", evidence={}, now=NOW)

    assert not opt_out.restore(point_id=point.pk, taken_by={"twilio:stop"}, source="twilio:start", at=NOW, now=NOW)
