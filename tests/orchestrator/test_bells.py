from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django_rq import get_worker
from hypothesis import given
from hypothesis import strategies as st
from rq import Queue
from rq.job import Callback, Job
from rq.serializers import DefaultSerializer, JSONSerializer

from campaigns import cron
from campaigns.operations import ticks
from campaigns.operations.models import TickSlot
from orchestrator import clock
from orchestrator.jobs import beat, bells, queues
from orchestrator.jobs.job import AllowListedJob
from orchestrator.jobs.worker import BellWorker


def waiting(name: str = queues.NOW) -> list[list[Any]]:
    return [list(job.args) for job in queues.open_queue(name).get_jobs()]


def run_once(name: str = queues.NOW) -> None:
    get_worker(name, worker_class=BellWorker).work(burst=True)


@pytest.mark.django_db
def test_a_bell_becomes_one_waiting_job_however_often_it_is_rung(empty_redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(5):
            bells.ring("usage_stored")

    assert waiting() == [["usage_stored"]]


@pytest.mark.django_db
def test_two_bells_are_two_jobs(empty_redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        bells.ring("usage_stored")
        bells.ring("messages_due")

    assert waiting() == [["usage_stored"], ["messages_due"]]


@pytest.mark.django_db
def test_a_slow_bell_waits_in_the_queue_of_its_own(empty_redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        bells.ring("crm_sync")

    assert (waiting("now"), waiting("bulk")) == ([], [["crm_sync"]])


@pytest.mark.django_db(transaction=True)
def test_a_bell_rung_in_a_transaction_that_rolls_back_is_silent(empty_redis):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        bells.ring("usage_stored")
        raise ZeroDivisionError

    assert waiting() == []


@pytest.mark.django_db
def test_a_bell_rung_after_its_job_was_taken_is_a_new_job(empty_redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        bells.ring("usage_stored")
    empty_redis.lpop(queues.open_queue("now").key)

    with django_capture_on_commit_callbacks(execute=True):
        bells.ring("usage_stored")

    assert waiting() == [["usage_stored"]]


@pytest.mark.django_db(transaction=True)
def test_a_bell_after_an_emptied_redis_rings_again(empty_redis):
    bells.ring("usage_stored")
    empty_redis.flushdb()

    bells.ring("usage_stored")

    assert waiting() == [["usage_stored"]]


@pytest.mark.django_db
def test_ringing_without_redis_never_fails_the_caller(settings, caplog, tmp_path, django_capture_on_commit_callbacks):
    dead = {**settings.RQ_QUEUES["now"], "URL": f"unix://{tmp_path}/nobody.sock"}
    settings.RQ_QUEUES = {"now": dead, "bulk": dead}

    with django_capture_on_commit_callbacks(execute=True):
        bells.ring("usage_stored")

    assert "The bell usage_stored was not rung" in caplog.text


@pytest.mark.django_db
def test_a_bell_job_carries_a_name_and_nothing_else(empty_redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        bells.ring("usage_stored")

    [job] = queues.open_queue("now").get_jobs()
    assert (job.func_name, list(job.args), job.kwargs) == ("campaigns.cron.answer_bell", ["usage_stored"], {})
    assert (job.result_ttl, job.failure_ttl, job.timeout) == (0, 604800, 60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "path",
    [
        "os.mkdir",
        "campaigns.cron.import_string",
        "campaigns.cron.timedelta",
        "campaigns.operations.worker.BeatingWorker",
        "campaigns.intake.jobs.log.critical",
        "django.core.management.call_command",
        "campaigns.delivery.plan.plan_messages",
    ],
)
def test_a_job_of_a_function_that_is_not_allowed_fails_without_running(empty_redis, tmp_path, path):
    target = tmp_path / "made"
    job = queues.open_queue("now").enqueue_call(path, args=(str(target),), failure_ttl=60)

    run_once()

    job.refresh()
    assert job.is_failed
    assert "PermissionError" in (job.latest_result().exc_string or "")
    assert not target.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["on_success", "on_failure", "on_stopped"])
def test_a_job_with_a_callback_is_not_run(empty_redis, tmp_path, kind):
    job = queues.open_queue("now").enqueue_call("campaigns.cron.tick", failure_ttl=60, **{kind: Callback("os.mkdir")})

    run_once()

    job.refresh()
    assert job.is_failed
    assert TickSlot.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_pickled_job_is_never_unpickled(empty_redis, tmp_path):
    pickling = Queue("now", connection=empty_redis, serializer=DefaultSerializer)
    job = pickling.enqueue(print, "unpickled")

    run_once()

    assert Job.fetch(job.id, connection=empty_redis).is_failed


@pytest.mark.django_db(transaction=True)
def test_a_worker_on_two_queues_is_refused(empty_redis):
    with pytest.raises(ValueError, match="one queue"):
        get_worker("now", "bulk", worker_class=BellWorker)


@pytest.mark.django_db(transaction=True)
def test_a_tick_rings_every_bell_of_the_timetable_once_per_slot(empty_redis, monkeypatch):
    moment = clock.wall_now().replace(second=0, microsecond=0)
    monkeypatch.setattr(clock, "wall_now", lambda: moment)

    cron.tick()
    rung = sorted(name for [name] in [*waiting("now"), *waiting("bulk")])
    empty_redis.flushdb()
    cron.tick()

    assert rung == sorted(cron.TIMETABLE)
    assert [*waiting("now"), *waiting("bulk")] == []


@pytest.mark.django_db
def test_a_slot_is_claimed_once_and_forgotten_later():
    now = clock.wall_now()
    slots = beat.due_slots({"messages_due": 1, "crm_sync": 300}, now)

    first = ticks.claim_slots(slots=slots, keep_since=now - cron.KEEP_SLOTS)
    second = ticks.claim_slots(slots=slots, keep_since=now - cron.KEEP_SLOTS)
    later = now + cron.KEEP_SLOTS + cron.KEEP_SLOTS
    ticks.claim_slots(slots=beat.due_slots({"messages_due": 1}, later), keep_since=later - cron.KEEP_SLOTS)

    assert sorted(first) == ["crm_sync", "messages_due"]
    assert second == []
    assert TickSlot.objects.count() == 1


@given(now=st.datetimes().map(lambda at: at.replace(tzinfo=clock.wall_now().tzinfo)), every=st.integers(1, 86400))
def test_a_slot_begins_at_or_before_now_and_lasts_its_interval(now, every):
    slot = beat.slot_of(every, now)

    assert 0 <= (now - slot).total_seconds() < every
    assert beat.slot_of(every, slot) == slot


@pytest.mark.django_db
def test_a_failing_job_does_not_keep_the_others_from_running(monkeypatch):
    monkeypatch.setitem(cron.BELLS, "usage_stored", ["campaigns.nowhere.jobs.work", "campaigns.cron.tick"])

    with pytest.raises(ImportError):
        cron.answer_bell("usage_stored")

    assert TickSlot.objects.count() == len(cron.TIMETABLE)


def test_every_bell_of_the_timetable_sets_something_off_and_every_job_is_allowed():
    assert set(cron.TIMETABLE) <= set(cron.BELLS)
    assert set(settings.BELL_QUEUES) <= set(cron.BELLS)
    for paths in cron.BELLS.values():
        for path in paths:
            job = AllowListedJob.create(path, connection=queues.connection(), serializer=JSONSerializer)
            assert callable(job.func)
