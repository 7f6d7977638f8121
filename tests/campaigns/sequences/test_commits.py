"""What shows only where it is really committed: planners at once, events that commit late, changes that are pulled."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns.delivery.models import Message
from campaigns.profiles import identify
from campaigns.profiles.models import Account, Membership
from campaigns.segments import refresh
from campaigns.sequences import enrol, enrol_events, wake
from campaigns.sequences.models import Campaign, Enrolment, Entry, StepRun
from campaigns.usage import record
from tests.factories import sequences as make
from tests.factories.profiles import ContactFactory
from tests.settled import wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)

NOW = make.NOW
DAY = timedelta(days=1)
SOON = NOW + timedelta(minutes=5)
MAIL, _, _, BANNER, _ = make.document()["steps"]


def test_two_planners_at_once_plan_each_step_once():
    make.market()
    for _ in range(40):
        make.ready_account()
    make.launched(holdout_percent=None)
    barrier = threading.Barrier(2)
    planned: list[int] = []

    def planner() -> None:
        barrier.wait()
        planned.append(make.go_on(now=NOW + 3 * DAY).planned)
        connection.close()

    threads = [threading.Thread(target=planner) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(planned) == Message.objects.filter(origin_step="banner").count() == 40


def refresh_audience(campaign: Campaign) -> None:
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=NOW)


def test_the_newly_entered_are_pulled_in():
    make.market()
    campaign = make.launched(holdout_percent=None)
    account = make.ready_account()
    refresh_audience(campaign)
    wait_until_settled()
    assert enrol.enrol_due(now=NOW).enrolled == 1
    assert enrol.enrol_due(now=NOW).enrolled == 0
    assert Enrolment.objects.get().account == account


def test_two_planners_and_a_recompute_at_once_enrol_everybody_once():
    make.market()
    campaign = make.launched(holdout_percent=None)
    shared = ContactFactory()
    for number in range(60):
        account = make.ready_account()
        if number % 10 == 0:
            Membership.objects.create(account=account, contact=shared, role="OWNER")
    refresh_audience(campaign)
    wait_until_settled()
    errors: list[Exception] = []
    barrier = threading.Barrier(4)

    def planner(number: int) -> None:
        barrier.wait()
        try:
            if number == 0:
                refresh_audience(campaign)
            elif number == 1:
                enrol.enrol_audience(campaign=campaign, now=NOW)
            else:
                enrol.enrol_due(now=NOW)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=planner, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (
        Entry.objects.count() == Enrolment.objects.count() == StepRun.objects.count() == Message.objects.count() == 60
    )


def happens(account: Account) -> None:
    event = record.NewEvent(SOON, account.pk, None, "sso_attempted", {}, "tests", str(account.pk), SOON)
    record.record_events(events=[event])


def test_an_event_that_commits_late_under_an_older_id_is_not_lost():
    make.market()
    slow, quick = make.ready_account(), make.ready_account()
    make.launched(holdout_percent=None, entry={"event": {"name": "sso_attempted"}})
    stored, may_commit = threading.Event(), threading.Event()

    def store_slowly() -> None:
        try:
            with transaction.atomic():
                happens(slow)
                stored.set()
                may_commit.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=store_slowly)
    thread.start()
    assert stored.wait(20)
    happens(quick)
    for _ in range(3):
        enrol_events.enrol_happened(now=SOON)
    assert set(Entry.objects.values_list("account_id", flat=True)) == {quick.pk}
    may_commit.set()
    thread.join(20)
    wait_until_settled()
    for _ in range(3):
        enrol_events.enrol_happened(now=SOON)
    assert set(Entry.objects.values_list("account_id", flat=True)) == {quick.pk, slow.pk}


def waiting(*steps: dict[str, Any]) -> None:
    """One account whose mail has gone, at the wait that follows."""
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None, steps=[MAIL, *steps], exit_on=[])
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, ended_at=NOW)


def look(at: datetime) -> None:
    wake.wake_concerned(now=at)
    make.go_on(now=at)
    wake.complete_finished(now=at)


def test_a_change_of_the_account_wakes_who_waits_for_it():
    stage = {"field": "account.traits.stage", "op": "=", "value": "ready"}
    asks = {"key": "asks", "kind": "WAIT", "until": stage, "at_most": "7d", "then": "yes", "else": "no"}
    waiting(asks, BANNER | {"key": "no"}, {"key": "out", "kind": "EXIT"}, BANNER | {"key": "yes"})
    look(NOW)
    wait_until_settled()
    look(NOW + timedelta(seconds=30))
    said = identify.AccountRecord(Account.objects.get().external_id, at=NOW, traits={"stage": "ready"})
    identify.upsert_accounts(records=[said], now=NOW + timedelta(minutes=1))
    wait_until_settled()
    look(NOW + timedelta(minutes=1))
    assert list(Message.objects.exclude(origin_step="mail-1").values_list("origin_step", flat=True)) == ["yes"]


def test_who_waits_for_time_is_not_woken_by_a_change():
    waiting({"key": "wait", "kind": "WAIT", "for": "3d"}, BANNER)
    wait_until_settled()
    look(NOW + DAY)
    assert Enrolment.objects.get().due_at == NOW + 3 * DAY
