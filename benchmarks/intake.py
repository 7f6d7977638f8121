"""CPU per usage event, from the front door to the daily values: posted in batches, processed, rolled up, replayed.

    python benchmarks/intake.py [--events 20000] [--batch 100]

Prints one JSON line per stage, beside a bare COPY of the same rows. Everything runs in this process (the requests
through Django's in-process client), so that its CPU and that of its own database connection are all there is.
Bar: 0.5 CPU-ms an event (2,000 a second and core), the sender's share included.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "bench_intake")

import django

django.setup()

# Django must be set up before what uses its models is imported.
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from campaigns.intake import process, sources  # noqa: E402
from campaigns.profiles import identify  # noqa: E402
from campaigns.usage import catalog as usage_catalog  # noqa: E402
from orchestrator import clock  # noqa: E402
from orchestrator.sandbox import catalogue  # noqa: E402

WRITE_KEY = "wk_bench"
ACCOUNTS = 1000


def batches(*, events: int, size: int, start: datetime) -> Iterator[bytes]:
    for first in range(0, events, size):
        items = [event(number, start) for number in range(first, min(first + size, events))]
        yield json.dumps({"batch": items, "sentAt": datetime.now(UTC).isoformat()}).encode()


def event(number: int, start: datetime) -> dict[str, Any]:
    account = number % ACCOUNTS
    values = {"seats_used": number % 90, "active_users": 7, "storage_gb": 12, "api_calls": number, "projects": 3}
    return {
        "type": "track",
        "event": "usage_reported",
        "userId": f"c{account}",
        "context": {"groupId": f"a{account}", "library": {"name": "analytics-python", "version": "2.4.0"}},
        "messageId": f"bench-{number}",
        "timestamp": (start + timedelta(days=number // ACCOUNTS)).isoformat(),
        "properties": values,
    }


def prepare() -> None:
    now = clock.utcnow()
    sources.create_source(name="bench", now=now, write_key=WRITE_KEY)
    usage_catalog.apply_meters(meters=catalogue.METERS)
    names = range(ACCOUNTS)
    identify.upsert_accounts(records=[identify.AccountRecord(f"a{n}", now) for n in names], now=now)
    identify.upsert_contacts(records=[identify.ContactRecord(f"c{n}", now) for n in names], now=now)
    identify.join_members(pairs=[(f"a{n}", f"c{n}", "OWNER") for n in names], now=now)


def post_all(*, events: int, size: int, start: datetime) -> None:
    client = Client()
    key = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    for body in batches(events=events, size=size, start=start):
        response = client.post("/v1/batch", body, content_type="application/json", headers={"Authorization": key})
        assert response.status_code == 200, response.status_code


def process_all() -> None:
    while process.process_inbound(now=clock.utcnow()).claimed:
        pass


def copy_rows(*, events: int, start: datetime) -> None:
    """The reference: what PostgreSQL and the driver need at least to take the same rows."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE reference (id bigint PRIMARY KEY, at timestamptz, payload jsonb)")
        with cursor.copy("COPY reference FROM STDIN") as copy:
            for number in range(events):
                copy.write_row((number, start, json.dumps(event(number, start))))


def measure(stage: str, events: int, work: Callable[[], None]) -> dict[str, Any]:
    cpu, wall = cpu_seconds(), time.perf_counter()
    work()
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    return {
        "stage": stage,
        "events": events,
        "cpu_ms_per_event": round(cpu * 1000 / events, 4),
        "events_per_s": round(events / wall),
    }


def cpu_seconds() -> float:
    """This process and the server process of its connection."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    return own.ru_utime + own.ru_stime + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=100)
    arguments = parser.parse_args()
    start = clock.utcnow() - timedelta(days=60)
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        prepare()
        events, size = arguments.events, arguments.batch
        stages = [
            measure("copy (reference)", events, lambda: copy_rows(events=events, start=start)),
            measure("post", events, lambda: post_all(events=events, size=size, start=start)),
            measure("process and roll up", events, process_all),
            measure("post again (all duplicates)", events, lambda: post_all(events=events, size=size, start=start)),
        ]
    finally:
        connection.creation.destroy_test_db("", verbosity=0)
    whole = stages[1]["cpu_ms_per_event"] + stages[2]["cpu_ms_per_event"]
    for stage in stages:
        print(json.dumps(stage))
    print(json.dumps({"stage": "post + process", "cpu_ms_per_event": round(whole, 4), "bar": 0.5}))


if __name__ == "__main__":
    main()
