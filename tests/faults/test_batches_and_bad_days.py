"""Many messages per request, with a third of the provider's reports lost; a frozen worker, caps under eight workers,
a provider that fails for a while, PostgreSQL away. All with real processes on one stand; `make faults` runs the same
at full size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.faults import chaos, scenarios
from tests.faults.chaos import Verdict
from tests.faults.scenarios import Figures
from tests.faults.stand import Stand, standing

pytestmark = pytest.mark.stand

# Small, so that eight workers have something to share.
BATCH, IN_FLIGHT = 20, 10


@dataclass
class Day:
    stand: Stand
    lossy: Verdict
    other: dict[str, Figures] = field(default_factory=dict)


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> Iterator[Day]:
    """given a stand and everything that went wrong on it in one day"""
    with standing(tmp_path_factory.mktemp("batches"), batch=BATCH, in_flight=IN_FLIGHT, is_durable=False) as stand:
        other: dict[str, Figures] = {}
        verdicts: list[Verdict] = []

        def capped() -> None:
            other["capped"] = scenarios.capped(stand, campaign="capped", accounts=150, per_account=4)

        def without_postgres() -> None:
            other["postgres"] = scenarios.service_away(stand, "postgres", campaign="pg", messages=800, seconds=2)

        def lossy() -> None:
            plan = {"messages": 1000, "kills": 5, "flushes": 1, "lost_events": 0.3, "fault_scale": 10.0}
            verdicts.append(chaos.run(stand, campaign="lossy", meanwhile=without_postgres, opt_outs=0.05, **plan))

        other["frozen"] = scenarios.frozen(stand, campaign="frozen", messages=800, freezes=1, meanwhile=capped)
        other["bad_day"] = scenarios.bad_day(stand, campaign="bad-day", messages=300, seconds=5, meanwhile=lossy)
        yield Day(stand, verdicts[0], other)


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


def test_eight_workers_write_to_no_account_more_often_than_its_cap(day):
    numbers = day.other["capped"].numbers
    assert numbers["at_work"] > 2
    assert (numbers["most"], numbers["written_to"]) == (1, 150)


def test_what_is_over_the_cap_says_so(day):
    assert day.other["capped"].verdict.states == {"ACCEPTED": 150, "SKIPPED": 450}
    assert set(day.other["capped"].verdict.reasons) == {"CAPPED"}


def test_a_provider_that_fails_is_found_out_within_twenty_calls(day):
    assert 0 < day.other["bad_day"].numbers["until_it_opened"] <= 20


def test_a_provider_that_fails_is_not_called_in_a_hot_loop(day):
    """Each message once, and while the breaker is open a call every five seconds (two, should workers meet)."""
    numbers = day.other["bad_day"].numbers
    assert set(numbers["tries"]) == {1}
    assert numbers["calls"] <= 20 + 2 * (numbers["seconds"] / 5 + 1)


def test_after_a_bad_day_the_rest_goes(day):
    verdict = day.other["bad_day"].verdict
    assert (verdict.lost, verdict.doubled, verdict.still_open) == ([], [], 0)
    assert verdict.states["ACCEPTED"] + verdict.states["UNDETERMINED"] == 300


def test_without_postgresql_the_site_says_so_and_workers_come_back(day):
    figures = day.other["postgres"]
    status, content = figures.numbers["pages"]["/admin/"]
    assert (status, "The database does not answer just now" in content) == (503, True)
    assert figures.numbers["second_is_whole"]
    assert figures.numbers["back_after_s"] + figures.numbers["resumed_after_s"] <= 10
    assert (figures.verdict.mails, figures.verdict.lost, figures.verdict.doubled) == (800, [], [])
