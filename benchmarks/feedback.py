"""CPU per provider event: signed batches posted to the real view, stored, applied to messages, and posted again.

    python benchmarks/feedback.py [--messages 4000] [--batch 100] [--again 1]

Of each message the provider tells that it was taken and that it arrived (of one in a hundred, that it came back); of a
third an opening, of a tenth a click, of one in a thousand a complaint; in any order. Prints one JSON line per stage.
`cpu_ms` is this process, requests through Django's in-process client included, and its database connection; signing is
the provider's work and done before. `rss_mb` is this process's memory after the stage. Beside it the reference loop:
parsing the same bodies and nothing else.
Bar: 0.25 CPU-ms an event, stored and applied.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import batched
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_feedback")

import django
import psutil

django.setup()

# Django must be set up before what uses its models is imported.
from django.db import connection  # noqa: E402
from django.test import Client, override_settings  # noqa: E402

from benchmarks.dispatch import database_cpu_s, make_messages, parent_of  # noqa: E402
from campaigns.delivery import jobs  # noqa: E402
from campaigns.delivery.models import Message, ProviderEvent  # noqa: E402
from orchestrator import clock  # noqa: E402
from orchestrator.sandbox.sendgrid_events import PATH, SigningKey  # noqa: E402

PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


def accept_all() -> None:
    Message.objects.update(state="ACCEPTED", attempt=1, accepted_at=clock.utcnow(), ended_at=clock.utcnow())


def events() -> list[dict[str, Any]]:
    at = int(clock.wall_now().timestamp()) - 3600
    found = Message.objects.order_by("pk").values_list("uuid", "contact__email")
    made = [event for place, (uuid, email) in enumerate(found) for event in _of_message(place, str(uuid), email, at)]
    random.Random(7).shuffle(made)
    return made


def _of_message(place: int, uuid: str, email: str, at: int) -> Iterator[dict[str, Any]]:
    def told(word: str, seconds: int, **more: object) -> dict[str, Any]:
        own = {"crescendo_message": uuid, "crescendo_attempt": "1", "sg_event_id": f"{word}-{place}"}
        return {"event": word, "email": email, "timestamp": at + seconds, "sg_message_id": f"m{place}", **own, **more}

    yield told("processed", 0)
    if place % 100 == 0:
        yield told("bounce", 3, type="bounce", reason="550 5.1.1 No such user", status="5.1.1")
        return
    yield told("delivered", 2, response="250 OK", ip="198.51.100.7")
    if place % 3 == 0:
        yield told("open", 600, useragent=PERSON)
    if place % 10 == 0:
        yield told("click", 620, useragent=PERSON, url="https://acme.example/offer")
    if place % 1000 == 1:
        yield told("spamreport", 700)


def bodies(size: int, key: SigningKey) -> list[tuple[bytes, Mapping[str, str]]]:
    made = [json.dumps(part).encode() + b"\r\n" for part in batched(events(), size)]
    return [(body, key.headers(body)) for body in made]


def post_all(signed: list[tuple[bytes, Mapping[str, str]]]) -> None:
    client = Client()
    for body, headers in signed:
        response = client.post(PATH, body, content_type="application/json", headers=dict(headers))
        assert response.status_code == 200, response.status_code


def measure(stage: str, count: int, work: Callable[[], object]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = parent_of(Path("/proc", str(cursor.fetchone()[0])))
    database, own, wall = database_cpu_s(postmaster), time.process_time(), time.perf_counter()
    work()
    wall, own, database = time.perf_counter() - wall, time.process_time() - own, database_cpu_s(postmaster) - database
    return {
        "benchmark": "feedback",
        "stage": stage,
        "events": count,
        "cpu_ms": round((own + database) * 1000 / count, 4),
        "cpu_ms_database": round(database * 1000 / count, 4),
        "events_per_s": round(count / wall),
        "rss_mb": psutil.Process().memory_info().rss // 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--again", type=int, default=1, help="how often the same comes in once more")
    given = parser.parse_args()
    key = SigningKey()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        make_messages(given.messages, "email")
        accept_all()
        signed = bodies(given.batch, key)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        count = sum(len(json.loads(body)) for body, _ in signed)
        with override_settings(SENDGRID_WEBHOOK_PUBLIC_KEY=key.public_key):
            # The first request of a process reads all addresses of the site.
            assert Client().post(PATH).status_code == 401
            stages = [
                measure("parse (reference)", count, lambda: [json.loads(body) for body, _ in signed]),
                measure("taken in", count, lambda: post_all(signed)),
                measure("applied", count, jobs.apply_feedback),
                *(measure("taken in again", count, lambda: post_all(signed)) for _ in range(given.again)),
            ]
        assert ProviderEvent.objects.filter(applied_at__isnull=False).count() == count
    finally:
        connection.creation.destroy_test_db(os.environ["CRESCENDO_TEST_DB"], verbosity=0)
    for stage in stages:
        print(json.dumps(stage))
    both = stages[1]["cpu_ms"] + stages[2]["cpu_ms"]
    print(json.dumps({"benchmark": "feedback", "stage": "taken in + applied", "cpu_ms": round(both, 4), "bar": 0.25}))


if __name__ == "__main__":
    main()
