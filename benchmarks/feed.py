"""Requests for the in-app feed by real web processes: rate, CPU and time to answer.

    python benchmarks/feed.py [--requests 10000] [--contacts 200] [--connections 16] [--processes 2] [--known 0.5]

Uses a database of its own (made and dropped), each contact with one banner to show. `--known` is the share of requests
that come with the ETag of what the browser has already. Prints one JSON line; `cpu_ms` is the web processes' and
PostgreSQL's, not the client's. The reference is `/healthz` asked in the same way, for the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_feed")

PATIENCE_S = 60
TEXTS = {"en": {"title": "Room for more", "body": "Nine of ten seats are taken.", "button": "See Team"}}


def make_banners(count: int) -> list[str]:
    """Returns each contact's token."""
    import jwt

    from campaigns.delivery import dispatch
    from orchestrator import clock
    from tests.factories.delivery import ReadyMessageFactory, TemplateVersionFactory
    from tests.factories.intake import SIGNING_SECRET, SourceFactory
    from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

    SourceFactory()
    now = clock.utcnow()
    wording = TemplateVersionFactory(template__channel="in_app", content=TEXTS)
    tokens = []
    for _ in range(count):
        member = MembershipFactory(account=AccountFactory(), contact=ContactFactory(locale="en"))
        ReadyMessageFactory(
            channel="in_app",
            contact=member.contact,
            account=member.account,
            template_version=wording,
            locale="en",
            context={"links": {"offer": "https://product.example/c/token"}},
            due_at=now,
            planned_at=now,
            send_by=None,
        )
        claims = {
            "sub": member.contact.external_id,
            "acc": member.account.external_id,
            "exp": datetime.now(UTC) + timedelta(hours=1),
        }
        tokens.append(jwt.encode(claims, SIGNING_SECRET, algorithm="HS256"))
    dispatch.dispatch_due(channel="in_app", now=now, worker="bench", seconds=600)
    return tokens


def request_for(path: str, token: str, etag: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}"]
    lines += [f"If-None-Match: {etag}"] if etag else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, dict[str, str]]:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if int(headers.get("content-length", 0)):
        await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers


def load(
    answers: multiprocessing.Queue[Any],
    port: int,
    path: str,
    tokens: list[str],
    requests: int,
    connections: int,
    known: float,
) -> None:
    """Ask over kept-alive connections; puts (statuses, seconds of each)."""
    chance, statuses, took = random.Random(1), [], []
    etags: dict[str, str] = {}

    async def one(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(share):
            token = chance.choice(tokens)
            request = request_for(path, token, etags.get(token, "") if chance.random() < known else "")
            began = time.perf_counter()
            status, headers = await ask(reader, writer, request)
            took.append(time.perf_counter() - began)
            statuses.append(status)
            etags[token] = headers.get("etag", "")
        writer.close()

    async def everybody() -> None:
        await asyncio.gather(*(one(requests // connections) for _ in range(connections)))

    asyncio.run(everybody())
    answers.put(({status: statuses.count(status) for status in set(statuses)}, sorted(took)))


def cpu_s(root: int) -> float:
    """Of a process and all that it started and that still live."""
    import psutil

    everybody = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    times = [one.cpu_times() for one in everybody]
    return sum(one.user + one.system for one in times)


def postmaster() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int")
        return int(cursor.fetchone()[0])


def start_web(processes: int) -> tuple[subprocess.Popen[bytes], int]:
    """Real web processes on the benchmark's database."""
    from django.conf import settings
    from django.db import connection

    from campaigns.operations import programs

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = connection.settings_dict["NAME"]
    url = settings.DATABASE_URL.replace("/postgres?", f"/{name}?")
    assert url != settings.DATABASE_URL, "The embedded server's address names its database."
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local",
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
        "CRESCENDO_PROCESS": "web",
    }
    program = programs.web(host="127.0.0.1", port=port, processes=processes, environment=environment)
    process = subprocess.Popen(program.command, env=environment, cwd=Path(__file__).resolve().parents[1])
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.2)
    raise SystemExit("The web processes did not start.")


def measure(given: argparse.Namespace, path: str, tokens: list[str], web: int, port: int) -> dict[str, Any]:
    answers: multiprocessing.Queue[Any] = multiprocessing.Queue()
    sizes = (given.requests, given.connections, given.known)
    client = multiprocessing.Process(target=load, args=(answers, port, path, tokens, *sizes))
    spent, wall = cpu_s(web) + cpu_s(postmaster()), time.monotonic()
    client.start()
    statuses, took = answers.get(timeout=600)
    wall, spent = time.monotonic() - wall, cpu_s(web) + cpu_s(postmaster()) - spent
    client.join()
    assert set(statuses) <= {200, 304}, statuses
    return {
        "answers": statuses,
        "cpu_ms": round(spent * 1000 / len(took), 3),
        "requests_per_s": round(len(took) / wall),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--requests", type=int, default=10_000)
    arguments.add_argument("--contacts", type=int, default=200)
    arguments.add_argument("--connections", type=int, default=16)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--known", type=float, default=0.5)
    given = arguments.parse_args()

    import django

    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    web = None
    try:
        tokens = make_banners(given.contacts)
        web, port = start_web(given.processes)
        measure(given, "/healthz", tokens, web.pid, port)  # the first requests import what they need
        measure(given, "/inapp/v1/feed", tokens, web.pid, port)
        bare = measure(given, "/healthz", tokens, web.pid, port)
        measured = measure(given, "/inapp/v1/feed", tokens, web.pid, port)
        ratio = round(measured["cpu_ms"] / bare["cpu_ms"], 2)
        print(json.dumps({"benchmark": "feed", **measured, "bare_cpu_ms": bare["cpu_ms"], "ratio_to_bare": ratio}))
    finally:
        if web is not None:
            web.terminate()
            web.wait(timeout=30)
        connection.creation.destroy_test_db(os.environ["CRESCENDO_TEST_DB"], verbosity=0)


if __name__ == "__main__":
    main()
