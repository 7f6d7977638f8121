from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.console import waiting_words
from tests.campaigns.console.contacts import dana, to, topic

pytestmark = pytest.mark.django_db

__all__ = ["dana", "topic"]


@pytest.mark.parametrize(
    ("now", "due", "why"),
    [
        (datetime(2026, 12, 25, 12, 30, tzinfo=UTC), datetime(2026, 12, 27, 7, 0, tzinfo=UTC), "Shabbat"),
        (datetime(2026, 12, 24, 19, 0, tzinfo=UTC), datetime(2026, 12, 25, 7, 0, tzinfo=UTC), "quiet hours"),
        (datetime(2026, 9, 11, 12, 0, tzinfo=UTC), datetime(2026, 9, 14, 6, 0, tzinfo=UTC), "Rosh Hashanah"),
        (datetime(2027, 6, 10, 12, 0, tzinfo=UTC), datetime(2027, 6, 13, 6, 0, tzinfo=UTC), "Shavuot and Shabbat"),
    ],
)
def test_a_message_kept_back_by_a_day_of_rest_names_it(dana, settings, now, due, why):
    settings.COMPLIANCE_QUIET_HOURS = True
    message = to(dana, due_at=due, channel="sms")

    words = waiting_words.why_not_yet(message, now=now)

    assert words.endswith(f", 09:00 in their own time because of {why}.")


def test_while_sending_is_off_nothing_goes_in_a_moment(dana):
    message = to(dana)
    told = [
        waiting_words.why_not_yet(message, now=message.due_at, is_sending_on=is_sending_on)
        for is_sending_on in (True, False)
    ]
    assert told == ["It is due and goes out in a moment.", "It is due and waits: sending is off."]
