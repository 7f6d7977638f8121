"""`make test` collects browser tests, journeys and the fault stand from their places: one elsewhere never runs."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
MAKEFILE = TESTS.parent / "Makefile"
PLACES = {
    "browser": ["tests/browser"],
    "stand": ["tests/faults/test_stand.py", "tests/faults/test_stand_of_batches.py"],
    "journey": ["tests/journeys", "tests/campaigns/cli"],
}
RUNS = {"browser": ["browser"], '"stand or journey"': ["stand", "journey"]}


@pytest.mark.parametrize("mark", PLACES)
def test_the_tests_of_a_run_stand_where_it_collects_them(mark):
    words = f"pytest.mark.{mark}"
    marked = {path for path in TESTS.rglob("*.py") if words in path.read_text() and path != Path(__file__)}
    assert marked
    assert [
        path for path in marked if not any(path.is_relative_to(TESTS.parent / place) for place in PLACES[mark])
    ] == []


@pytest.mark.parametrize("marks", RUNS)
def test_the_run_collects_all_places(marks):
    [line] = [line for line in MAKEFILE.read_text().splitlines() if f"-m {marks} " in line]
    places = [place for mark in RUNS[marks] for place in PLACES[mark]]
    assert f"$(or $(ARGS),{' '.join(places)})" in line
