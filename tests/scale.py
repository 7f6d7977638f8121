"""How much a test does: little in the suite, as much as `--examples` says when it runs by itself."""

from __future__ import annotations

import os

VARIABLE = "CRESCENDO_EXAMPLES"


def examples(few: int) -> int:
    """`few`, or the number of `pytest --examples`."""
    return int(os.environ.get(VARIABLE) or few)


def is_full() -> bool:
    return VARIABLE in os.environ
