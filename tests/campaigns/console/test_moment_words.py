"""Whose words stand beside a moment of the timeline."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from campaigns.consent import hold, opt_out, points, selectors
from campaigns.consent.models import ConsentRecord
from campaigns.console import contact_items
from campaigns.console.contact_item import Surroundings
from campaigns.delivery import timeline
from campaigns.delivery.models import DeliveryAttempt
from tests.campaigns.console.contacts import S, dana, say, to, topic
from tests.factories.usage import NOW

pytestmark = pytest.mark.django_db
__all__ = ["dana", "topic"]


def test_a_reply_is_told_in_its_writers_words_with_the_message_that_it_answers(dana):
    sent = to(dana, channel="sms", state=S.ACCEPTED, accepted_at=NOW, replied_at=NOW)
    later = NOW + timedelta(hours=1)
    point = points.ensure_points(contacts=[dana], channel="sms")[dana.pk]
    for at, text in ((NOW, "Who is this?"), (later, "Hello?")):
        hold.hold(point_id=point.pk, message=sent.uuid, text=text, rule="en.who", source="twilio", at=at)
    replied = [one for one in timeline.moments_of(contact_id=dana.pk) if one.kind == timeline.Kind.REPLIED]
    known: dict[str, Any] = {
        "messages": {sent.pk: sent},
        "headlines": {sent.pk: "Harbourline: Pro for €270.00 a month."},
    }
    around = Surroundings(contact=dana, now=later, zone=UTC, replies=timeline.replies_to(messages=[sent]), **known)

    told = [item for one in replied if (item := contact_items.tell("moment", one, around))]

    answer = "In answer to “Harbourline: Pro for €270.00 a month.”."
    assert [(one.quote, one.meta) for one in told] == [("Hello?", answer), ("Who is this?", answer)]
    unkept = contact_items.tell("moment", replied[-1], Surroundings(contact=dana, now=later, zone=UTC, **known))
    assert unkept is not None
    assert (unkept.quote, unkept.meta) == ("", f"{answer} Their words are not kept.")


@pytest.mark.parametrize(
    ("provider_id", "told"),
    [
        ("memory-7-1", ("SMS: kept in the outbox", "It did not leave this machine: the channel was not connected.")),
        ("SM7", ("SMS sent", "Sent 10:00:00 by Twilio, 1 attempt.")),
    ],
)
def test_what_stayed_in_the_outbox_is_not_told_as_sent(dana, provider_id, told):
    sent = to(dana, channel="sms", state=S.ACCEPTED, accepted_at=NOW, attempt=1, provider_id=provider_id)
    [moment] = timeline.moments_of(contact_id=dana.pk)
    around = Surroundings(contact=dana, now=NOW, zone=UTC, messages={sent.pk: sent})

    item = contact_items.tell("moment", moment, around)

    assert item is not None
    assert (item.head, item.meta) == told


def said_of_planned(dana) -> str:
    [message] = timeline.messages_by_id(message_ids=[dana.messages.get().pk]).values()
    [moment] = timeline.moments_of(contact_id=dana.pk)
    states = {one.channel: one for one in selectors.channel_states(contact=dana)}
    around = Surroundings(contact=dana, now=NOW, zone=UTC, messages={message.pk: message}, states=states)
    item = contact_items.tell("moment", moment, around)
    assert item is not None
    return item.reason


def test_what_a_no_keeps_back_is_not_told_as_if_it_came(dana):
    point = points.ensure_points(contacts=[dana], channel="email")[dana.pk]
    say(dana)
    to(dana, point=point, due_at=NOW + timedelta(days=2))
    assert "will not be sent" not in said_of_planned(dana)

    opt_out.opt_out(point_id=point.pk, source="preference_page", at=NOW, now=NOW)

    assert said_of_planned(dana) == "It will not be sent: they said no."


def test_what_a_provider_says_ends_before_the_next_sentence_begins(dana):
    failed = to(dana, state=S.FAILED, ended_at=NOW)
    attempt = DeliveryAttempt(message=failed, number=1, code="401", detail="Bad key")
    [moment] = timeline.moments_of(contact_id=dana.pk)
    known: dict[str, Any] = {"messages": {failed.pk: failed}, "attempts": {failed.pk: attempt}}
    item = contact_items.tell(
        "moment", moment, Surroundings(contact=dana, now=NOW, zone=UTC, followed=[failed.pk], **known)
    )
    assert item is not None
    assert item.reason.startswith("The provider refused it: Bad key. What follows it")


def test_where_a_yes_came_from_is_a_sentence(dana):
    say(dana)
    item = contact_items.tell("consent", [ConsentRecord.objects.get()], Surroundings(contact=dana, now=NOW, zone=UTC))
    assert item is not None
    assert item.meta == "From the CRM, they said yes."
