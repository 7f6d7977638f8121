from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from campaigns.operations import arrays


@pytest.mark.django_db
def test_the_database_reads_what_was_written():
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::bigint[], %s::text[]", [arrays.numbers([3, -1, 2**62]), arrays.words(["A_B", "c9"])])

        assert cursor.fetchone() == ([3, -1, 2**62], ["A_B", "c9"])


@pytest.mark.django_db
def test_nothing_is_an_empty_array():
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::bigint[], %s::text[]", [arrays.numbers([]), arrays.words([])])

        assert cursor.fetchone() == ([], [])


@given(st.text(alphabet="{}\"\\\\ '", min_size=1))
def test_what_would_need_quotes_is_refused(word):
    with pytest.raises(AssertionError):
        arrays.words(["PLAIN", word])
