"""Whose fault an error is."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import DataError, InternalError

from campaigns.operations import blame

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("statements", "kind", "is_theirs"),
    [
        (["SET TRANSACTION READ ONLY", "CREATE TABLE nobody ()"], InternalError, False),
        (["SELECT 1 / 0"], DataError, True),
    ],
)
def test_a_transaction_that_was_not_let_go_on_is_no_rows_fault(statements, kind, is_theirs):
    with pytest.raises(kind) as raised, transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

    assert blame.is_theirs(raised.value) is is_theirs
