from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django_rq import get_worker

from campaigns.operations import diagnosis, readiness
from campaigns.operations.findings import Level
from campaigns.operations.models import TickSlot, WorkerHeartbeat
from campaigns.operations.worker import BeatingWorker
from orchestrator import clock

pytestmark = pytest.mark.django_db


def living_site(age_s: float = 1.0) -> None:
    now = clock.wall_now()
    seen = now - timedelta(seconds=age_s)
    for queue in ("now", "bulk"):
        WorkerHeartbeat.objects.create(name=f"{queue}-1", queue=queue, pid=1, started_at=seen, seen_at=seen)
    TickSlot.objects.create(task="messages_due", slot=seen)


def test_a_site_with_workers_and_ticks_is_ready(client):
    living_site()

    response = client.get("/readyz")

    answer = response.json()
    assert (response.status_code, answer["ok"], answer["database"], answer["redis"]) == (200, True, True, True)
    assert (set(answer["workers"]), answer["open_messages"], answer["oldest_unknown_s"]) == ({"now", "bulk"}, 0, None)


def test_a_site_whose_workers_fell_silent_is_not_ready(client):
    living_site(age_s=31)

    assert client.get("/readyz").status_code == 503


def test_a_queue_is_as_alive_as_its_youngest_worker():
    living_site(age_s=100)
    now = clock.wall_now()
    WorkerHeartbeat.objects.create(name="now-2", queue="now", pid=2, started_at=now, seen_at=now)

    state = readiness.look(wall_now=now)

    assert state.workers["now"] == 0.0
    assert state.workers["bulk"] >= 100


def test_without_redis_the_site_is_not_ready_but_answers(client, settings, tmp_path):
    living_site()
    dead = {**settings.RQ_QUEUES["now"], "URL": f"unix://{tmp_path}/nobody.sock"}
    settings.RQ_QUEUES = {"now": dead, "bulk": dead}

    response = client.get("/readyz")

    assert (response.status_code, response.json()["redis"], response.json()["database"]) == (503, False, True)


def test_a_web_process_whose_workers_run_elsewhere_is_ready_without_them(client, settings):
    settings.READY_NEEDS_WORKERS = False

    assert client.get("/readyz").status_code == 200


def test_liveness_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"ok": True}


@pytest.mark.django_db(transaction=True)
def test_a_worker_shows_that_it_lives_and_takes_its_row_away_when_it_ends(empty_redis, monkeypatch):
    monkeypatch.setenv("CRESCENDO_PROCESS", "now-7")
    worker = get_worker("now", worker_class=BeatingWorker)

    worker.beat()
    worker.beat()

    [row] = WorkerHeartbeat.objects.all()
    assert (row.queue, row.pid, row.name.partition("@")[0]) == ("now", os.getpid(), "now-7")
    worker.farewell()
    assert not WorkerHeartbeat.objects.exists()


def test_the_doctor_finds_nothing_wrong_with_a_living_site():
    living_site()

    findings = list(diagnosis.examine(wall_now=clock.wall_now()))

    about = {finding.about: finding.level for finding in findings if finding.about != "Translations"}
    assert Level.WRONG not in about.values()
    assert about["Workers on now"] == Level.GOOD


def test_the_doctor_says_that_the_clock_was_moved(business_clock):
    clock.advance(to=clock.wall_now() + timedelta(days=3, hours=1))

    findings = {finding.about: finding for finding in diagnosis.examine(wall_now=clock.wall_now())}

    assert findings["Clock"].words.startswith("business time is 3 days ahead")
