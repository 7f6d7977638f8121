"""CPU per message through dispatch: claim, render, begin, one provider request for each or for up to
`--batch` of them, finish.

    python benchmarks/dispatch.py [--channel email|sms] [--messages 20000] [--in-flight 50] [--latency-ms 0] [--batch 1]
        [--workers 2]

Every check is on: readers with a country and a zone, quiet hours, a price that holds until a day, caps, and the day's
budget of text messages.

Uses a database of its own (made and dropped), and a sink in another process that says yes at once, or after
`--latency-ms`. Prints one JSON line. `cpu_ms` is `--workers` processes and every process of the database server (those
of the connections, and those that write its log and its pages) until all is on disk; the sink is not counted. The
reference loop renders the same message with nothing else, for the ratio. `cpu_share` is how many processors they had:
where that is less than there are and nothing waits for the provider, others had the rest.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_dispatch")

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PARAGRAPH = (
    "<mj-text>{{ account.name }} uses most of what {{ offer.plan_from }} includes. " + "Words. " * 60 + "</mj-text>"
)
MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name }}.</mj-text>"
    + PARAGRAPH * 6
    + '<mj-button href="{{ links.offer }}">Upgrade for {{ offer.new_monthly }}</mj-button>'
    + "</mj-column></mj-section></mj-body></mjml>"
)
WORDINGS = {
    "email": {"subject": "{{ account.name }} is close to its limit", "mjml": MJML},
    "sms": {"text": "{{ account.name }} uses most of {{ offer.plan_from }}: {{ links.offer }}"},
}
CREATED = json.dumps({"sid": "SM" + "0" * 32, "status": "accepted", "date_created": "Tue, 24 Nov 2026 10:00:00 +0000"})
ANSWERS = {
    "email": b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sink\r\nContent-Length: 0\r\n\r\n",
    "sms": f"HTTP/1.1 201 Created\r\nContent-Length: {len(CREATED)}\r\n\r\n{CREATED}".encode(),
}


def sink(ready: multiprocessing.Queue, latency_s: float, answer: bytes) -> None:
    """Answer every request on any number of kept-alive connections, without reading what it says."""
    import asyncio

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                await reader.readexactly(length)
                if latency_s:
                    await asyncio.sleep(latency_s)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        ready.put(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(main())


def make_messages(count: int, channel: str) -> None:
    from campaigns.consent import points
    from campaigns.consent.models import ContactPoint
    from campaigns.delivery import content, plan
    from campaigns.delivery.models import Message
    from campaigns.profiles.addresses import hash_address
    from campaigns.profiles.models import Account, Contact
    from tests.factories.consent import ConsentTopicFactory
    from tests.factories.delivery import SendGateFactory

    ConsentTopicFactory()
    gate = SendGateFactory()
    wording = {"en": WORDINGS[channel]}
    version = content.store_version(slug="bench", name="Bench", channel=channel, content=wording, now=NOW)
    accounts = Account.objects.bulk_create(
        [Account(external_id=f"a{n}", name=f"Company {n}", added_at=NOW) for n in range(count)]
    )
    contacts = Contact.objects.bulk_create(
        [
            Contact(
                external_id=f"c{n}",
                email=f"c{n}@bench.example",
                email_hash=hash_address(f"c{n}@bench.example"),
                phone=f"+97250{n:07d}",
                phone_hash=hash_address(f"+97250{n:07d}"),
                first_name="Noa",
                country="IL",
                time_zone="Asia/Jerusalem",
                locale="en",
                added_at=NOW,
            )
            for n in range(count)
        ]
    )
    found = points.ensure_points(contacts=contacts, channel=channel)
    ContactPoint.objects.update(topics={"offers": "GRANTED"})
    offer = {"plan_from": "Basic", "new_monthly": "€129", "valid_until": f"{NOW + timedelta(days=30):%Y-%m-%d}"}
    for start in range(0, count, 1000):
        plan.plan_messages(
            items=[
                plan.PlannedMessage(
                    gate=gate,
                    contact=contact,
                    account=account,
                    point=found[contact.pk],
                    template_version=version,
                    channel=channel,
                    locale="en",
                    due_at=NOW,
                    send_by=NOW + timedelta(days=1),
                    dedupe_key=f"bench-{contact.pk}",
                    context={"offer": offer, "offer_url": f"http://127.0.0.1:8000/o/{uuid4()}"},
                )
                for account, contact in list(zip(accounts, contacts, strict=True))[start : start + 1000]
            ],
            now=NOW,
        )
    Message.objects.update(state="READY", next_at=datetime(2020, 1, 1, tzinfo=UTC))


def database_cpu_s(postmaster: int) -> float:
    """Of the postmaster, of its processes, and of those that have ended, which the system adds to their parent."""
    ticks = sum(times_of(Path(f"/proc/{postmaster}"), last=15))
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and parent_of(process) == postmaster:
            ticks += sum(times_of(process, last=13))
    return ticks / os.sysconf("SC_CLK_TCK")


def stat_of(process: Path) -> list[str]:
    """The fields of proc(5) from the third on; none of a process that has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def parent_of(process: Path) -> int:
    return int(next(iter(stat_of(process)[1:]), 0))


def times_of(process: Path, *, last: int) -> list[int]:
    """In user and in system mode; up to 15 also those of its ended children."""
    return [int(ticks) for ticks in stat_of(process)[11:last]]


def reference_ms(channel: str, rounds: int = 300) -> float:
    """Rendering the same message alone, CPU-ms each."""
    from orchestrator.templating import message

    compiled = (
        message.compile_email(subject="{{ account.name }}", mjml=MJML)
        if channel == "email"
        else message.compile_text(text=WORDINGS["sms"]["text"])
    )
    render = message.render_email if channel == "email" else message.render_text
    facts = {
        "contact": {"first_name": "Noa"},
        "account": {"name": "Company"},
        "offer": {"plan_from": "Basic", "new_monthly": "€129"},
        "links": {"offer": "http://127.0.0.1:8000/c/x"},
    }
    began = time.process_time()
    for _ in range(rounds):
        render(compiled, facts)
    return (time.process_time() - began) * 1000 / rounds


def settings_for(port: int, in_flight: int, batch: int) -> dict[str, object]:
    here = f"http://127.0.0.1:{port}"
    return {
        "COMPLIANCE_QUIET_HOURS": True,
        "SMS_DAILY_SEGMENTS": 10_000_000,
        "SENDGRID_API_KEY": "SG.bench",
        "SENDGRID_API_BASE": here,
        "SENDGRID_BATCH_SIZE": batch,
        "SENDGRID_IN_FLIGHT": in_flight,
        "TWILIO_IN_FLIGHT": in_flight,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "bench",
        "TWILIO_FROM": "+15005550006",
        **dict.fromkeys(("TWILIO_API_BASE", "TWILIO_MESSAGING_API_BASE", "TWILIO_LOOKUPS_API_BASE"), here),
    }


def drain(channel: str) -> float:
    """What one worker does; the CPU seconds of its process."""
    from campaigns.delivery import dispatch

    own = time.process_time()
    dispatch.dispatch_due(channel=channel, now=NOW, worker=f"bench-{os.getpid()}", seconds=600)
    return time.process_time() - own


def settle_database(statement: str) -> int:
    """What the statement leaves to do is done, and nothing waits for a disk; the postmaster's process."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    connection.close()
    return int((folder / "postmaster.pid").read_text().split()[0])


def measure(given: argparse.Namespace, port: int) -> dict[str, object]:
    from django.test import override_settings

    from campaigns.delivery.models import Message
    from orchestrator.channels import registry

    make_messages(given.messages, given.channel)
    postmaster = settle_database("VACUUM ANALYZE")
    with override_settings(**settings_for(port, given.in_flight, given.batch)):
        registry.get(given.channel)
        before = database_cpu_s(postmaster)
        with multiprocessing.get_context("fork").Pool(given.workers) as pool:
            wall = time.monotonic()
            spent = pool.map(drain, [given.channel] * given.workers, chunksize=1)
            wall = time.monotonic() - wall
        settle_database("SELECT 1")
        database = database_cpu_s(postmaster) - before
    count = Message.objects.filter(state="ACCEPTED").count()
    assert count == given.messages, f"{count} of {given.messages} were accepted."
    reference = reference_ms(given.channel)
    own = sum(spent)
    cpu_ms = (own + database) * 1000 / count
    return {
        "benchmark": "dispatch",
        "channel": given.channel,
        "messages": count,
        "in_flight": given.in_flight,
        "batch": given.batch,
        "latency_ms": given.latency_ms,
        "workers": given.workers,
        "cpu_ms": round(cpu_ms, 3),
        "cpu_ms_python": round(own * 1000 / count, 3),
        "cpu_ms_database": round(database * 1000 / count, 3),
        "reference_ms": round(reference, 3),
        "ratio_to_reference": round(cpu_ms / reference, 2),
        "per_s": round(count / wall),
        "cpu_share": round((own + database) / wall, 2),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--channel", choices=sorted(WORDINGS), default="email")
    arguments.add_argument("--messages", type=int, default=20_000)
    arguments.add_argument("--in-flight", type=int, default=50)
    arguments.add_argument("--latency-ms", type=float, default=0)
    arguments.add_argument("--batch", type=int, default=1)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()

    import django

    django.setup()
    from django.db import connection

    ready: multiprocessing.Queue = multiprocessing.Queue()
    server = multiprocessing.Process(
        target=sink, args=(ready, given.latency_ms / 1000, ANSWERS[given.channel]), daemon=True
    )
    server.start()
    port = ready.get(timeout=10)
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        print(json.dumps(measure(given, port)))
    finally:
        connection.creation.destroy_test_db(os.environ["CRESCENDO_TEST_DB"], verbosity=0)
        server.terminate()


if __name__ == "__main__":
    main()
