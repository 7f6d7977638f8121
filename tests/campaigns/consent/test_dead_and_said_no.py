"""What the person wants and whether anything arrives are two things: the strongest of each holds, in any order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.consent import opt_out, points, preferences, selectors
from campaigns.consent.models import ContactPoint
from campaigns.profiles.models import Contact
from tests.campaigns.consent.test_opt_out import NOW, REASON, say_no
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db

BOUNCE, COMPLAINT, STOP, START, YES, PAGE, GROUP, OBJECTION = (
    "bounce", "complaint", "stop", "start", "yes", "page", "group", "objection",
)  # fmt: skip
NOES = {
    BOUNCE: (REASON.BOUNCED, "sendgrid:bounce"),
    COMPLAINT: (REASON.COMPLAINED, "sendgrid:spam"),
    STOP: (REASON.UNSUBSCRIBED, "twilio:stop"),
    GROUP: (REASON.UNSUBSCRIBED, "sendgrid:group_unsubscribe"),
    OBJECTION: (REASON.OBJECTED, "colleague"),
}


def does(point, what, at):
    if what in NOES:
        reason, source = NOES[what]
        say_no(point, reason=reason, source=source, at=at, now=at)
    elif what == START:
        opt_out.restore(point_id=point.pk, taken_by=["twilio:stop"], source="twilio:start", at=at, now=at)
    elif what == YES:
        opt_out.opt_in(point_id=point.pk, topic="offers", source="preference_page", at=at, now=at)
    else:
        preferences.set_preferences(
            contact_id=point.contact_id, wanted={("offers", "email"): True}, source="page", evidence={}, now=at
        )


def is_wanted_after(story):
    """The person's will alone, from a yes to begin with: no bounce among it."""
    noes: list[str] = []
    for what in story:
        if what in (YES, PAGE):
            noes = []
        elif what == START:
            noes = [] if noes and set(noes) == {STOP} else noes
        elif what != BOUNCE:
            noes.append(what)
    return not noes


@given(story=st.lists(st.sampled_from([BOUNCE, COMPLAINT, STOP, START, YES, PAGE, GROUP, OBJECTION]), max_size=6))
@settings(max_examples=40)
@example(story=[BOUNCE, COMPLAINT])
@example(story=[COMPLAINT, BOUNCE])
@example(story=[BOUNCE, COMPLAINT, YES])
@example(story=[COMPLAINT, BOUNCE, PAGE])
@example(story=[BOUNCE, STOP, START])
@example(story=[STOP, BOUNCE, START])
@example(story=[BOUNCE, GROUP, YES, COMPLAINT])
def test_the_strongest_of_each_kind_says_what_may_be_sent(story):
    offers = ConsentTopicFactory(slug="offers")
    receipts = ConsentTopicFactory(slug="receipts", is_marketing=False)
    point = ContactPointFactory(contact=ContactFactory())
    does(point, YES, NOW)

    for number, what in enumerate(story, start=1):
        does(point, what, NOW + timedelta(minutes=number))

    point.refresh_from_db()
    is_dead = BOUNCE in story
    assert (selectors.permission(point=point, topic=receipts) == "GRANTED") is not is_dead
    assert (selectors.permission(point=point, topic=offers) == "GRANTED") is (not is_dead and is_wanted_after(story))


@pytest.mark.parametrize("story", [[BOUNCE, COMPLAINT], [COMPLAINT, BOUNCE]])
def test_a_complaint_is_named_whenever_the_mailbox_died(story):
    point = ContactPointFactory(contact=ContactFactory())

    for what in story:
        does(point, what, NOW)

    point.refresh_from_db()
    assert (point.reason, point.is_dead, point.is_blocked) == (REASON.COMPLAINED, True, True)


def test_the_rule_in_sql_knows_a_dead_mailbox_with_a_complaint():
    contact = ContactFactory()
    point = ContactPointFactory(contact=contact)
    receipts = ConsentTopicFactory(slug="receipts", is_marketing=False)
    does(point, BOUNCE, NOW)
    does(point, COMPLAINT, NOW)

    assert selectors.reachable_contacts(contact_ids=[contact.pk], channel="email", topic=receipts.slug) == set()
    assert not Contact.objects.filter(selectors.reaches(channel="email", topic=receipts)).exists()
    assert Contact.objects.filter(selectors.has_said(what="bounced", topic=receipts)).get() == contact


def test_a_no_said_about_a_dead_mailbox_goes_along_to_the_next_one():
    contact = ContactFactory()
    point = ContactPointFactory(contact=contact)
    does(point, BOUNCE, NOW)
    does(point, STOP, NOW)
    contact.email = "new@customer.example"
    contact.save()

    new = points.ensure_points(contacts=[contact], channel="email")[contact.pk]

    assert (new.pk != point.pk, new.is_blocked, new.reason, new.is_dead) == (True, True, REASON.UNSUBSCRIBED, False)


def test_a_mailbox_that_died_does_not_take_the_next_one_with_it():
    contact = ContactFactory()
    does(ContactPointFactory(contact=contact), BOUNCE, NOW)
    contact.email = "new@customer.example"
    contact.save()

    assert not points.ensure_points(contacts=[contact], channel="email")[contact.pk].is_blocked


def test_a_dead_address_that_was_stored_before_the_column_stays_dead_after_a_complaint():
    point = ContactPointFactory(contact=ContactFactory(), is_blocked=True, reason=REASON.BOUNCED)

    does(point, COMPLAINT, NOW)

    assert ContactPoint.objects.get(pk=point.pk).gets_nothing
