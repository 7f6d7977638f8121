"""What the planner knows of tables that were just filled.

Autovacuum looks once a minute. Until then PostgreSQL may believe a table of a hundred thousand rows
empty, and join it in a way that takes minutes.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import Model
from psycopg import sql


def renew_statistics(*models: type[Model]) -> None:
    """Cheap (a sample of each table), and allowed inside a transaction."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(model._meta.db_table)))
