"""What the tests of bad input counted goes with their results: `make faults` adds it up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import toll


@pytest.fixture(autouse=True)
def told(record_property) -> Iterator[None]:
    yield
    if toll.counted:
        toll.tell(record_property)
