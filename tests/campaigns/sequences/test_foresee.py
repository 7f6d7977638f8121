from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.delivery.windows import Place
from campaigns.sequences import campaign_file, foresee
from campaigns.sequences.foresee import Foresight, Reader
from tests.factories import sequences as make

FRIDAY = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
MAIL = make.DOCUMENT["steps"][0]
NINE_TO_TEN = {"window": {"from": "09:00", "to": "10:00"}}
IN_UTC = Reader(Place(), "UTC", "UTC", frozenset({"email", "in_app"}))


@pytest.fixture(autouse=True)
def one_a_day(settings):
    settings.FREQUENCY_CAPS = ({"days": 1, "messages": 1},)


def mail(key):
    return MAIL | {"key": key}


def wait(length, key="w"):
    return {"key": key, "kind": "WAIT", "for": length}


def foreseen(*steps, people=1, now=FRIDAY, readers=None, **changes):
    """(step, outcome, day of the month, number)."""
    spec = campaign_file.parse(make.document(steps=list(steps), **changes))
    fates = Foresight(spec, now).of_account(readers or [IN_UTC] * people)
    return [
        (fate.step, fate.outcome.value, fate.day.day, number.of) for fate, number in sorted(fates.items()) if fate.step
    ]


def test_what_may_go_only_after_its_time_is_too_late():
    assert foreseen(mail("a"), limits=NINE_TO_TEN | {"send_by_hours": 20}) == [("a", "LATE", 7, 1)]
    assert foreseen(mail("a"), limits=NINE_TO_TEN | {"send_by_hours": 21}) == [("a", "SENT", 7, 1)]


def test_a_day_of_rest_that_is_longer_than_the_time_makes_it_too_late(settings):
    settings.COMPLIANCE_QUIET_HOURS = True
    there = Reader(Place(("Asia/Jerusalem",), "IL"), "Asia/Jerusalem", "Asia/Jerusalem", frozenset({"email"}))
    evening = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
    assert foreseen(mail("a"), now=evening, readers=[there], limits={"send_by_hours": 12}) == [("a", "LATE", 8, 1)]


def test_the_second_person_of_an_account_waits_for_its_limit_and_no_longer_than_the_campaign_lets_it():
    assert foreseen(mail("a"), people=2, limits={"send_by_hours": 48}) == [("a", "SENT", 6, 1), ("a", "SENT", 7, 1)]
    assert foreseen(mail("a"), people=3, limits={"send_by_hours": 24}) == [("a", "CAPPED", 7, 2), ("a", "SENT", 6, 1)]


def test_a_limit_of_each_person_does_not_hold_for_the_account(settings):
    settings.FREQUENCY_CAPS = ({"days": 1, "messages": 1, "of": "contact"},)
    assert foreseen(mail("a"), people=2) == [("a", "SENT", 6, 2)]


def test_a_receipt_is_under_no_limit():
    assert foreseen(mail("a"), people=2, purpose="TRANSACTIONAL") == [("a", "SENT", 6, 2)]


def test_a_wait_counts_from_when_the_message_before_it_goes():
    found = foreseen(mail("a"), wait("2d"), mail("b"), limits=NINE_TO_TEN)
    assert found == [("a", "SENT", 7, 1), ("b", "SENT", 9, 1)]


def test_what_follows_one_that_comes_too_late_counts_from_when_it_was_due():
    found = foreseen(mail("a"), wait("21h"), mail("b"), limits=NINE_TO_TEN | {"send_by_hours": 1})
    assert found == [("a", "LATE", 7, 1), ("b", "SENT", 7, 1)]


def test_the_ways_of_a_split_share_those_who_come():
    ways = {"x": {"weight": 70, "then": "b"}, "y": {"weight": 30, "then": "c"}}
    end = {"key": "end", "kind": "EXIT"}
    found = foreseen(mail("a"), wait("2d"), {"key": "s", "kind": "SPLIT", "ways": ways}, mail("b"), end, mail("c"))
    assert found == [("a", "SENT", 6, 1), ("b", "SENT", 8, 0.7), ("c", "SENT", 8, 0.3)]


def test_where_ways_of_what_people_do_meet_again_nobody_counts_twice():
    asks = {"key": "q", "kind": "BRANCH", "if": {"engagement": "clicked", "step": "a"}, "then": "c", "else": "b"}
    note = {"key": "b", "kind": "UPDATE", "set": {"account.traits.asked": True}}
    found = foreseen(mail("a"), wait("2d"), asks, note, mail("c"))
    assert found == [("a", "SENT", 6, 1), ("c", "SENT", 8, 1)]


def test_a_way_back_sends_again_as_often_as_it_may():
    back = {"key": "back", "kind": "GOTO", "to": "a", "at_most": 2}
    found = foreseen(mail("a"), wait("2d"), back, mail("b"))
    assert found == [("a", "SENT", 6, 1), ("a", "SENT", 8, 1), ("a", "SENT", 10, 1), ("b", "SENT", 12, 1)]


def test_what_a_way_back_sends_again_is_no_first_message():
    back = {"key": "back", "kind": "GOTO", "to": "a", "at_most": 1}
    spec = campaign_file.parse(make.document(steps=[mail("a"), wait("2d"), back]))
    fates = Foresight(spec, FRIDAY).of_account([IN_UTC])
    assert [(fate.day.day, fate.is_first) for fate in fates if fate.step] == [(6, True), (8, False)]


def test_a_circle_that_nothing_ends_comes_to_an_end_here():
    back = {"key": "q", "kind": "BRANCH", "if": {"engagement": "clicked", "step": "a"}, "then": "a", "else": "a"}
    assert {step for step, *_ in foreseen(mail("a"), wait("2w"), back)} == {"a"}
    assert foreseen(mail("a"), back, limits={"send_by_hours": 1})[0] == ("a", "CAPPED", 7, 1)


def test_who_cannot_be_written_to_on_a_channel_goes_on_without_it():
    banner = make.DOCUMENT["steps"][3]
    only_mail = Reader(Place(), "UTC", "UTC", frozenset({"email"}))
    found = foreseen(mail("a"), wait("2d"), banner, wait("2d", "w2"), mail("b"), readers=[only_mail])
    assert found == [("a", "SENT", 6, 1), ("b", "SENT", 10, 1)]


def test_of_ways_that_part_without_end_it_says_that_not_all_were_gone():
    steps = [mail("a"), *(part for n in range(4) for part in (wait("2d", f"w{n}"), mail(f"m{n}")))]
    ahead = Foresight(campaign_file.parse(make.document(steps=steps)), FRIDAY, 3)
    assert ({fate.step for fate in ahead.of_account([IN_UTC])} - {""}, ahead.is_cut) == ({"a", "m0"}, True)


def test_an_account_with_ways_without_end_leaves_the_others_theirs(monkeypatch):
    monkeypatch.setattr(foresee, "MOST_OF_ONE", 3)
    steps = [mail("a"), *(part for n in range(2) for part in (wait("2d", f"w{n}"), mail(f"m{n}")))]
    ahead = Foresight(campaign_file.parse(make.document(steps=steps)), FRIDAY)
    other = Reader(Place(("Europe/Paris",), "FR"), "Europe/Paris", "UTC", frozenset({"email"}))
    both = [{fate.step for fate in ahead.of_account([one])} - {""} for one in (IN_UTC, other)]
    assert both == [{"a", "m0"}, {"a", "m0"}]


def test_rounds_without_end_are_said_to_be_cut_short():
    back = {"key": "back", "kind": "GOTO", "to": "w", "at_most": 20}
    notes = [{"key": f"n{n}", "kind": "UPDATE", "set": {"account.traits.asked": True}} for n in range(8)]
    ahead = Foresight(
        campaign_file.parse(make.document(steps=[mail("a"), wait("1h"), *notes, back, mail("z")])), FRIDAY
    )
    assert (len(ahead.of_account([IN_UTC])), ahead.is_cut) == (1, True)


def test_of_two_ways_with_a_mail_each_nobody_gets_both():
    asks = {"key": "q", "kind": "BRANCH", "if": {"engagement": "clicked", "step": "a"}, "then": "c", "else": "b"}
    end = {"key": "end", "kind": "EXIT"}
    spec = campaign_file.parse(make.document(steps=[mail("a"), wait("2d"), asks, mail("b"), end, mail("c")]))
    fates = Foresight(spec, FRIDAY).of_account([IN_UTC])
    assert [(fate.day.day, fate.channel, one.of) for fate, one in fates.items() if not fate.step] == [(8, "email", 1)]
