"""The tests' database is migrated once: every later run on the same server begins with a copy of it.

What the copy lacks is still migrated, so an outdated one costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import django
import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connection
from psycopg import sql

_PREFIX = "prepared_"


def offer() -> None:
    """Let Django copy the prepared database, if there is one that fits."""
    with _server() as server:
        if _name() in _prepared(server):
            connection.settings_dict["TEST"]["TEMPLATE"] = _name()


def keep() -> None:
    """Call it when the database was made and before anything is written into it."""
    name = _name()
    with _server() as server:
        prepared = _prepared(server)
        if name in prepared:
            return
        connection.close()
        source = sql.Identifier(str(connection.settings_dict["NAME"]))
        statements = [sql.SQL("DROP DATABASE {}").format(sql.Identifier(outdated)) for outdated in prepared]
        statements.append(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
        for statement in statements:
            # Another run on this server may be doing the same.
            with contextlib.suppress(psycopg.Error):
                server.execute(statement)


def _server() -> psycopg.Connection[tuple[str]]:
    return psycopg.connect(settings.DATABASE_URL, autocommit=True)


def _prepared(server: psycopg.Connection[tuple[str]]) -> list[str]:
    found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
    return [name for (name,) in found]


def _name() -> str:
    """Named for what is migrated."""
    digest = hashlib.sha256(django.get_version().encode())
    for app in sorted(apps.get_app_configs(), key=lambda one: one.label):
        for migration in sorted(Path(app.path).glob("migrations/*.py")):
            digest.update(migration.read_bytes())
    return _PREFIX + digest.hexdigest()[:24]
