from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine import planner
from orchestrator.engine.planner import (
    Exit,
    Facts,
    Jump,
    LocalTime,
    Position,
    Send,
    Sequence,
    Skip,
    Split,
    Step,
    StepKind,
    Stuck,
    Update,
    Wait,
    Walk,
)  # fmt: skip

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def message(key, channel="email"):
    return Step(key, StepKind.MESSAGE, channel=channel)


def wait(key, length):
    return Step(key, StepKind.WAIT, wait=length)


SEATS = Sequence(
    (
        message("mail-1"),
        wait("wait-1", 3 * DAY),
        Step("seen", StepKind.BRANCH, then="inapp-1", otherwise="sms-1"),
        message("sms-1", "sms"),
        message("inapp-1", "in_app"),
    )
)


def plan(sequence, position, *, facts=None, now=NOW):
    return planner.plan(sequence=sequence, position=position, facts=facts or Facts(), now=now)


def walk(sequence, position, *, facts=None, now=NOW):
    return planner.walk(sequence=sequence, position=position, facts=facts or Facts(), now=now)


def test_the_first_message_is_due_when_the_enrolment_starts():
    assert plan(SEATS, planner.start(sequence=SEATS, now=NOW)) == Send("mail-1", NOW)


def test_after_the_mail_it_waits_three_days():
    stands = planner.after(sequence=SEATS, step_key="mail-1", now=NOW)
    assert stands == Position("wait-1", NOW)
    assert plan(SEATS, stands) == Wait(NOW + 3 * DAY, "wait-1", NOW)


@pytest.mark.parametrize(("clicked", "next_step"), [(True, "inapp-1"), (False, "sms-1")])
def test_the_branch_looks_at_its_condition(clicked, next_step):
    later = NOW + 3 * DAY
    facts = Facts(conditions={"seen": clicked})
    assert plan(SEATS, Position("wait-1", NOW), facts=facts, now=later) == Send(next_step, later)


def test_a_condition_nobody_gathered_is_false():
    assert plan(SEATS, Position("seen", NOW)) == Send("sms-1", NOW)


def test_a_late_tick_gives_the_due_time_an_early_one_would_have_given():
    assert plan(SEATS, Position("wait-1", NOW), now=NOW + 9 * DAY) == Send("sms-1", NOW + 3 * DAY)


def test_after_the_last_step_it_is_completed():
    stands = planner.after(sequence=SEATS, step_key="inapp-1", now=NOW)
    assert stands.step_key is None
    assert plan(SEATS, stands) == Exit("COMPLETED")


def test_an_empty_sequence_is_completed_at_once():
    empty = Sequence(())
    assert plan(empty, planner.start(sequence=empty, now=NOW)) == Exit("COMPLETED")


def test_an_exit_step_ends_it():
    ends = Sequence((Step("out", StepKind.EXIT), message("never")))
    assert plan(ends, Position("out", NOW)) == Exit("COMPLETED")


def test_a_branch_may_lead_to_the_end():
    ends = Sequence((Step("who", StepKind.BRANCH, then="more"), message("more")))
    assert plan(ends, Position("who", NOW)) == Exit("COMPLETED")


@pytest.mark.parametrize(
    ("exits", "reason"),
    [
        ({"LEFT_SEGMENT", "OPTED_OUT"}, "OPTED_OUT"),
        ({"OPTED_OUT", "CONVERTED", "GATE_CLOSED"}, "CONVERTED"),
        ({"ZEBRA", "ERASED"}, "ERASED"),
        ({"ERASED", "LEFT_SEGMENT"}, "LEFT_SEGMENT"),
    ],
)
def test_of_several_reasons_to_leave_the_first_in_order_counts(exits, reason):
    assert plan(SEATS, Position("mail-1", NOW), facts=Facts(exits=frozenset(exits))) == Exit(reason)


def test_a_message_that_cannot_go_is_skipped_and_the_sequence_goes_on():
    facts = Facts(skips={"sms-1": "NO_ADDRESS"})
    assert plan(SEATS, Position("sms-1", NOW), facts=facts) == Skip("sms-1", "NO_ADDRESS")
    assert planner.after(sequence=SEATS, step_key="sms-1", now=NOW).step_key == "inapp-1"


def test_a_step_of_another_version_is_gone():
    assert plan(SEATS, Position("mail-9", NOW)) == Exit("STEP_GONE")


def test_consecutive_waits_add_up():
    twice = Sequence((wait("one", DAY), wait("two", DAY), message("mail")))
    assert plan(twice, Position("one", NOW), now=NOW + DAY) == Wait(NOW + 2 * DAY, "two", NOW + DAY)


ROUNDS = Sequence((message("mail"), wait("rest", DAY), Step("again", StepKind.BRANCH, then="mail", otherwise="rest")))


def test_going_back_starts_the_next_visit():
    facts = Facts(conditions={"again": True})
    assert plan(ROUNDS, Position("rest", NOW), facts=facts, now=NOW + DAY) == Send("mail", NOW + DAY, visit=2)
    assert planner.after(sequence=ROUNDS, step_key="mail", now=NOW, visit=2) == Position("rest", NOW, 2)


def test_missed_rounds_of_waiting_are_not_made_up():
    late = NOW + 10 * DAY
    assert plan(ROUNDS, Position("rest", NOW), now=late) == Wait(late + DAY, "rest", late, visit=2)


def test_branches_in_a_circle_end_as_a_loop():
    circle = Sequence((Step("a", StepKind.BRANCH, otherwise="b"), Step("b", StepKind.BRANCH, otherwise="a")))
    assert plan(circle, Position("a", NOW)) == Exit("LOOP")
    assert plan(circle, Position("a", NOW - DAY)) == Exit("LOOP")


def test_messages_that_cannot_go_in_a_circle_end_as_a_loop():
    circle = Sequence((message("mail"), Step("again", StepKind.BRANCH, otherwise="mail")))
    walked = walk(circle, Position("mail", NOW), facts=Facts(skips={"mail": "NO_ADDRESS"}))
    assert walked == Walk(Exit("LOOP"), (Skip("mail", "NO_ADDRESS"), Stuck("mail", "LOOP", 2)))


def test_whoever_stands_at_a_step_that_is_gone_is_told_to_be_stuck_there():
    assert walk(SEATS, Position("mail-9", NOW, 3)) == Walk(Exit("STEP_GONE"), (Stuck("mail-9", "STEP_GONE", 3),))


MONDAY = LocalTime(time(9), weekday=0)
UNTIL_MONDAY = Sequence((message("mail"), Step("rest", StepKind.WAIT, until=MONDAY), message("sms", "sms")))


def test_a_wait_until_monday_ends_on_the_contacts_monday():
    jerusalem = Facts(zone="Asia/Jerusalem")
    monday = datetime(2026, 3, 16, 7, tzinfo=UTC)
    assert plan(UNTIL_MONDAY, Position("rest", NOW), facts=jerusalem) == Wait(monday, "rest", NOW)
    assert plan(UNTIL_MONDAY, Position("rest", NOW), facts=jerusalem, now=monday) == Send("sms", monday)


def test_a_local_time_that_was_waited_for_means_the_next_one_when_it_is_waited_for_again():
    monday = datetime(2026, 3, 16, 9, tzinfo=UTC)
    weekly = Sequence(
        (Step("one", StepKind.WAIT, until=MONDAY), message("mail"), Step("two", StepKind.WAIT, until=MONDAY))
    )
    stands = planner.after(sequence=weekly, step_key="mail", now=monday)
    assert plan(weekly, stands, now=monday) == Wait(monday + 7 * DAY, "two", monday)
    twice = Sequence((Step("one", StepKind.WAIT, until=MONDAY), Step("two", StepKind.WAIT, until=MONDAY)))
    assert plan(twice, Position("one", NOW), now=monday) == Wait(monday + 7 * DAY, "two", monday)


def test_a_wait_of_days_that_ends_at_the_local_time_does_not_wait_for_the_next_one():
    daily = LocalTime(time(9))
    steps = Sequence((wait("days", 2 * DAY), Step("nine", StepKind.WAIT, until=daily), message("mail")))
    nine = datetime(2026, 3, 16, 9, tzinfo=UTC)
    assert plan(steps, Position("days", nine), now=nine + 2 * DAY) == Send("mail", nine + 2 * DAY)


def test_whoever_comes_in_at_the_local_time_does_not_wait_for_the_next_one():
    nine = datetime(2026, 3, 16, 9, tzinfo=UTC)
    steps = Sequence((Step("nine", StepKind.WAIT, until=MONDAY), message("mail")))
    assert plan(steps, planner.start(sequence=steps, now=nine), now=nine) == Send("mail", nine)


ASKING = Sequence(
    (
        message("mail"),
        Step("clicked", StepKind.WAIT, wait=7 * DAY, is_asking=True, then="sms", otherwise="late"),
        message("late"),
        message("sms", "sms"),
    )
)


def test_a_wait_for_a_condition_waits_until_its_time_out():
    assert plan(ASKING, Position("clicked", NOW)) == Wait(NOW + 7 * DAY, "clicked", NOW)


def test_a_condition_that_comes_to_hold_ends_the_wait_at_once():
    facts = Facts(conditions={"clicked": True})
    assert plan(ASKING, Position("clicked", NOW), facts=facts, now=NOW + DAY) == Send("sms", NOW + DAY)


def test_after_the_time_out_the_other_way_is_due_since_then():
    assert plan(ASKING, Position("clicked", NOW), now=NOW + 9 * DAY) == Send("late", NOW + 7 * DAY)


def test_a_yes_that_is_first_seen_after_the_time_out_still_counts():
    facts = Facts(conditions={"clicked": True})
    assert plan(ASKING, Position("clicked", NOW), facts=facts, now=NOW + 9 * DAY) == Send("sms", NOW + 7 * DAY)


SPLIT = Sequence(
    (
        Step("half", StepKind.SPLIT, ways={"call": "tell", "write": None}),
        Step("tell", StepKind.UPDATE),
        message("sms", "sms"),
    )
)


def test_a_split_goes_the_way_that_was_drawn_and_tells_it():
    walked = walk(SPLIT, Position("half", NOW), facts=Facts(ways={"half": "call"}))
    assert walked == Walk(Send("sms", NOW), (Split("half", "call"), Update("tell")))
    ended = walk(SPLIT, Position("half", NOW), facts=Facts(ways={"half": "write"}))
    assert ended == Walk(Exit("COMPLETED"), (Split("half", "write"),))


def test_a_reason_to_leave_comes_before_what_would_be_written():
    left = walk(SPLIT, Position("half", NOW), facts=Facts(exits=frozenset({"CONVERTED"})))
    assert left == Walk(Exit("CONVERTED"))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((message("a"), message("a")), "same key"),
        ((Step("a", StepKind.BRANCH, then="nowhere"),), "does not exist"),
        ((Step("a", StepKind.MESSAGE, channel="email", then="a"),), "asks nothing"),
        ((Step("a", StepKind.SPLIT),), "into what"),
        ((Step("a", StepKind.GOTO),), "where to"),
        ((Step("a", StepKind.GOTO, then="nowhere"),), "does not exist"),
        ((Step("a", StepKind.SPLIT, ways={"x": "nowhere"}),), "does not exist"),
        ((Step("a", StepKind.WAIT),), "how long"),
        ((Step("a", StepKind.MESSAGE),), "without a channel"),
    ],
)
def test_a_wrong_sequence_is_refused(steps, words):
    with pytest.raises(ValueError, match=words):
        Sequence(steps)


def test_a_jump_leads_back_as_often_as_it_says_and_on_without_limit():
    back = Step("again", StepKind.GOTO, then="a", at_most=1)
    sequence = Sequence((message("a"), wait("w", timedelta(hours=1)), back, message("b")))
    assert walk(sequence, Position("again", NOW, 1)) == Walk(Send("a", NOW, 2), (Jump("again", 1),))
    assert walk(sequence, Position("again", NOW, 2), facts=Facts(jumps={"again": 1})) == Walk(Send("b", NOW, 2))
    onward = Sequence((Step("on", StepKind.GOTO, then="b"), message("a"), message("b")))
    assert plan(onward, Position("on", NOW, 9)) == Send("b", NOW, 9)


@st.composite
def waits(draw, key, targets):
    length = timedelta(hours=draw(st.integers(0, 60)))
    if draw(st.booleans()):
        return Step(key, StepKind.WAIT, wait=length, is_asking=True, then=draw(targets), otherwise=draw(targets))
    if draw(st.booleans()):
        at = time(draw(st.integers(0, 23)))
        return Step(key, StepKind.WAIT, until=LocalTime(at, draw(st.none() | st.integers(0, 6))))
    return wait(key, length)


@st.composite
def sequences(draw):
    keys = [f"s{place}" for place in range(draw(st.integers(0, 7)))]
    targets = st.sampled_from([*keys, None]) if keys else st.none()
    steps = []
    for key in keys:
        kind = draw(st.sampled_from(StepKind))
        if kind is StepKind.MESSAGE:
            steps.append(message(key))
        elif kind is StepKind.WAIT:
            steps.append(draw(waits(key, targets)))
        elif kind is StepKind.SPLIT:
            steps.append(Step(key, kind, ways={"a": draw(targets), "b": draw(targets)}))
        elif kind is StepKind.GOTO:
            steps.append(Step(key, kind, then=draw(st.sampled_from(keys)), at_most=draw(st.integers(0, 3))))
        elif kind is StepKind.BRANCH:
            steps.append(Step(key, kind, then=draw(targets), otherwise=draw(targets)))
        else:
            steps.append(Step(key, kind))
    return Sequence(tuple(steps))


@settings(deadline=None)
@given(sequence=sequences(), data=st.data())
def test_planning_is_total_and_never_loops(sequence, data):
    keys = [step.key for step in sequence.steps]
    entered = NOW - timedelta(hours=data.draw(st.integers(-50, 500)))
    position = Position(data.draw(st.sampled_from([*keys, None, "gone"])), entered, data.draw(st.integers(1, 3)))
    facts = Facts(conditions=data.draw(st.fixed_dictionaries({}, optional={key: st.booleans() for key in keys})))
    decision = plan(sequence, position, facts=facts)
    assert decision == plan(sequence, position, facts=facts)
    if isinstance(decision, Wait):
        assert decision.until > NOW
        stored = Position(decision.step_key, decision.entered_at, decision.visit)
        assert plan(sequence, stored, facts=facts) == decision
    if isinstance(decision, Send):
        assert decision.visit >= position.visit


@settings(deadline=None)
@given(sequence=sequences(), answers=st.lists(st.booleans(), min_size=60, max_size=60))
def test_walking_to_the_end_never_sends_a_step_twice_in_one_visit(sequence, answers):
    now, position = NOW, planner.start(sequence=sequence, now=NOW)
    sent = []
    for answer in answers:
        facts = Facts(conditions={step.key: answer for step in sequence.steps})
        decision = plan(sequence, position, facts=facts, now=now)
        if isinstance(decision, Exit):
            break
        if isinstance(decision, Wait):
            now = decision.until
            position = Position(decision.step_key, decision.entered_at, decision.visit)
        else:
            sent.append((decision.step_key, decision.visit))
            position = planner.after(sequence=sequence, step_key=decision.step_key, now=now, visit=decision.visit)
    assert len(sent) == len(set(sent))
