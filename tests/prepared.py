"""The tests' database is migrated once in a checkout: whatever needs one begins with a copy of it.

`python -m tests.prepared var/test-gw0 …` makes the prepared server's folder if there is none that fits, and lays a copy
of it where the named processes of pytest will look for theirs. Sites of a test begin with `lay`. Without it everything
works and migrates for itself. What a copy lacks is still migrated, so an outdated one costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from orchestrator import services

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "prepared"
_PREFIX = "prepared_"
_MARK = "prepared.name"


def name() -> str:
    """Of what is migrated: our migrations and every library's."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for migration in sorted(ROOT.glob("campaigns/*/migrations/*.py")):
        digest.update(migration.read_bytes())
    return _PREFIX + digest.hexdigest()[:24]


def offer() -> None:
    """Let Django copy the prepared database, if there is one that fits."""
    from django.conf import settings
    from django.db import connection

    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        if name() in _databases(server):
            connection.settings_dict["TEST"]["TEMPLATE"] = name()


def keep() -> None:
    """Call it when the database was made and before anything is written into it."""
    from django.conf import settings
    from django.db import connection

    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        known = _databases(server)
        if name() in known:
            return
        connection.close()
        source = sql.Identifier(str(connection.settings_dict["NAME"]))
        statements = [sql.SQL("DROP DATABASE {}").format(sql.Identifier(outdated)) for outdated in known]
        statements.append(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name()), source))
        for statement in statements:
            # Another run on this server may be doing the same.
            with contextlib.suppress(psycopg.Error):
                server.execute(statement)


def lay(var: Path) -> bool:
    """A copy for a server that was never started; True if there was one to copy."""
    folder = HOME / name()
    if (var / "pg").exists() or not folder.exists():
        return False
    var.mkdir(parents=True, exist_ok=True)
    # With its owner: PostgreSQL refuses to be root's, and where root runs the tests its data belong to another user.
    subprocess.run(["cp", "-a", str(folder), str(var / "pg")], check=True)
    (var / _MARK).write_text(name())
    return True


def _databases(server: psycopg.Connection[tuple[str]]) -> list[str]:
    found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
    return [name for (name,) in found]


def _make() -> None:
    if (HOME / name()).exists():
        return
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    with _compiling(), tempfile.TemporaryDirectory(dir=HOME) as scratch:
        var = Path(scratch)
        os.environ |= {"CRESCENDO_VAR": scratch, "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local"}
        try:
            _migrate(services.start_postgres(var))
        finally:
            services.stop(var)
        (var / "pg").rename(HOME / name())


@contextlib.contextmanager
def _compiling() -> Iterator[None]:
    """Meanwhile on another processor: what every process of pytest would otherwise compile for itself."""
    nowhere = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": "unix:///none"}
    collecting = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq"],
        cwd=ROOT,
        env={**os.environ, **nowhere},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield
    collecting.wait()


def _migrate(url: str) -> None:
    """Both as sites know it and, by name, as tests copy it."""
    import django
    from django.core.management import call_command

    with psycopg.connect(url, autocommit=True) as server:
        for setting in ("fsync", "full_page_writes"):
            server.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        server.execute("SELECT pg_reload_conf()")
    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    keep()
    with psycopg.connect(url, autocommit=True) as server:
        # A stand may take the machine's word for the disk.
        server.execute("ALTER SYSTEM RESET ALL")
        server.execute("VACUUM ANALYZE")


def _renew(var: Path) -> None:
    """A server of another state of the migrations gives way: its folder is pytest's alone."""
    mark = var / _MARK
    if mark.exists() and mark.read_text() == name():
        return
    services.stop(var)
    shutil.rmtree(var / "pg", ignore_errors=True)
    lay(var)


if __name__ == "__main__":
    _make()
    for folder in sys.argv[1:]:
        _renew(Path(folder))
