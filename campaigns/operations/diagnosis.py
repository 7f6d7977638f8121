"""What `manage.py doctor` looks at: one finding per thing, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from campaigns.operations import readiness
from orchestrator import clock
from orchestrator.jobs import queues


class Level(StrEnum):
    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    level: Level
    about: str
    words: str


def examine(*, wall_now: datetime) -> Iterator[Finding]:
    state = readiness.look(wall_now=wall_now)
    yield from _services(state)
    if state.database:
        yield _migrations()
    yield from _workers(state)
    yield _clock()
    yield from _providers()
    yield from _checks()
    yield _translations()


def _services(state: readiness.Readiness) -> Iterator[Finding]:
    if state.database:
        yield Finding(Level.GOOD, "PostgreSQL", f"answers, version {_version()}.")
    elif _connects():
        yield Finding(Level.WRONG, "PostgreSQL", "answers, but the tables are missing: run `manage.py migrate`.")
    else:
        yield Finding(Level.WRONG, "PostgreSQL", "does not answer. Look at DATABASE_URL, or at var/pg/log.")
    if not state.redis:
        yield Finding(Level.WRONG, "Redis", "does not answer. Look at REDIS_URL, or at var/redis/redis.log.")
        return
    info = queues.connection().info()
    policy, has_log = info.get("maxmemory_policy"), bool(info.get("aof_enabled"))
    if policy == "noeviction" and has_log:
        yield Finding(Level.GOOD, "Redis", "answers; keeps an append-only file and evicts nothing.")
    else:
        yield Finding(
            Level.NOTE, "Redis", f"answers, but wants appendonly yes and noeviction (has {policy}, AOF {has_log})."
        )


def _version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def _connects() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return Finding(Level.GOOD, "Migrations", "all applied.")
    return Finding(Level.WRONG, "Migrations", f"{len(plan)} not applied: run `manage.py migrate`.")


def _workers(state: readiness.Readiness) -> Iterator[Finding]:
    for queue in (queues.NOW, queues.BULK):
        age = state.workers.get(queue)
        if age is None or age > readiness.STALE_AFTER_S:
            last = "was never seen" if age is None else f"was last seen {age:.0f} s ago"
            yield Finding(Level.NOTE, f"Workers on {queue}", f"none: one {last}. `manage.py up` runs them.")
        else:
            yield Finding(Level.GOOD, f"Workers on {queue}", f"alive, seen {age:.0f} s ago.")
    age = state.beat_age_s
    if age is None or age > readiness.STALE_AFTER_S:
        yield Finding(Level.NOTE, "Timetable", "no tick in the last half minute. `manage.py up` runs it.")
    else:
        yield Finding(Level.GOOD, "Timetable", f"last tick {age:.0f} s ago.")


def _clock() -> Finding:
    offset = clock.utcnow() - clock.wall_now()
    if abs(offset) < timedelta(seconds=1):
        return Finding(Level.GOOD, "Clock", "business time is wall time.")
    return Finding(
        Level.NOTE, "Clock", f"business time is {offset.days} days ahead (moved by a demo or test; CLOCK_OFFSET)."
    )


def _providers() -> Iterator[Finding]:
    for name, key, without in (
        (
            "E-mail (SendGrid)",
            "SENDGRID_API_KEY",
            "messages stay in the in-memory outbox and nothing leaves the machine",
        ),
        ("CRM (HubSpot)", "HUBSPOT_ACCESS_TOKEN", "nothing is pulled or written back"),
        ("Billing (Stripe)", "STRIPE_API_KEY", "plans are not changed at the billing service"),
    ):
        if getattr(settings, key):
            yield Finding(Level.GOOD, name, f"{key} is set.")
        else:
            yield Finding(Level.NOTE, name, f"{key} is not set: {without}.")
    for name, key, route in (
        ("SendGrid", "SENDGRID_WEBHOOK_PUBLIC_KEY", "/webhooks/sendgrid/events"),
        ("Stripe", "STRIPE_WEBHOOK_SECRET", "/webhooks/stripe"),
    ):
        address = f"{settings.PUBLIC_BASE_URL}{route}"
        if getattr(settings, key):
            yield Finding(Level.GOOD, f"Webhooks of {name}", f"verified with {key}; register {address} there.")
        else:
            yield Finding(Level.NOTE, f"Webhooks of {name}", f"{key} is not set: {address} answers 503.")


def _checks() -> Iterator[Finding]:
    for message in run_checks(tags=["crescendo"]):
        yield Finding(Level.WRONG if message.is_serious() else Level.NOTE, message.id or "check", message.msg)


def _translations() -> Finding:
    sources = [file for folder in settings.LOCALE_PATHS for file in Path(folder).rglob("*.po")]
    stale = [f for f in sources if not _compiled(f).exists() or _compiled(f).stat().st_mtime < f.stat().st_mtime]
    if stale:
        return Finding(Level.WRONG, "Translations", "not compiled: run `manage.py compile_translations`.")
    return Finding(Level.GOOD, "Translations", f"{len(sources)} languages compiled.")


def _compiled(source: Path) -> Path:
    return source.with_suffix(".mo")
