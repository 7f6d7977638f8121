"""Waits until a local time, one after the other: each means a time of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.delivery.models import Message
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
MAIL = make.document()["steps"][0]
# Nine o'clock where the contact is.
TUESDAY = datetime(2026, 3, 3, 7, tzinfo=UTC)
WEEK = timedelta(days=7)


def tuesday(key: str) -> dict[str, Any]:
    return {"key": key, "kind": "WAIT", "until": {"time": "09:00", "weekday": "TUE"}}


def days_of_messages(*steps: dict[str, Any]) -> list[datetime]:
    """When each message was due, looked at before, at and after every nine o'clock of three weeks."""
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None, exit_on=[], steps=list(steps))
    for day in range(21):
        for hour in (-1, 0, 1):
            make.go_on(now=TUESDAY + timedelta(days=day, hours=hour))
    return list(Message.objects.order_by("pk").values_list("due_at", flat=True))


def test_two_mails_that_each_wait_for_tuesday_go_on_two_tuesdays():
    due = days_of_messages(tuesday("wait-1"), MAIL, tuesday("wait-2"), MAIL | {"key": "mail-2"})
    assert due == [TUESDAY, TUESDAY + WEEK]


def test_a_weekly_mail_that_comes_round_goes_once_a_week():
    due = days_of_messages(tuesday("wait"), MAIL, {"key": "again", "kind": "GOTO", "to": "wait", "at_most": 2})
    assert due == [TUESDAY, TUESDAY + WEEK, TUESDAY + 2 * WEEK]
