"""What goes wrong while many messages go in a request, small: as in `test_stand`, on a stand of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import chaos, scenarios
from tests.faults.day import BACK_WITHIN_S, BATCH, BATCHES_IN_FLIGHT, MOST_UNTIL_OPEN, Day, most_calls, on_a_stand
from tests.faults.stand import EVIDENCE_WINDOW_S

pytestmark = pytest.mark.stand

WORKERS_AT_A_CAP = 4


class InBatches(Day):
    def pass_by(self) -> None:
        plan = {"campaign": "lossy", "messages": 600, "opt_outs": 0.05, "lost_events": 0.3, "fault_scale": 10.0}
        self.chaos = chaos.run(self.stand, meanwhile=self._lose_postgres, kills=2, flushes=1, **plan)

    def _lose_postgres(self) -> None:
        away = {"service": "postgres", "messages": 400, "seconds": 1, "meanwhile": self._freeze}
        self.note("postgres", scenarios.service_away, **away)

    def _freeze(self) -> None:
        self.note("frozen", scenarios.frozen, messages=600, freezes=1, meanwhile=self._fail)

    def _fail(self) -> None:
        bad = {"channel": "sms", "faults": {"rate_5xx_before": 1.0}, "messages": 60, "seconds": 3}
        self.note("bad_day", scenarios.bad_day, **bad, during=self._cap)

    def _cap(self) -> None:
        self.note("capped", scenarios.capped, accounts=100, per_account=4, workers=WORKERS_AT_A_CAP)


@pytest.fixture(scope="module")
def day() -> Iterator[InBatches]:
    """given a stand and everything that went wrong on it in one day"""
    with on_a_stand(batch=BATCH, in_flight=BATCHES_IN_FLIGHT) as stand:
        made = InBatches(stand)
        made.pass_by()
        yield made


def test_messages_really_went_in_batches(day):
    assert day.chaos.requests < day.chaos.mails / 5


def test_with_reports_lost_nothing_at_most_once_goes_twice(day):
    assert day.chaos.doubled_at_most_once == []
    assert day.chaos.sent_though_skipped == []


def test_with_reports_lost_no_more_is_doubled_than_was_unknown(day):
    """The documented window: at least once, no answer, and a report that never comes."""
    assert len(day.chaos.doubled) <= day.chaos.ever_unknown


def test_with_reports_lost_what_is_not_known_is_shown(day):
    assert (day.chaos.lost, day.chaos.still_open) == ([], 0)


def test_a_no_counts_in_the_middle_of_a_batch(day):
    assert day.chaos.after_opt_out == []
    assert day.chaos.reasons["OPTED_OUT"] > 0


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


def test_what_a_provider_failed_at_is_not_tried_again_before_evidence_had_its_time(day):
    """A 500 may have been a yes."""
    soonest = day.other["bad_day"].numbers["soonest_again_s"]
    assert soonest is None or soonest >= EVIDENCE_WINDOW_S


def test_after_a_bad_day_the_rest_goes(day):
    verdict = day.other["bad_day"].verdict
    assert day.other["bad_day"].numbers["closed_again"]
    assert (verdict.lost, verdict.doubled, verdict.still_open) == ([], [], 0)
    assert verdict.states["ACCEPTED"] + verdict.states["UNDETERMINED"] == 60


def test_without_postgresql_a_page_says_so(day):
    status, content = day.other["postgres"].numbers["pages"]["/admin/"]
    assert (status, "The database does not answer just now" in content) == (503, True)


def test_a_provider_that_fails_is_found_out_within_twenty_calls(day):
    assert 0 < day.other["bad_day"].numbers["until_it_opened"] <= MOST_UNTIL_OPEN


def test_a_provider_that_fails_is_not_called_in_a_hot_loop(day):
    numbers = day.other["bad_day"].numbers
    assert numbers["calls"] <= most_calls(numbers["seconds"])


def test_without_postgresql_workers_come_back_and_send_the_rest_once(day):
    numbers, verdict = day.other["postgres"].numbers, day.other["postgres"].verdict
    assert numbers["second_is_whole"]
    assert numbers["back_after_s"] + numbers["resumed_after_s"] <= BACK_WITHIN_S
    assert (verdict.mails, verdict.lost, verdict.doubled) == (400, [], [])
