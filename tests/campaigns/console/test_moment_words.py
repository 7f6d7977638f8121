"""Whose words stand beside a moment of the timeline."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from campaigns.consent import hold, points
from campaigns.console import contact_items
from campaigns.console.contact_items import Surroundings
from campaigns.delivery import timeline
from tests.campaigns.console.contacts import S, dana, to, topic
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
