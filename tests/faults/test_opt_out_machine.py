"""An opt-out always wins: opt-outs, opt-ins, claims, sends, answers and reports in any order, on four connections.

The rules named `while_…` hold a lock, so that it is certain what waited for what and what committed first. In the
others one thing happens after the other. What must come of a send is therefore always known.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin, claim, feedback, finish, reconcile, switch
from campaigns.delivery.claim import Held
from campaigns.delivery.decided import SENDING, Verdict
from campaigns.delivery.finish import Answer
from campaigns.delivery.models import DeliveryAttempt, Message, SendGate, TemplateVersion
from orchestrator import clock
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.reports import report
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory
from tests.factories.profiles import AccountFactory, ContactFactory
from tests.scale import examples

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

State = Message.State
LINES = 4
LONG_S = 20
FEW = 12
STEPS = 10

LOCKS = {
    "the send switch": "SELECT 1 FROM operations_sendswitch WHERE id = 1 FOR UPDATE",
    "the message": "SELECT 1 FROM delivery_message WHERE id = %(message)s FOR UPDATE",
}
lines = st.integers(min_value=0, max_value=LINES - 1)


class Line:
    """One database connection, in a thread of its own; at most one thing at a time happens on it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self.pid: int = self.do(self._connect)

    def do(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        return self.start(work, *args, **kwargs).result(LONG_S)

    def start(self, work: Any, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._thread.submit(work, *args, **kwargs)

    def close(self) -> None:
        self.do(lambda: connection.close())
        self._thread.shutdown()

    @staticmethod
    def _connect() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])


def wait_until_blocked(line: Line, work: Future[Any]) -> bool:
    """False when the work ended without ever waiting for somebody."""
    until = clock.wall_now() + timedelta(seconds=LONG_S)
    with connection.cursor() as cursor:
        while clock.wall_now() < until:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [line.pid])
            if cursor.fetchone()[0]:
                return True
            if work.done():
                return False
    raise AssertionError("It neither waited nor ended.")


class OptOuts(RuleBasedStateMachine):
    connections: ClassVar[list[Line]] = []
    version: ClassVar[TemplateVersion]
    gate: ClassVar[SendGate]
    counted: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.moment = NOW
        self.is_blocked = False
        self.says_no_to_the_topic = False
        self.held: dict[int, list[Held]] = {}
        self.begun: dict[int, list[Held]] = {}

    @initialize(number=st.integers(min_value=1, max_value=3))
    def begin_with(self, number: int) -> None:
        self.account = AccountFactory()
        self.point = ContactPointFactory(contact=ContactFactory())
        self.topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
        self.messages: list[Message] = []
        self.plan(number)

    def teardown(self) -> None:
        self.counted["examples"] += 1
        self._own().update(state=State.EXPIRED, lease_until=None)

    def _own(self) -> QuerySet[Message]:
        return Message.objects.filter(pk__in=[message.pk for message in getattr(self, "messages", [])])

    def next_moment(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    @property
    def may_go(self) -> bool:
        return not self.is_blocked and not self.says_no_to_the_topic

    # One thing after the other.

    @rule(number=st.integers(min_value=1, max_value=2))
    def plan(self, number: int) -> None:
        self.messages += [
            ReadyMessageFactory(
                gate=self.gate,
                template_version=self.version,
                contact=self.point.contact,
                point=self.point,
                account=self.account,
                policy="AT_LEAST_ONCE",
            )
            for _ in range(number)
        ]

    @rule(line=lines, topic=st.sampled_from(["", "offers"]))
    def say_no(self, line: int, topic: str) -> None:
        self.connections[line].do(self._opt_out, topic, self.next_moment())
        self._said_no(topic)

    @rule(line=lines)
    def say_yes(self, line: int) -> None:
        at = self.next_moment()
        self.connections[line].do(opt_out.opt_in, point_id=self.point.pk, topic="offers", source="test", at=at, now=at)
        self.is_blocked = self.says_no_to_the_topic = False

    @rule(line=lines, size=st.integers(min_value=1, max_value=3))
    def take(self, line: int, size: int) -> None:
        self._own().filter(state=State.READY).update(next_at=NOW - timedelta(days=999))
        self.held[line] = self.connections[line].do(
            claim.claim_messages, channel="email", size=size, worker=f"line-{line}", wall_now=clock.wall_now()
        )

    @rule(line=lines)
    @precondition(lambda self: any(self.held.values()))
    def send(self, line: int) -> None:
        self._check(line, self.connections[line].do(self._begin, line))

    @rule(line=lines, outcome=st.sampled_from(["ACCEPTED", "BUSY", "UNCLEAR", "REFUSED"]))
    @precondition(lambda self: any(self.begun.values()))
    def answer(self, line: int, outcome: str) -> None:
        answers = [
            Answer(message_id=one.id, attempt=one.attempt, outcome=DeliveryAttempt.Outcome(outcome))
            for one in self.begun.pop(line, [])
        ]
        if answers:
            self.connections[line].do(finish.finish, answers=answers, now=NOW, wall_now=clock.wall_now())

    @rule(line=lines, kind=st.sampled_from([EventType.PROCESSED, EventType.DELIVERED, EventType.UNSUBSCRIBED]))
    def hear(self, line: int, kind: EventType) -> None:
        self.connections[line].do(self._hear, kind, self.next_moment())
        if kind == EventType.UNSUBSCRIBED:
            self._said_no("")

    @rule(line=lines)
    def lapse(self, line: int) -> None:
        """Leases run out: what somebody holds is no longer theirs."""
        later = clock.wall_now() + timedelta(seconds=60)
        self.connections[line].do(reconcile.reconcile, now=NOW, wall_now=later)

    # At once, with a lock that decides who comes first.

    @rule(line=lines, wanted_it=st.booleans())
    def while_an_opt_out_is_open_a_send_begins(self, line: int, wanted_it: bool) -> None:
        """The send waits for the open opt-out, and reads the row anew once it has committed."""
        sender, says_no = self._bring_in_hand(line, wanted_it=wanted_it), (line + 1) % LINES
        release: Future[None] = Future()
        open_no, said = self._open_opt_out(says_no, release)
        said.result(LONG_S)
        sending = self.connections[sender].start(self._begin, sender)
        self.counted["sends that waited for an opt-out"] += wait_until_blocked(self.connections[sender], sending)
        release.set_result(None)
        open_no.result(LONG_S)
        self._said_no("")
        self._check(sender, sending.result(LONG_S))

    @rule(line=lines, lock=st.sampled_from(sorted(LOCKS)), wanted_it=st.booleans())
    def while_a_send_waits_an_opt_out_commits(self, line: int, lock: str, wanted_it: bool) -> None:
        """Somebody holds a row that the send's first statements need. Meanwhile the opt-out comes and goes."""
        sender, says_no = self._bring_in_hand(line, wanted_it=wanted_it), (line + 1) % LINES
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LOCKS[lock], {"message": self.held[sender][0].id})
            sending = self.connections[sender].start(self._begin, sender)
            wait_until_blocked(self.connections[sender], sending)
            self.connections[says_no].do(self._opt_out, "", self.next_moment())
            self._said_no("")
        self._check(sender, sending.result(LONG_S))

    @rule(line=lines, wanted_it=st.booleans())
    def while_a_send_is_open_an_opt_out_comes(self, line: int, wanted_it: bool) -> None:
        """A send that has its locks goes; the opt-out waits for its commit and holds for all that come later."""
        sender, says_no = self._bring_in_hand(line, wanted_it=wanted_it), (line + 1) % LINES
        written: Future[None] = Future()
        release: Future[None] = Future()
        sending = self.connections[sender].start(self._begin, sender, written, release)
        wait((written, sending), timeout=LONG_S, return_when=FIRST_COMPLETED)
        saying = self.connections[says_no].start(self._opt_out, "", self.next_moment())
        has_waited = wait_until_blocked(self.connections[says_no], saying)
        self.counted["of these waited for a send"] += has_waited
        release.set_result(None)
        verdicts = sending.result(LONG_S)
        self._check(sender, verdicts)
        saying.result(LONG_S)
        self._said_no("")
        assert has_waited or SENDING not in verdicts.values(), "The opt-out committed before the send that it missed."

    def _bring_in_hand(self, line: int, *, wanted_it: bool) -> int:
        """A line that holds something to send: this one, if it has to be with a message planned for it. With
        `wanted_it` the person has just said yes."""
        if wanted_it:
            self.say_yes(line)
        if not self.held.get(line):
            self.plan(1)
            self.take(line, 9)
        return line

    def _said_no(self, topic: str) -> None:
        self.counted["opt-outs"] += 1
        if topic:
            self.says_no_to_the_topic = True
        else:
            self.is_blocked = True

    def _opt_out(self, topic: str, at: datetime) -> None:
        opt_out.opt_out(point_id=self.point.pk, topic=topic, source="test", at=at, now=at)

    def _open_opt_out(self, line: int, release: Future[None]) -> tuple[Future[Any], Future[None]]:
        said: Future[None] = Future()
        at = self.next_moment()

        def work() -> None:
            with transaction.atomic():
                self._opt_out("", at)
                said.set_result(None)
                release.result(LONG_S)

        return self.connections[line].start(work), said

    def _hear(self, kind: EventType, at: datetime) -> None:
        feedback.store_events(
            events=[report(kind, message=self.messages[0], at=at)], now=NOW, wall_now=clock.wall_now()
        )
        feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())

    def _begin(
        self, line: int, written: Future[None] | None = None, release: Future[None] | None = None
    ) -> dict[int, Verdict]:
        held = self.held.get(line) or []

        def stop_before_the_commit(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if written and release and "INSERT INTO delivery_deliveryattempt" in sql:
                written.set_result(None)
                release.result(LONG_S)
            return result

        with connection.execute_wrapper(stop_before_the_commit):
            return begin.begin_send(held=held, topics=self.topics, now=NOW, wall_now=clock.wall_now())

    def _check(self, line: int, verdicts: dict[int, Verdict]) -> None:
        """Every send committed just now; whether it was allowed is what was committed before it."""
        held = self.held.pop(line, None) or []
        self.begun[line] = [one for one in held if verdicts.get(one.id) == SENDING]
        for verdict in verdicts.values():
            if verdict.state == State.ACCEPTED:  # a report proves that an earlier attempt went
                continue
            self.counted["sends judged"] += 1
            self.counted["of these begun"] += verdict == SENDING
            assert (verdict == SENDING) == self.may_go, "A send that began after the opt-out, or a no that nobody said."


def test_no_send_begins_after_an_opt_out(settings, record_property):
    settings.FREQUENCY_CAPS = ()
    OptOuts.gate, OptOuts.version = SendGateFactory(), TemplateVersionFactory()
    switch.ensure_switch(now=NOW)
    OptOuts.connections = [Line() for _ in range(LINES)]
    try:
        run_state_machine_as_test(OptOuts, settings=scaled())
    finally:
        for name, number in OptOuts.counted.items():
            record_property(name, number)
        for line in OptOuts.connections:
            line.close()


def scaled() -> settings:
    return settings(
        max_examples=examples(FEW),
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
