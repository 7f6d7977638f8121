"""A wait until something happens: what happened before does not end it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.profiles.models import Account, Contact
from campaigns.sequences.models import Enrolment
from campaigns.usage import record
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
MAIL, _WAIT, _ASKED, BANNER, _END = make.document()["steps"]
DAY = timedelta(days=1)


def waiting(**until: Any) -> dict[str, Any]:
    return {"key": "wait", "kind": "WAIT", "until": {"event": "report_viewed"} | until, "at_most": "30d"}


def happens(at: datetime, *, contact: Contact | None = None) -> None:
    record.record_events(
        events=[
            record.NewEvent(
                at=at,
                account_id=Account.objects.get().pk,
                contact_id=contact.pk if contact else None,
                name="report_viewed",
                properties={},
                source="tests",
                message_id=str(at),
                received_at=at,
            )
        ]
    )


def launched(*steps: dict[str, Any], readers: int = 1) -> None:
    make.market()
    account = make.account_near_limit()
    for _ in range(readers):
        make.reader(account)
    roles = {"roles": ["OWNER"], "per_account": readers}
    make.launched(holdout_percent=None, exit_on=[], recipients=roles, steps=[*steps])


def steps_at(now: datetime) -> list[str]:
    """Where everybody stands after a look; empty past the last step."""
    make.go_on(now=now)
    return list(Enrolment.objects.order_by("pk").values_list("step_key", flat=True))


def test_what_happened_before_the_wait_does_not_end_it():
    launched(MAIL, waiting(), BANNER)
    happens(NOW - 20 * DAY, contact=Contact.objects.get())
    assert steps_at(NOW + timedelta(minutes=1)) == ["wait"]


def test_what_happens_while_it_waits_ends_it():
    launched(MAIL, waiting(), BANNER)
    steps_at(NOW)
    happens(NOW + DAY, contact=Contact.objects.get())
    assert steps_at(NOW + DAY) == [""]


def test_what_happened_in_the_wait_before_does_not_end_it():
    launched(MAIL, {"key": "days", "kind": "WAIT", "for": "3d"}, waiting(), BANNER)
    happens(NOW + DAY, contact=Contact.objects.get())
    assert steps_at(NOW + 3 * DAY) == ["wait"]


def test_what_happened_between_the_end_of_the_wait_before_and_a_late_look_ends_it():
    launched(MAIL, {"key": "days", "kind": "WAIT", "for": "3d"}, waiting(), BANNER)
    happens(NOW + 4 * DAY, contact=Contact.objects.get())
    assert steps_at(NOW + 5 * DAY) == [""]


def test_a_window_that_is_written_beside_the_event_holds_as_it_is_written():
    launched(MAIL, waiting(window="7d"), BANNER)
    happens(NOW - 2 * DAY, contact=Contact.objects.get())
    assert steps_at(NOW + timedelta(minutes=1)) == [""]


def test_what_happens_to_the_account_ends_it_for_everybody_there():
    launched(MAIL, waiting(), BANNER, readers=2)
    steps_at(NOW)
    happens(NOW + DAY)
    assert steps_at(NOW + DAY) == ["", ""]


def test_what_happens_to_a_colleague_ends_it_for_the_colleague_alone():
    launched(MAIL, waiting(), BANNER, readers=2)
    steps_at(NOW)
    happens(NOW + DAY, contact=Enrolment.objects.order_by("pk")[0].contact)
    assert steps_at(NOW + DAY) == ["", "wait"]
