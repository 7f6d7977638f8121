"""Which database this is, told apart from every copy of it, and whether a row was written here.

The server's system identifier, its timeline (a recovery to a point in time and a promoted standby begin a new one),
the database's oid and its name. Asking needs no special right. A copy of the whole data directory, made while the
server was down and started by itself, cannot be told from the original.

A dump read back into the very database it was made of changes none of that. It writes every row anew, though: a row
that carries the number of the transaction that wrote it (`STAMP`) tells by its `xmin`, which every kind of VACUUM
leaves as it was, that something else wrote it.
"""

from __future__ import annotations

from django.db import connection

SQL = """(
    SELECT concat_ws('/', control.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), own.oid,
        own.datname)
    FROM pg_control_system() control, pg_database own WHERE own.datname = current_database()
)"""

DECIDED_HERE_SQL = f"(database = {SQL} AND written_in IS NOT DISTINCT FROM xmin::text::bigint)"
"""On a row of operations_sendswitch: whether it was decided in this database and stands as it was written here."""

# The first makes a version of the row whose xmin is this transaction's, or this savepoint's; the second notes it.
_TOUCH = "UPDATE operations_sendswitch SET id = id WHERE id = 1"
_STAMP = "UPDATE operations_sendswitch SET written_in = xmin::text::bigint WHERE id = 1"


def stamp_switch() -> None:
    """Last of the transaction that decides: whatever writes the row afterwards undoes the decision."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH)
        cursor.execute(_STAMP)


def read_identity() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SQL}")
        return str(cursor.fetchone()[0])
