"""What stays in Redis does not grow with what was done: all work is in rows."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django_rq import get_worker

from campaigns import cron
from campaigns.delivery import switch
from campaigns.delivery.models import Message
from orchestrator.jobs import bells, queues
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, EACH = (1, 3), 4


@pytest.fixture(autouse=True)
def at_that_time():
    with time_machine.travel(NOW):
        yield


def answer_bells() -> None:
    get_worker(queues.NOW, name="worker").work(burst=True)


def left_in(redis: Any) -> tuple[list[str], int]:
    """Names of all keys, and their bytes."""
    keys = sorted(key.decode() for key in redis.scan_iter())
    return keys, sum(redis.memory_usage(key) or 0 for key in keys)


def test_messages_and_their_bells_leave_the_same_few_keys_however_many_there_were(empty_redis):
    """given messages that go, a bell rung for each, when three times as many go, then Redis holds the same"""
    gate, version = SendGateFactory(), TemplateVersionFactory(template__channel="in_app")
    switch.ensure_switch(now=NOW)
    left = []
    for rounds in ROUNDS:
        for _ in range(rounds):
            for _ in range(EACH):
                ReadyMessageFactory(gate=gate, template_version=version, channel="in_app")
                bells.ring("messages_due")
            answer_bells()
        left.append(left_in(empty_redis))

    assert Message.objects.filter(state="ACCEPTED").count() == EACH * sum(ROUNDS)
    assert left[1][0] == left[0][0]
    assert left[1][1] <= left[0][1] + 256


def test_of_bells_that_fail_again_and_again_the_newest_stay(empty_redis, monkeypatch):
    monkeypatch.setattr(queues, "KEPT_FAILURES", 1)
    monkeypatch.setitem(cron.BELLS, "messages_due", ["campaigns.no.such.job"])
    ids = []
    for _ in range(3):
        bells.ring("messages_due")
        ids += queues.open_queue(queues.NOW).job_ids
        answer_bells()

    failed = queues.open_queue(queues.NOW).failed_job_registry.get_job_ids()
    kept = {
        key.decode().rpartition(":")[2]
        for pattern in ("rq:job:*", "rq:results:*")
        for key in empty_redis.scan_iter(pattern)
    }
    assert (len(failed), len(set(ids))) == (1, 3)
    assert kept == set(failed)
