"""What goes wrong on one stand in a day, noted scenario by scenario; its tests say what must have come of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.chaos import Verdict
from tests.faults.scenarios import Figures
from tests.faults.stand import Stand, standing

# Small, so that several workers have something to share.
BATCH, BATCHES_IN_FLIGHT = 20, 10


@dataclass
class Day:
    stand: Stand
    chaos: Verdict = field(init=False)
    other: dict[str, Figures] = field(default_factory=dict)

    def note(self, name: str, scenario: Callable[..., Figures], **given: Any) -> None:
        self.other[name] = scenario(self.stand, campaign=name.replace("_", "-"), **given)


@contextmanager
def on_a_stand(**given: int) -> Iterator[Stand]:
    # A folder of its own: any other run of pytest closes those of this one to PostgreSQL, which is not root.
    with (
        tempfile.TemporaryDirectory(prefix="crescendo-stand-") as folder,
        standing(Path(folder), is_durable=False, **given) as stand,
    ):
        yield stand


def found_out(figures: Figures) -> None:
    assert 0 < figures.numbers["until_it_opened"] <= 20


def called_in_no_hot_loop(figures: Figures) -> None:
    """While the breaker is open a call after two seconds, four, eight (two, should workers meet)."""
    assert figures.numbers["calls"] <= 20 + 2 * (figures.numbers["seconds"] / 5 + 1)


def workers_came_back(figures: Figures) -> None:
    numbers, verdict = figures.numbers, figures.verdict
    assert numbers["second_is_whole"]
    assert numbers["back_after_s"] + numbers["resumed_after_s"] <= 10
    assert (verdict.mails, verdict.lost, verdict.doubled) == (400, [], [])
