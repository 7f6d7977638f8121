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
# Calls of a provider that fails until its channel is held back; seconds until a lost service is used again.
MOST_UNTIL_OPEN, BACK_WITHIN_S = 20, 10


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


def most_calls(seconds: float) -> float:
    """Of a provider that fails for so long: until that is found out, then one after two seconds, four, eight (two,
    should workers meet)."""
    return MOST_UNTIL_OPEN + 2 * (seconds / 5 + 1)
