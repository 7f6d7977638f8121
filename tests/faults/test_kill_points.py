"""kill -9 at every boundary of a send: before and after each statement, and on both sides of the provider's call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from campaigns.delivery import dispatch, feedback, reconcile
from campaigns.delivery.models import IntakeWatch, Message
from orchestrator import clock
from orchestrator.channels.contract import ChannelError, OutboundMessage, SendReceipt
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.reports import report
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory
from tests.faults.processes import KILLED, in_a_child, killing

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

State = Message.State
# Of a send, from the claim to the finish. A kill is tried at one after the other until nothing is left to be killed.
FEWEST_STATEMENTS, MOST_STATEMENTS = 20, 100


class FileProvider:
    """A provider outside this process: a request is a line in a file. It can kill its caller."""

    settings_read = ("TEST_PROVIDER_LOG", "TEST_PROVIDER_KILLS")
    kind = "email"
    is_live = True
    in_flight = 1

    def __init__(self, log: str, kills: str) -> None:
        self._log, self._kills = Path(log), kills

    @classmethod
    def from_settings(cls, kind: str) -> FileProvider:
        return cls(*(getattr(settings, name) for name in cls.settings_read))

    def send(self, message: OutboundMessage) -> SendReceipt:
        if self._kills == "before":
            os._exit(KILLED)
        with self._log.open("a") as log:
            log.write(f"{message.message_id}\n")
        if self._kills == "after":
            os._exit(KILLED)
        return SendReceipt(provider_id="file")


class WideFileProvider(FileProvider):
    in_flight = 5


class BatchFileProvider(FileProvider):
    """A request is one line however many messages it carries: all or nothing, as at the provider."""

    batch_size = 10
    slot_bytes = 10_000

    def send_batch(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt | ChannelError]:
        if self._kills == "before":
            os._exit(KILLED)
        with self._log.open("a") as log:
            log.write("".join(f"{message.message_id}\n" for message in messages))
        if self._kills == "after":
            os._exit(KILLED)
        return [SendReceipt(provider_id="file")] * len(messages)


def taken(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def send(log: Path, *, kills: str = "", kind: str = "") -> None:
    channels = {"email": f"tests.faults.test_kill_points.{kind}FileProvider"}
    with override_settings(CHANNELS=channels, TEST_PROVIDER_LOG=str(log), TEST_PROVIDER_KILLS=kills):
        dispatch.dispatch_due(channel="email", now=NOW, worker="tests")


def send_and_die(log: Path, *, at: int, side: str, kind: str = "") -> None:
    with connection.execute_wrapper(killing(at, side)):
        send(log, kind=kind)


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def recover(message: Message, log: Path) -> None:
    """What runs by itself afterwards: leases end, reports arrive, the window passes, what is ready goes."""
    wall = clock.wall_now() + timedelta(seconds=60)
    reconcile.reconcile(now=NOW, wall_now=wall)
    if taken(log):
        feedback.store_events(events=[report(EventType.PROCESSED, message=message)], now=NOW, wall_now=wall)
    reconcile.reconcile(now=NOW, wall_now=wall)
    IntakeWatch.objects.update(since=wall, seen_at=wall + timedelta(hours=2))
    reconcile.reconcile(now=NOW, wall_now=wall + timedelta(hours=2))
    Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
    send(log)


def check(message: Message, log: Path, policy: str) -> None:
    """At the kill: a row that tells the truth. After recovery: once, or shown as undetermined."""
    state, requests = state_of(message), taken(log)
    assert requests <= 1
    assert state in (State.READY, State.CLAIMED, State.SENDING, State.ACCEPTED)
    if requests:
        assert state in (State.SENDING, State.ACCEPTED)
    may_be_silent = state == State.SENDING and not requests and policy == "AT_MOST_ONCE"

    recover(message, log)

    if may_be_silent:
        assert (state_of(message), taken(log)) == (State.UNDETERMINED, 0)
    else:
        assert (state_of(message), taken(log)) == (State.ACCEPTED, 1)


@pytest.mark.parametrize("policy", ["AT_MOST_ONCE", "AT_LEAST_ONCE"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_any_statement_nothing_is_lost_or_doubled(tmp_path, side, policy):
    for number in range(1, MOST_STATEMENTS):
        log = tmp_path / f"provider-{number}.log"
        message = ReadyMessageFactory(policy=policy)

        status = in_a_child(partial(send_and_die, log, at=number, side=side))

        check(message, log, policy)
        if status == 0:
            break
        assert status == KILLED
    assert status == 0 and number > FEWEST_STATEMENTS


@pytest.mark.parametrize("policy", ["AT_MOST_ONCE", "AT_LEAST_ONCE"])
def test_killed_at_the_providers_door_nothing_is_lost_or_doubled(tmp_path, policy):
    for side in ("before", "after"):
        log = tmp_path / f"provider-{side}.log"
        message = ReadyMessageFactory(policy=policy)

        assert in_a_child(partial(send, log, kills=side)) == KILLED

        assert state_of(message) == State.SENDING
        check(message, log, policy)


def batch_of(count: int, policy: str) -> list[Message]:
    gate, version = SendGateFactory(), TemplateVersionFactory()
    return [ReadyMessageFactory(policy=policy, gate=gate, template_version=version) for _ in range(count)]


def check_batch(messages: list[Message], log: Path, policy: str) -> None:
    """After recovery, in which a report comes about ONE message of what the provider took: each went once, or all of
    a request that never left are shown as undetermined."""
    at_kill = {state_of(message) for message in messages}
    took = log.read_text().splitlines() if log.exists() else []
    assert len(took) == len(set(took)) and len(took) in (0, len(messages))
    if took:
        assert at_kill <= {State.SENDING, State.ACCEPTED}
    is_silent = at_kill == {State.SENDING} and not took and policy == "AT_MOST_ONCE"

    wall = clock.wall_now() + timedelta(seconds=60)
    reconcile.reconcile(now=NOW, wall_now=wall)
    if took:
        feedback.store_events(events=[report(EventType.PROCESSED, message=messages[0])], now=NOW, wall_now=wall)
    IntakeWatch.objects.update(since=wall, seen_at=wall + timedelta(hours=2))
    reconcile.reconcile(now=NOW, wall_now=wall + timedelta(hours=2))
    Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
    send(log, kind="Batch")

    expected = (State.UNDETERMINED, 0) if is_silent else (State.ACCEPTED, len(messages))
    assert {(state_of(message), taken(log)) for message in messages} == {expected}


@pytest.mark.parametrize(("side", "policy"), [("before", "AT_LEAST_ONCE"), ("after", "AT_MOST_ONCE")])
def test_killed_at_any_statement_of_a_batch_nothing_is_lost_or_doubled(tmp_path, side, policy):
    for number in range(1, MOST_STATEMENTS):
        log = tmp_path / f"provider-{number}.log"
        messages = batch_of(3, policy)

        status = in_a_child(partial(send_and_die, log, at=number, side=side, kind="Batch"))

        check_batch(messages, log, policy)
        if status == 0:
            break
        assert status == KILLED
    assert status == 0 and number > FEWEST_STATEMENTS


@pytest.mark.parametrize("policy", ["AT_MOST_ONCE", "AT_LEAST_ONCE"])
def test_killed_at_the_providers_door_a_batch_is_settled_as_one(tmp_path, policy):
    for side in ("before", "after"):
        log = tmp_path / f"provider-{side}.log"
        messages = batch_of(3, policy)

        assert in_a_child(partial(send, log, kills=side, kind="Batch")) == KILLED

        assert {state_of(message) for message in messages} == {State.SENDING}
        check_batch(messages, log, policy)


def test_a_kill_leaves_at_most_the_requests_in_flight_undetermined(tmp_path):
    log = tmp_path / "provider.log"
    messages = [ReadyMessageFactory() for _ in range(12)]

    assert in_a_child(lambda: send(log, kills="after", kind="Wide")) == KILLED
    wall = clock.wall_now() + timedelta(seconds=60)
    reconcile.reconcile(now=NOW, wall_now=wall)
    Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
    send(log, kind="Wide")

    requests = log.read_text().splitlines()
    unknown = Message.objects.filter(state=State.UNKNOWN).count()
    assert len(requests) == len(set(requests))
    assert unknown <= WideFileProvider.in_flight
    assert Message.objects.filter(state=State.ACCEPTED).count() == len(messages) - unknown
