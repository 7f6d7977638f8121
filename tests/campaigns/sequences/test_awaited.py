"""What follows a message waits until that has come to its end, and counts from there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.delivery import claim, dispatch
from campaigns.delivery.models import Message
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import advance, awaited, figures, lifecycle, unclear, wake
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator import clock
from orchestrator.channels import registry
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
DAY = timedelta(days=1)
MAIL, _, ASKED, BANNER, END = make.document()["steps"]
WAIT = {"key": "wait", "kind": "WAIT", "for": "1d"}
SECOND = MAIL | {"key": "mail-2"}
mail_wait_banner = scenes.of(scenes.campaign(MAIL, WAIT, BANNER))


@pytest.fixture(autouse=True)
def outbox():
    found = registry.outbox("email")
    found.clear()
    yield found
    found.clear()


def launched(*steps: dict[str, Any], **changes: Any) -> Campaign:
    return make.launched(**scenes.campaign(*steps, **changes))


def tick(now: datetime) -> None:
    wake.wake_concerned(now=now)
    figures.renew_waiting(now=now)
    advance.advance_due(now=now)
    claim.make_ready(now=now, wall_now=clock.wall_now())
    for channel in ("email", "in_app"):
        dispatch.dispatch_due(channel=channel, now=now, worker="t")


def run(start: datetime, end: datetime, every: timedelta = timedelta(hours=6)) -> None:
    while start <= end:
        tick(start)
        start += every


def ends(state: str, at: datetime, step: str = "mail-1", **changes: Any) -> None:
    accepted = at if state == Message.State.ACCEPTED else None
    Message.objects.filter(origin_step=step).update(state=state, accepted_at=accepted, ended_at=at, **changes)


def stands() -> tuple[str, datetime | None]:
    row = Enrolment.objects.get()
    return row.step_key, row.due_at


def test_the_banner_comes_a_day_after_the_mail_not_before_it(settings):
    settings.COMPLIANCE_QUIET_HOURS = True
    friday = datetime(2026, 3, 6, 13, 0, tzinfo=UTC)
    launched(MAIL, WAIT, BANNER, now=friday)
    run(friday, friday + 3 * DAY, timedelta(hours=1))
    mail, banner = Message.objects.order_by("accepted_at")
    assert mail.accepted_at is not None
    assert (mail.origin_step, mail.accepted_at.weekday(), banner.origin_step) == ("mail-1", 6, "banner")
    assert banner.accepted_at == mail.accepted_at + DAY


def test_a_question_about_a_mail_is_asked_when_it_has_gone():
    launched(MAIL, WAIT, ASKED | {"else": "mail-2"}, SECOND, END)
    run(NOW + 3 * DAY, NOW + 3 * DAY)
    assert Message.objects.filter(origin_step="mail-2").count() == 0
    ends("ACCEPTED", NOW + 2 * DAY)
    tick(NOW + 3 * DAY)
    assert Message.objects.filter(origin_step="mail-2").count() == 1


@mail_wait_banner
@pytest.mark.parametrize("state", ["PLANNED", "READY", "CLAIMED", "SENDING", "UNKNOWN"])
def test_while_it_may_still_go_nothing_follows(state):
    lease = clock.wall_now() if state in ("CLAIMED", "SENDING") else None
    Message.objects.update(state=state, lease_until=lease)
    wake.wake_concerned(now=NOW + 9 * DAY)
    assert advance.advance_due(now=NOW + 9 * DAY).looked_at == 0
    assert stands() == ("wait", None)


@mail_wait_banner
@pytest.mark.parametrize("state", ["ACCEPTED", "EXPIRED", "FAILED", "SKIPPED", "UNDETERMINED"])
def test_however_it_ended_the_wait_counts_from_there(state):
    ends(state, NOW + 2 * DAY, reason="CAPPED" if state == "SKIPPED" else "")
    wake.wake_concerned(now=NOW + 2 * DAY)
    assert stands() == ("wait", NOW + 3 * DAY)


def test_after_a_mail_that_expired_unsent_the_next_one_comes():
    campaign = launched(MAIL, WAIT, SECOND, limits={"send_by_hours": 24})
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    campaign.refresh_from_db()
    back = NOW + timedelta(hours=31)
    lifecycle.resume(campaign=campaign, by="dana", now=back)
    run(back, back + DAY)
    first, second = Message.objects.order_by("pk")
    assert (first.state, first.ended_at, second.planned_at) == ("EXPIRED", back, back + DAY)


def test_after_a_pause_the_second_mail_keeps_its_distance():
    campaign = launched(MAIL, WAIT | {"for": "10d"}, SECOND, limits={"send_by_hours": 336})
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    campaign.refresh_from_db()
    back = NOW + 11 * DAY
    lifecycle.resume(campaign=campaign, by="dana", now=back)
    run(back, back + 10 * DAY, DAY)
    first, second = Message.objects.order_by("pk").values_list("accepted_at", flat=True)
    assert (first, second) == (back, back + 10 * DAY)


def test_a_mail_without_a_wait_before_it_follows_the_other():
    launched(MAIL, SECOND)
    advance.advance_due(now=NOW)
    assert not Message.objects.filter(origin_step="mail-2").exists()
    ends("ACCEPTED", NOW)
    tick(NOW)
    assert Message.objects.filter(origin_step="mail-2").exists()


def test_a_local_time_is_awaited_from_when_the_mail_went():
    launched(MAIL, {"key": "wait", "kind": "WAIT", "until": {"time": "10:00"}}, BANNER)
    ends("ACCEPTED", NOW + timedelta(hours=20))
    wake.wake_concerned(now=NOW + timedelta(hours=20))
    advance.advance_due(now=NOW + timedelta(hours=20))
    due = Enrolment.objects.get().due_at
    assert due is not None
    assert NOW + timedelta(hours=20) < due <= NOW + timedelta(hours=44)


@mail_wait_banner
def test_who_leaves_meanwhile_leaves_and_who_does_not_goes_on_waiting():
    Enrolment.objects.update(due_at=NOW)
    assert advance.advance_due(now=NOW).looked_at == 1
    assert stands() == ("wait", None)
    SegmentMembership.objects.update(left_at=NOW)
    wake.wake_concerned(now=NOW)
    advance.advance_due(now=NOW)
    assert Enrolment.objects.get().exit_reason == "LEFT_SEGMENT"


@mail_wait_banner
def test_what_was_given_back_is_awaited_until_it_is_planned_anew():
    ends("SKIPPED", NOW, reason="FACTS_CHANGED")
    wake.wake_concerned(now=NOW)
    assert stands() == ("wait", None)


@mail_wait_banner
def test_what_a_person_sends_again_is_awaited_again():
    campaign = Campaign.objects.get()
    ends("UNDETERMINED", NOW)
    wake.wake_concerned(now=NOW)
    later = NOW + timedelta(hours=12)
    assert unclear.send_again(campaign=campaign, by="dana", now=later) == 1
    assert stands() == ("wait", None)
    ends("ACCEPTED", later)
    wake.wake_concerned(now=later)
    assert stands() == ("wait", later + DAY)


def test_in_a_paused_campaign_nobody_is_looked_at_and_the_wait_counts_all_the_same():
    campaign = launched(MAIL, WAIT, SECOND)
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    ends("ACCEPTED", NOW)
    assert awaited.release_awaited(now=NOW + DAY) == 0

    lifecycle.resume(campaign=campaign, by="dana", now=NOW + DAY)

    assert awaited.release_awaited(now=NOW + DAY) == 1
    assert Enrolment.objects.get().due_at == NOW + DAY


@scenes.of(scenes.campaign(*make.document()["steps"]), accounts=5)
def test_all_are_released_by_one_statement():
    ends("ACCEPTED", NOW)
    with CaptureQueriesContext(connection) as statements:
        assert awaited.release_awaited(now=NOW) == 5
    assert len([one for one in statements if "sequences_enrolment" in one["sql"]]) == 1
