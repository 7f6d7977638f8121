"""A wait until something happens: what happened before does not end it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from campaigns.profiles.models import Account, Contact
from campaigns.sequences.models import Enrolment
from campaigns.usage import record
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
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


@pytest.fixture(scope="module")
def scene(shared_rows, request: pytest.FixtureRequest) -> Iterator[None]:
    """An account with its readers, inside a campaign of these steps."""
    steps, readers = request.param
    with transaction.atomic():
        make.market()
        account = make.account_near_limit()
        for _ in range(readers):
            make.reader(account)
        roles = {"roles": ["OWNER"], "per_account": readers}
        make.launched(holdout_percent=None, exit_on=[], recipients=roles, steps=[*steps])
        yield
        transaction.set_rollback(True)


def launched(*steps: dict[str, Any], readers: int = 1) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scene", [(steps, readers)], indirect=True, ids=[pytest.HIDDEN_PARAM])


mail_and_wait = launched(MAIL, waiting(), BANNER)
two_waits = launched(MAIL, {"key": "days", "kind": "WAIT", "for": "3d"}, waiting(), BANNER)
two_readers = launched(MAIL, waiting(), BANNER, readers=2)


def steps_at(now: datetime) -> list[str]:
    """Where everybody stands after a look; empty past the last step."""
    make.go_on(now=now)
    return list(Enrolment.objects.order_by("pk").values_list("step_key", flat=True))


@mail_and_wait
def test_what_happened_before_the_wait_does_not_end_it():
    happens(NOW - 20 * DAY, contact=Contact.objects.get())
    assert steps_at(NOW + timedelta(minutes=1)) == ["wait"]


@mail_and_wait
def test_what_happens_while_it_waits_ends_it():
    steps_at(NOW)
    happens(NOW + DAY, contact=Contact.objects.get())
    assert steps_at(NOW + DAY) == [""]


@two_waits
def test_what_happened_in_the_wait_before_does_not_end_it():
    happens(NOW + DAY, contact=Contact.objects.get())
    assert steps_at(NOW + 3 * DAY) == ["wait"]


@two_waits
def test_what_happened_between_the_end_of_the_wait_before_and_a_late_look_ends_it():
    happens(NOW + 4 * DAY, contact=Contact.objects.get())
    assert steps_at(NOW + 5 * DAY) == [""]


@launched(MAIL, waiting(window="7d"), BANNER)
def test_a_window_that_is_written_beside_the_event_holds_as_it_is_written():
    happens(NOW - 2 * DAY, contact=Contact.objects.get())
    assert steps_at(NOW + timedelta(minutes=1)) == [""]


@two_readers
def test_what_happens_to_the_account_ends_it_for_everybody_there():
    steps_at(NOW)
    happens(NOW + DAY)
    assert steps_at(NOW + DAY) == ["", ""]


@two_readers
def test_what_happens_to_a_colleague_ends_it_for_the_colleague_alone():
    steps_at(NOW)
    happens(NOW + DAY, contact=Enrolment.objects.order_by("pk")[0].contact)
    assert steps_at(NOW + DAY) == ["", "wait"]
