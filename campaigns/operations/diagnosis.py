"""What `manage.py doctor` looks at: one finding per thing, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from campaigns.operations import diagnosis_of_tables, readiness
from campaigns.operations.findings import Finding, Level
from orchestrator import clock
from orchestrator.jobs import queues

SKEW_S = 2.0
# Name, what switches it on, what its webhooks are verified with, where they come in, what is lost without them.
_WEBHOOKS = (
    (
        "SendGrid",
        "SENDGRID_API_KEY",
        "SENDGRID_WEBHOOK_PUBLIC_KEY",
        "/webhooks/sendgrid/events",
        "bounces, complaints and unsubscribes at the provider do not get in",
    ),
    (
        "Twilio",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "/webhooks/twilio/inbound",
        "STOP and delivery reports do not get in",
    ),
    (
        "Stripe",
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "/webhooks/stripe",
        "upgrades made elsewhere are not seen",
    ),
    # Changes are pulled every five minutes anyway: its webhooks only make that sooner.
    ("HubSpot", "HUBSPOT_ACCESS_TOKEN", "HUBSPOT_CLIENT_SECRET", "/webhooks/hubspot", ""),
)


def examine(*, wall_now: datetime) -> Iterator[Finding]:
    state = readiness.look(wall_now=wall_now)
    yield from _services(state)
    if state.database:
        yield (migrations := _migrations())
        if migrations.level is Level.GOOD:
            yield from diagnosis_of_tables.examine(now=clock.utcnow(), wall_now=wall_now)
    yield from _workers(state)
    if state.redis:
        yield from _queues()
    yield _clock()
    if state.redis:
        yield _redis_clock()
    yield from _providers()
    yield from _webhooks()
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


def _queues() -> Iterator[Finding]:
    for name in (queues.NOW, queues.BULK):
        queue = queues.open_queue(name)
        failed = queue.failed_job_registry.count
        if failed:
            words = f"{failed} failed in the last week: `manage.py rqstats`, and the workers' logs, say why."
            yield Finding(Level.NOTE, f"Bells on {name}", f"{queue.count} waiting, {words}")
        else:
            yield Finding(Level.GOOD, f"Bells on {name}", f"{queue.count} waiting, none failed.")


def _clock() -> Finding:
    offset = clock.utcnow() - clock.wall_now()
    if abs(offset) < timedelta(seconds=1):
        return Finding(Level.GOOD, "Clock", "business time is wall time.")
    return Finding(
        Level.NOTE, "Clock", f"business time is {offset.days} days ahead (moved by a demo or test; CLOCK_OFFSET)."
    )


def _redis_clock() -> Finding:
    """Leases and signatures go by the clock of each machine: one that is off takes work from the others."""
    off = _time_in_redis() - clock.wall_now().timestamp()
    if abs(off) <= SKEW_S:
        return Finding(Level.GOOD, "Clock of Redis", "agrees with this machine's.")
    words = f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} this machine's: set both by NTP."
    return Finding(Level.WRONG, "Clock of Redis", words)


def _time_in_redis() -> float:
    seconds, microseconds = queues.connection().time()
    return float(seconds) + float(microseconds) / 1_000_000


def _providers() -> Iterator[Finding]:
    for name, key, without in (
        (
            "E-mail (SendGrid)",
            "SENDGRID_API_KEY",
            "messages stay in the in-memory outbox and nothing leaves the machine",
        ),
        ("SMS (Twilio)", "TWILIO_ACCOUNT_SID", "text messages stay in the in-memory outbox"),
        ("CRM (HubSpot)", "HUBSPOT_ACCESS_TOKEN", "nothing is pulled or written back"),
        ("Billing (Stripe)", "STRIPE_API_KEY", "plans are not changed at the billing service"),
    ):
        if getattr(settings, key):
            yield Finding(Level.GOOD, name, f"{key} is set.")
        else:
            yield Finding(Level.NOTE, name, f"{key} is not set: {without}.")
    if settings.TWILIO_ACCOUNT_SID:
        yield _text_budget()


def _text_budget() -> Finding:
    name = "Budget of text messages"
    if settings.SMS_DAILY_SPEND is not None and not settings.SMS_SEGMENT_PRICES:
        words = "SMS_DAILY_SPEND is set and SMS_SEGMENT_PRICES is empty: no text message goes."
        return Finding(Level.WRONG, name, words)
    if settings.SMS_DAILY_SEGMENTS or settings.SMS_DAILY_SPEND is not None:
        return Finding(Level.GOOD, name, "a day's text messages stop at it.")
    words = "there is none: nothing stops a day's text messages. SMS_DAILY_SEGMENTS or SMS_DAILY_SPEND sets one."
    return Finding(Level.NOTE, name, words)


def _webhooks() -> Iterator[Finding]:
    """What a provider that is switched on reports must be verifiable: else no bounce, opt-out or payment gets in."""
    for name, provider, key, route, without in _WEBHOOKS:
        address = f"{settings.PUBLIC_BASE_URL}{route}"
        if getattr(settings, key):
            yield Finding(Level.GOOD, f"Webhooks of {name}", f"verified with {key}; register {address} there.")
            continue
        level = Level.WRONG if without and getattr(settings, provider) else Level.NOTE
        words = f"{key} is not set: {address} answers 503"
        yield Finding(level, f"Webhooks of {name}", f"{words}; {without}." if level is Level.WRONG else f"{words}.")


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
