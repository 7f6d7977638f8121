from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.settled import wait_until_idle


@pytest.fixture(autouse=True)
def no_request_is_left(live_server: object, transactional_db: None) -> Iterator[None]:
    """Ends after the pages are closed and before the tables are emptied."""
    yield
    wait_until_idle()
