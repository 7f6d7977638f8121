from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.operations.models import PullCursor
from campaigns.profiles.models import Account
from campaigns.segments import refresh
from campaigns.sequences import advance, enrol, jobs, shares
from campaigns.sequences.models import Campaign, Enrolment, Entry
from orchestrator.jobs import queues
from tests.factories import sequences as make
from tests.settled import wait_until_settled

NOW = make.NOW


def audience_of(number: int) -> Campaign:
    make.market()
    campaign = make.launched(holdout_percent=0)
    assert campaign.segment is not None
    for _ in range(number):
        make.ready_account()
    refresh.refresh_segment(segment=campaign.segment, now=NOW)
    return campaign


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_is_at_is_left_to_it_and_the_rest_is_taken_in():
    campaign = audience_of(6)
    wait_until_settled()
    is_taken, may_go = threading.Event(), threading.Event()

    def another_worker() -> None:
        with transaction.atomic():
            shares.lock_share(slug=campaign.slug, share=0)
            is_taken.set()
            may_go.wait(timeout=60)
        connection.close()

    other = threading.Thread(target=another_worker)
    other.start()
    assert is_taken.wait(timeout=60)
    enrol.enrol_due(now=NOW)
    may_go.set()
    other.join()
    # then
    odd = {pk for pk in Account.objects.values_list("pk", flat=True) if pk % 2}
    assert set(Entry.objects.values_list("account_id", flat=True)) == odd
    assert enrol.enrol_due(now=NOW).enrolled == 6 - len(odd)


@pytest.mark.django_db(transaction=True)
def test_a_launch_waits_for_the_share_that_another_worker_is_at():
    campaign = audience_of(4)
    is_taken = threading.Event()

    def another_worker() -> None:
        with transaction.atomic():
            shares.lock_share(slug=campaign.slug, share=1)
            is_taken.set()
            Enrolment.objects.count()
        connection.close()

    other = threading.Thread(target=another_worker)
    other.start()
    assert is_taken.wait(timeout=60)
    assert enrol.enrol_audience(campaign=campaign, now=NOW).enrolled == 4
    other.join()


@pytest.mark.django_db
def test_a_batch_that_another_was_faster_than_is_done_again():
    tries: list[int] = []

    def batch() -> int:
        tries.append(1)
        with transaction.atomic():
            PullCursor.objects.create(name=f"person-{min(len(tries), 2)}")
            if len(tries) == 1:
                PullCursor.objects.create(name="person-1")
        return len(tries)

    assert shares.despite_each_other(batch) == 2


@pytest.mark.django_db
def test_a_batch_that_cannot_be_stored_at_all_is_given_up():
    def batch() -> None:
        with transaction.atomic():
            PullCursor.objects.create(name="person-1")
            PullCursor.objects.create(name="person-1")

    with pytest.raises(IntegrityError):
        shares.despite_each_other(batch)


@pytest.mark.django_db
def test_another_worker_is_rung_for_while_more_is_due_than_a_batch(
    monkeypatch, empty_redis, django_capture_on_commit_callbacks
):
    campaign = audience_of(3)
    enrol.enrol_audience(campaign=campaign, now=NOW)
    Enrolment.objects.update(due_at=NOW - timedelta(days=900))
    monkeypatch.setattr(advance, "BATCH", 2)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.advance_many()
    rung = [job.args for job in queues.open_queue(queues.NOW).jobs]
    assert rung.count(["many_enrolments_due"]) == 1
    assert not Enrolment.objects.filter(due_at__lt=NOW - timedelta(days=800)).exists()
