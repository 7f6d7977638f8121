from __future__ import annotations

import pytest
from django.db import DataError, connection, transaction

from campaigns.operations import prepared

STATEMENT = "SELECT %(number)s::int + 1, %(word)s::text"


@pytest.mark.django_db
def test_values_are_bound_by_name():
    assert prepared.fetch_rows(statement=STATEMENT, params={"number": 1, "word": "it's"}) == [(2, "it's")]


@pytest.mark.django_db
def test_errors_are_djangos():
    with pytest.raises(DataError), transaction.atomic():
        prepared.fetch_rows(statement="SELECT 1 / %(number)s::int", params={"number": 0})


@pytest.mark.django_db(transaction=True)
def test_where_settings_let_it_the_plan_is_kept_with_the_connection(monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", 0)
    for number in range(3):
        prepared.fetch_rows(statement=STATEMENT, params={"number": number, "word": ""})
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        assert cursor.fetchall() == [("SELECT $1::int + 1, $2::text",)]
    connection.close()
