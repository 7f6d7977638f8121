"""A request per message, while workers are killed, Redis is emptied and killed, PostgreSQL crashes, people opt out;
meanwhile a campaign is paused, one is stopped, Redis is away and the site is deployed anew. All with real processes
on one stand; `make faults` runs the same at full size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.faults import chaos, scenarios
from tests.faults.chaos import Verdict
from tests.faults.scenarios import Figures
from tests.faults.stand import EVIDENCE_WINDOW_S, Stand, standing

pytestmark = pytest.mark.stand

KILLS = 10


@dataclass
class Day:
    stand: Stand
    chaos: Verdict
    other: dict[str, Figures] = field(default_factory=dict)


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> Iterator[Day]:
    """given a stand and everything that went wrong on it in one day"""
    with standing(tmp_path_factory.mktemp("one-by-one"), is_durable=False) as stand:
        other: dict[str, Figures] = {}

        def meanwhile() -> None:
            other["paused"] = scenarios.paused(stand, campaign="paused", messages=600, resume=True)
            other["stopped"] = scenarios.paused(stand, campaign="stopped", messages=600, resume=False)
            other["redis"] = scenarios.service_away(stand, "redis", campaign="redis", messages=800, seconds=2)
            other["deployed"] = scenarios.deployed(stand, campaign="deployed", messages=800)

        faults = {"kills": KILLS, "flushes": 2, "pg_crashes": 1, "redis_kills": 1, "cron_kills": 1}
        verdict = chaos.run(stand, meanwhile=meanwhile, campaign="chaos", messages=1500, opt_outs=0.05, **faults)
        yield Day(stand, verdict, other)


def test_all_of_it_really_happened(day):
    assert day.chaos.injected == {"worker": KILLS, "flush": 2, "postgres": 1, "redis": 1, "cron": 1}
    assert day.chaos.opted_out > 30


def test_no_message_is_lost_and_each_ends_in_a_final_state(day):
    assert (day.chaos.lost, day.chaos.still_open, day.chaos.sent_though_skipped) == ([], 0, [])


def test_no_message_goes_twice(day):
    assert day.chaos.doubled == []


def test_nobody_gets_a_message_that_was_begun_after_their_opt_out(day):
    assert day.chaos.after_opt_out == []
    assert day.chaos.reasons["OPTED_OUT"] > 0


def test_undetermined_are_at_most_those_in_flight_at_the_faults(day):
    """Besides them only what the provider answered with a 500 and reported nothing of."""
    assert day.chaos.unanswered <= day.chaos.in_flight_at_faults
    assert day.chaos.undetermined - day.chaos.unanswered <= day.chaos.unknown


def test_all_is_final_a_minute_after_the_evidence_window(day):
    assert day.chaos.settled_after_s <= EVIDENCE_WINDOW_S + chaos.SETTLED_WITHIN_S


def test_a_campaign_is_finished_exactly_when_no_row_is_open(day):
    assert day.chaos.finished_lied == 0


def test_after_a_pause_only_what_was_begun_goes_out(day):
    numbers = day.other["paused"].numbers
    assert numbers["waited"] > 0
    assert numbers["begun_after"] == 0
    assert numbers["arrived_after"] <= scenarios.most_in_flight(day.stand)


def test_resumed_it_sends_the_rest_once(day):
    verdict = day.other["paused"].verdict
    assert (verdict.states, verdict.mails, verdict.doubled) == ({"ACCEPTED": 600}, 600, [])


def test_a_stop_skips_everything_that_was_not_begun(day):
    figures = day.other["stopped"]
    verdict = figures.verdict
    assert figures.numbers["begun_after"] == 0
    assert verdict.states == {"ACCEPTED": verdict.mails, "SKIPPED": 600 - verdict.mails}
    assert set(verdict.reasons) == {"CAMPAIGN_STOPPED"}


def test_without_redis_pages_work_and_sends_go_on_once_it_is_back(day):
    figures = day.other["redis"]
    statuses = {path: status for path, (status, _) in figures.numbers["pages"].items()}
    assert statuses == {"/healthz": 200, "/admin/": 302}
    assert figures.numbers["resumed_after_s"] <= 5
    assert figures.numbers["second_is_whole"]
    assert (figures.verdict.mails, figures.verdict.lost, figures.verdict.doubled) == (800, [], [])


def test_a_deploy_leaves_nothing_unknown_and_is_over_in_half_a_minute(day):
    figures = day.other["deployed"]
    assert figures.numbers["still_to_go"] > 0
    assert (figures.numbers["unknown"], figures.numbers["unanswered"]) == (0, 0)
    assert figures.numbers["seconds"] <= 30
    assert (figures.verdict.mails, figures.verdict.lost, figures.verdict.doubled) == (800, [], [])
