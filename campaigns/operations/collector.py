"""The collector of garbage in circles, which looks at everything alive again and again while thousands of rows are
made that all stay. In a batch that costs more than what the batch is for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """For one batch: what is in no circle goes as ever, the rest when the batch is over."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
