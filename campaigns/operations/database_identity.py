"""Which database this is, told apart from every copy of it.

The server's system identifier, its timeline (a recovery to a point in time and a promoted standby begin a new one),
the database's oid and its name. Asking needs no special right. A copy of the whole data directory, made while the
server was down and started by itself, cannot be told from the original.
"""

from __future__ import annotations

from django.db import connection

SQL = """(
    SELECT concat_ws('/', control.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), own.oid,
        own.datname)
    FROM pg_control_system() control, pg_database own WHERE own.datname = current_database()
)"""


def read_identity() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SQL}")
        return str(cursor.fetchone()[0])
