"""Everything that goes wrong at once, small: real workers, real signals, the provider's log as the truth.

One stand serves all of it, with a request per message, up to a deploy. What has to be waited for (leases, evidence
windows) is the time in which the next thing goes wrong. `make faults` runs the same at full size, each on a stand of
its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import chaos, scenarios
from tests.faults.day import BACK_WITHIN_S, BATCH, BATCHES_IN_FLIGHT, MOST_UNTIL_OPEN, Day, most_calls, on_a_stand
from tests.faults.stand import EVIDENCE_WINDOW_S, IN_FLIGHT

pytestmark = pytest.mark.stand

KILLS = 6
FAULTS = {"kills": KILLS, "flushes": 2, "pg_crashes": 1, "redis_kills": 1, "cron_kills": 1}
RETRY_AFTER_S = 2


class OneByOne(Day):
    def pass_by(self) -> None:
        plan = {"campaign": "chaos", "messages": 1200, "opt_outs": 0.05}
        self.chaos = chaos.run(self.stand, meanwhile=self._storm, **plan, **FAULTS)

    def _storm(self) -> None:
        storm = {"rate_429": 1.0, "retry_after_s": RETRY_AFTER_S}
        bad = {"channel": "sms", "faults": storm, "messages": 100, "seconds": 4, "during": self._pause_and_stop}
        self.note("storm", scenarios.bad_day, **bad, meanwhile=self._lose_services_and_deploy)

    def _pause_and_stop(self) -> None:
        self.note("paused", scenarios.paused, messages=400, resume=True, meanwhile=self._stop)

    def _stop(self) -> None:
        self.note("stopped", scenarios.paused, messages=400, resume=False)

    def _lose_services_and_deploy(self) -> None:
        self.note("redis", scenarios.service_away, service="redis", messages=400, seconds=1)
        # A page waits five seconds for a connection: the test without PostgreSQL asks for one.
        away = {"service": "connections", "messages": 400, "seconds": 1, "asked": (), "meanwhile": self._deploy}
        self.note("connections", scenarios.service_away, **away)

    def _deploy(self) -> None:
        self.note("deployed", scenarios.deployed, messages=500, batch=BATCH, in_flight=BATCHES_IN_FLIGHT)


@pytest.fixture(scope="module")
def day() -> Iterator[OneByOne]:
    """given a stand and everything that went wrong on it in one day"""
    with on_a_stand() as stand:
        made = OneByOne(stand)
        made.pass_by()
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


def test_a_provider_that_asks_to_wait_is_left_alone_for_so_long(day):
    soonest = day.other["storm"].numbers["soonest_again_s"]
    assert soonest >= RETRY_AFTER_S


def test_after_a_storm_everything_has_gone_once_and_nothing_was_ever_unknown(day):
    figures = day.other["storm"]
    assert figures.numbers["closed_again"]
    assert (figures.verdict.states, figures.verdict.mails, figures.verdict.doubled) == ({"ACCEPTED": 100}, 100, [])
    assert figures.verdict.ever_unknown == 0


def test_a_provider_that_asks_to_wait_is_found_out_within_twenty_calls(day):
    assert 0 < day.other["storm"].numbers["until_it_opened"] <= MOST_UNTIL_OPEN


def test_a_provider_that_asks_to_wait_is_not_called_in_a_hot_loop(day):
    numbers = day.other["storm"].numbers
    assert numbers["calls"] <= most_calls(numbers["seconds"])


def test_without_a_connection_to_postgresql_workers_come_back_and_send_the_rest_once(day):
    numbers, verdict = day.other["connections"].numbers, day.other["connections"].verdict
    assert numbers["second_is_whole"]
    assert numbers["back_after_s"] + numbers["resumed_after_s"] <= BACK_WITHIN_S
    assert (verdict.mails, verdict.lost, verdict.doubled) == (400, [], [])
