"""Everything that goes wrong at once, small: real workers, real signals, the provider's log as the truth.

One stand serves all of it: first a request per message, then, after a deploy, many messages per request. What has to be
waited for (leases, evidence windows, a frozen worker) is the time in which the next thing goes wrong. `make faults`
runs the same at full size, each on a stand of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults import chaos, scenarios
from tests.faults.chaos import Verdict
from tests.faults.scenarios import Figures
from tests.faults.stand import EVIDENCE_WINDOW_S, IN_FLIGHT, Stand, standing

pytestmark = pytest.mark.stand

KILLS = 6
FAULTS = {"kills": KILLS, "flushes": 2, "pg_crashes": 1, "redis_kills": 1, "cron_kills": 1}
# Small, so that several workers have something to share.
BATCH, BATCHES_IN_FLIGHT = 20, 10
WORKERS_AT_A_CAP = 4
RETRY_AFTER_S = 2


@dataclass
class Day:
    stand: Stand
    chaos: Verdict = field(init=False)
    lossy: Verdict = field(init=False)
    other: dict[str, Figures] = field(default_factory=dict)

    def one_by_one(self) -> None:
        plan = {"campaign": "chaos", "messages": 1200, "opt_outs": 0.05}
        self.chaos = chaos.run(self.stand, meanwhile=self._storm, **plan, **FAULTS)

    def _storm(self) -> None:
        storm = {"rate_429": 1.0, "retry_after_s": RETRY_AFTER_S}
        self._note(
            "storm",
            scenarios.bad_day,
            channel="sms",
            faults=storm,
            messages=100,
            seconds=4,
            during=self._pause_and_stop,
            meanwhile=self._lose_services_and_deploy,
        )

    def _pause_and_stop(self) -> None:
        self._note("paused", scenarios.paused, messages=400, resume=True, meanwhile=self._stop)

    def _stop(self) -> None:
        self._note("stopped", scenarios.paused, messages=400, resume=False)

    def _lose_services_and_deploy(self) -> None:
        self._note("redis", scenarios.service_away, service="redis", messages=400, seconds=1)
        # A page waits five seconds for a connection: the test without PostgreSQL asks for one.
        away = {"service": "connections", "messages": 400, "seconds": 1, "asked": (), "meanwhile": self._deploy}
        self._note("connections", scenarios.service_away, **away)

    def _deploy(self) -> None:
        self._note("deployed", scenarios.deployed, messages=500, batch=BATCH, in_flight=BATCHES_IN_FLIGHT)

    def in_batches(self) -> None:
        plan = {"campaign": "lossy", "messages": 600, "opt_outs": 0.05, "lost_events": 0.3, "fault_scale": 10.0}
        self.lossy = chaos.run(self.stand, meanwhile=self._lose_postgres, kills=2, flushes=1, **plan)

    def _lose_postgres(self) -> None:
        away = {"service": "postgres", "messages": 400, "seconds": 1, "meanwhile": self._freeze}
        self._note("postgres", scenarios.service_away, **away)

    def _freeze(self) -> None:
        self._note("frozen", scenarios.frozen, messages=600, freezes=1, meanwhile=self._fail)

    def _fail(self) -> None:
        bad = {"channel": "sms", "faults": {"rate_5xx_before": 1.0}, "messages": 60, "seconds": 3}
        self._note("bad_day", scenarios.bad_day, **bad, during=self._cap)

    def _cap(self) -> None:
        self._note("capped", scenarios.capped, accounts=100, per_account=4, workers=WORKERS_AT_A_CAP)

    def _note(self, name: str, scenario: Callable[..., Figures], **given: Any) -> None:
        self.other[name] = scenario(self.stand, campaign=name.replace("_", "-"), **given)


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    """given a stand and everything that went wrong on it in one day"""
    # A folder of its own: any other run of pytest closes those of this one to PostgreSQL, which is not root.
    with (
        tempfile.TemporaryDirectory(prefix="crescendo-stand-") as folder,
        standing(Path(folder), is_durable=False) as stand,
    ):
        made = Day(stand)
        made.one_by_one()
        made.in_batches()
        yield made


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
    assert numbers["arrived_after"] <= day.stand.workers * IN_FLIGHT


def test_resumed_it_sends_the_rest_once(day):
    verdict = day.other["paused"].verdict
    assert (verdict.states, verdict.mails, verdict.doubled) == ({"ACCEPTED": 400}, 400, [])


def test_a_stop_skips_everything_that_was_not_begun(day):
    figures = day.other["stopped"]
    verdict = figures.verdict
    assert figures.numbers["begun_after"] == 0
    assert verdict.states == {"ACCEPTED": verdict.mails, "SKIPPED": 400 - verdict.mails}
    assert set(verdict.reasons) == {"CAMPAIGN_STOPPED"}


def test_without_redis_pages_work_and_sends_go_on_once_it_is_back(day):
    figures = day.other["redis"]
    statuses = {path: status for path, (status, _) in figures.numbers["pages"].items()}
    assert statuses == {"/healthz": 200, "/admin/": 302}
    assert figures.numbers["resumed_after_s"] <= 5
    assert figures.numbers["second_is_whole"]
    assert (figures.verdict.mails, figures.verdict.lost, figures.verdict.doubled) == (400, [], [])


def test_a_deploy_leaves_nothing_unknown_and_is_over_in_half_a_minute(day):
    figures = day.other["deployed"]
    assert figures.numbers["still_to_go"] > 0
    assert (figures.numbers["unknown"], figures.numbers["unanswered"]) == (0, 0)
    assert figures.numbers["seconds"] <= 30
    assert (figures.verdict.mails, figures.verdict.lost, figures.verdict.doubled) == (500, [], [])


def test_messages_really_went_in_batches(day):
    assert day.lossy.requests < day.lossy.mails / 5


def test_with_reports_lost_nothing_at_most_once_goes_twice(day):
    assert day.lossy.doubled_at_most_once == []
    assert day.lossy.sent_though_skipped == []


def test_with_reports_lost_no_more_is_doubled_than_was_unknown(day):
    """The documented window: at least once, no answer, and a report that never comes."""
    assert len(day.lossy.doubled) <= day.lossy.ever_unknown


def test_with_reports_lost_what_is_not_known_is_shown(day):
    assert (day.lossy.lost, day.lossy.still_open) == ([], 0)


def test_a_no_counts_in_the_middle_of_a_batch(day):
    assert day.lossy.after_opt_out == []
    assert day.lossy.reasons["OPTED_OUT"] > 0


def test_a_frozen_worker_moves_nothing_when_it_wakes(day):
    figures = day.other["frozen"]
    assert min(figures.numbers["in_hand"]) > 0
    assert figures.numbers["past_the_fence"] == 0


def test_a_frozen_worker_doubles_nothing(day):
    verdict = day.other["frozen"].verdict
    assert (verdict.doubled, verdict.lost, verdict.still_open) == ([], [], 0)


def test_several_workers_write_to_no_account_more_often_than_its_cap(day):
    numbers = day.other["capped"].numbers
    assert numbers["at_work"] >= 2
    assert (numbers["most"], numbers["written_to"]) == (1, 100)


def test_what_is_over_the_cap_says_so(day):
    assert day.other["capped"].verdict.states == {"ACCEPTED": 100, "SKIPPED": 300}
    assert set(day.other["capped"].verdict.reasons) == {"CAPPED"}


@pytest.mark.parametrize("name", ["bad_day", "storm"])
def test_a_provider_that_fails_is_found_out_within_twenty_calls(day, name):
    assert 0 < day.other[name].numbers["until_it_opened"] <= 20


@pytest.mark.parametrize("name", ["bad_day", "storm"])
def test_a_provider_that_fails_is_not_called_in_a_hot_loop(day, name):
    """While the breaker is open a call after two seconds, four, eight (two, should workers meet)."""
    numbers = day.other[name].numbers
    assert numbers["calls"] <= 20 + 2 * (numbers["seconds"] / 5 + 1)


def test_what_a_provider_failed_at_is_not_tried_again_before_evidence_had_its_time(day):
    """A 500 may have been a yes."""
    soonest = day.other["bad_day"].numbers["soonest_again_s"]
    assert soonest is None or soonest >= EVIDENCE_WINDOW_S


def test_after_a_bad_day_the_rest_goes(day):
    verdict = day.other["bad_day"].verdict
    assert day.other["bad_day"].numbers["closed_again"]
    assert (verdict.lost, verdict.doubled, verdict.still_open) == ([], [], 0)
    assert verdict.states["ACCEPTED"] + verdict.states["UNDETERMINED"] == 60


def test_a_provider_that_asks_to_wait_is_left_alone_for_so_long(day):
    soonest = day.other["storm"].numbers["soonest_again_s"]
    assert soonest >= RETRY_AFTER_S


def test_after_a_storm_everything_has_gone_once_and_nothing_was_ever_unknown(day):
    figures = day.other["storm"]
    assert figures.numbers["closed_again"]
    assert (figures.verdict.states, figures.verdict.mails, figures.verdict.doubled) == ({"ACCEPTED": 100}, 100, [])
    assert figures.verdict.ever_unknown == 0


def test_without_postgresql_a_page_says_so(day):
    status, content = day.other["postgres"].numbers["pages"]["/admin/"]
    assert (status, "The database does not answer just now" in content) == (503, True)


@pytest.mark.parametrize("name", ["postgres", "connections"])
def test_without_postgresql_or_a_connection_to_it_workers_come_back_and_send_the_rest_once(day, name):
    figures = day.other[name]
    assert figures.numbers["second_is_whole"]
    assert figures.numbers["back_after_s"] + figures.numbers["resumed_after_s"] <= 10
    assert (figures.verdict.mails, figures.verdict.lost, figures.verdict.doubled) == (400, [], [])
