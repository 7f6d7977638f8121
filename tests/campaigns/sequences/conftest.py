from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction

from tests.campaigns.sequences.scenes import Scene


@pytest.fixture(scope="module")
def scene(shared_rows, request: pytest.FixtureRequest) -> Iterator[None]:
    """The scene that a test is marked with, shared by those with the same mark; else an account and no campaign."""
    with transaction.atomic():
        getattr(request, "param", Scene()).build()
        yield
        transaction.set_rollback(True)
