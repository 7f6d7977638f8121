from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection


@pytest.fixture
def second_connection(transactional_db: None) -> Iterator[psycopg.Connection]:
    """Another session of the tests' database, each statement its own transaction until it says BEGIN."""
    given = connection.get_connection_params()
    given.pop("cursor_factory", None)
    given.pop("context", None)
    with psycopg.connect(**given, autocommit=True) as second:
        yield second
