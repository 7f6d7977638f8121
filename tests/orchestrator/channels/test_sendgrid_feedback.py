from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.channels.events import DeliveryEvent, EventType, Grade
from orchestrator.channels.sendgrid.feedback import parse_events
from orchestrator.webhooks.errors import Unreadable

BATCH = Path(__file__).parents[2] / "fixtures/webhooks/sendgrid/batch.json"
DANAS = "7f3b0a52-6f1d-4d0c-9d6b-9f7f9b0f9a11"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "email": "dana@customer.example",
        "timestamp": 1770000000,
        "event": "delivered",
        "crescendo_message": DANAS,
        "crescendo_attempt": "1",
        **changes,
    }


def parse_one(**changes: Any) -> DeliveryEvent:
    [parsed], problems = parse_events(json.dumps([event(**changes)]).encode())
    assert problems == []
    return parsed


def test_every_word_of_the_vendor_becomes_one_of_ours():
    events, problems = parse_events(BATCH.read_bytes())
    assert problems == []
    assert [one.type.value for one in events] == [
        "PROCESSED", "DEFERRED", "DELIVERED", "OPENED", "OPENED", "CLICKED", "BOUNCED", "BLOCKED", "DROPPED",
        "COMPLAINED", "UNSUBSCRIBED", "UNSUBSCRIBED", "UNKNOWN", "UNKNOWN",
    ]  # fmt: skip


def test_an_event_carries_what_the_ledger_matches_on():
    [first, *_], _ = parse_events(BATCH.read_bytes())
    assert first.provider == "sendgrid"
    assert first.message_id == UUID(DANAS)
    assert first.attempt == 1
    assert first.at == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
    assert first.address == "dana.levi@customer.example"
    assert first.provider_id == "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"


def test_a_prefetched_open_is_a_proxys():
    events, _ = parse_events(BATCH.read_bytes())
    assert [one.grade for one in events if one.type is EventType.OPENED] == [Grade.PROXY, Grade.UNKNOWN]


def test_a_bounce_without_our_arguments_still_has_its_address():
    events, _ = parse_events(BATCH.read_bytes())
    bounce = next(one for one in events if one.type is EventType.BOUNCED)
    assert (bounce.message_id, bounce.attempt, bounce.address) == (None, None, "ido@customer.example")
    assert bounce.reason == "550 5.1.1 no such user"


def test_the_key_is_made_of_message_word_time_and_detail():
    parsed = parse_one(event="click", url="https://crescendo.example/c/abc", sg_event_id="changes on retry")
    text = "\x00".join((DANAS, "click", "1770000000", "https://crescendo.example/c/abc"))
    assert parsed.key == hashlib.sha256(text.encode()).digest()[:16]


def test_a_person_and_a_machine_in_the_same_second_are_two_reports():
    person = parse_one(event="open", useragent="Mozilla/5.0")
    machine = parse_one(event="open", useragent="Mozilla/5.0", sg_machine_open=True)
    scanner = parse_one(event="open", useragent="Barracuda Sentinel")
    assert len({person.key, machine.key, scanner.key}) == 3


def test_bounces_of_two_addresses_without_our_arguments_have_two_keys():
    lost = {"crescendo_message": None, "event": "bounce", "reason": "550"}
    assert parse_one(**lost, email="a@x.example").key != parse_one(**lost, email="b@x.example").key


@pytest.mark.parametrize(
    "broken",
    [None, 7, "text", {}, event(event=None), event(timestamp=None), event(timestamp="soon"), event(timestamp=-1)],
)
def test_one_malformed_event_never_loses_its_neighbours(broken):
    events, problems = parse_events(json.dumps([event(), broken, event(event="open")]).encode())
    assert [one.type for one in events] == [EventType.DELIVERED, EventType.OPENED]
    assert [problem.index for problem in problems] == [1]


def test_an_event_about_nobody_is_a_problem_that_tells_no_one():
    _, [problem] = parse_events(json.dumps([event(email="", crescendo_message="")]).encode())
    assert problem.reason == "The event names neither a message of ours nor an address."
    assert "customer.example" not in repr(problem)


@pytest.mark.parametrize("attempt", [None, "", "one", "0", "-1", "99999", 1.5, [1]])
def test_an_odd_attempt_is_none(attempt):
    assert parse_one(crescendo_attempt=attempt).attempt is None


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_list_is_unreadable(body):
    with pytest.raises(Unreadable):
        parse_events(body)


def test_characters_that_the_database_cannot_hold_are_replaced():
    parsed = parse_one(reason="a\x00b\ud800c")
    assert parsed.reason == "a\ufffdb\ufffdc"


@given(st.lists(JSON | st.fixed_dictionaries({"event": JSON, "timestamp": JSON, "email": JSON}), max_size=6))
def test_any_list_is_taken_event_by_event(batch):
    events, problems = parse_events(json.dumps(batch).encode())
    assert len(events) + len(problems) == len(batch)


@given(st.permutations(range(14)))
def test_keys_do_not_depend_on_order_or_repetition(order):
    batch = json.loads(BATCH.read_bytes())
    straight, _ = parse_events(BATCH.read_bytes())
    shuffled, _ = parse_events(json.dumps([batch[at] for at in order] * 2).encode())
    assert {one.key for one in shuffled} == {one.key for one in straight}
    assert len({one.key for one in straight}) == 14
