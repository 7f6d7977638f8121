"""How long the claim takes when the table of messages is large.

    python benchmarks/claim.py [--messages 5000000] [--ready 20000] [--claims 200] [--size 50]

Makes a database of its own, fills it by SQL (some minutes, 5 GB of disk), and drops it again. Prints one JSON line:
p50, p99 and the longest claim in ms, the CPU-ms of the database for one, and the sizes of the table and of the index
that the claim reads. Of the messages `--ready` wait to be claimed, the others are final. `p50_ms` and `p99_ms` are wall
times and many times longer on a busy machine, `cpu_ms_database_p99` is what they are on a quiet one; the bar is 20 ms
at 5,000,000 messages.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_claim")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from campaigns.delivery import claim, switch  # noqa: E402
from campaigns.delivery.models import Message  # noqa: E402
from orchestrator import clock  # noqa: E402
from tests.factories.delivery import ReadyMessageFactory  # noqa: E402

STEP = 250_000
CONTACTS = 1000

_FILL = """
INSERT INTO delivery_message (uuid, gate_id, contact_id, account_id, point_id, template_version_id, channel, locale,
    variant, purpose, policy, context, origin_campaign, origin_step, account_revision, priority, expected_value,
    dedupe_key, state, reason, planned_at, due_at, next_at, attempt, claimed_by, provider_id, accepted_at, ended_at)
SELECT gen_random_uuid(), gate_id, contact_id, account_id, point_id, template_version_id, channel, locale, variant,
    purpose, policy, context, origin_campaign, origin_step, account_revision, priority, expected_value, 'fill-' || n,
    said.state, '', planned_at, due_at, next_at + n * interval '1 millisecond', 1, '', '',
    CASE WHEN said.state = 'ACCEPTED' THEN planned_at END, CASE WHEN said.state = 'ACCEPTED' THEN planned_at END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
JOIN unnest(%(likes)s::bigint[]) WITH ORDINALITY AS wanted(id, place) ON wanted.place = 1 + n %% cardinality(%(likes)s)
JOIN delivery_message ON delivery_message.id = wanted.id
CROSS JOIN LATERAL (SELECT CASE WHEN n %% %(every)s = 0 THEN 'READY' ELSE 'ACCEPTED' END AS state) AS said
"""


_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'delivery_message'::regclass
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
"""


def fill(messages: int, ready: int) -> None:
    """Without looking at keys, which are those of rows that are there; the indexes are built when all rows are in."""
    switch.ensure_switch(now=clock.utcnow())
    first = ReadyMessageFactory()
    shared = {"gate": first.gate, "template_version": first.template_version, "account": first.account}
    likes = [first.pk, *(ReadyMessageFactory(**shared).pk for _ in range(CONTACTS - 1))]
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        cursor.execute("SET maintenance_work_mem TO '512MB'")
        cursor.execute("SET session_replication_role TO replica")
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
        for name, _made in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for start in range(1, messages + 1, STEP):
            last = min(start + STEP - 1, messages)
            every = max(1, messages // ready)
            cursor.execute(_FILL, {"first": start, "last": last, "likes": likes, "every": every})
        for _name, made in indexes:
            cursor.execute(made)
        cursor.execute("SET session_replication_role TO origin")
        cursor.execute("VACUUM ANALYZE delivery_message")


@dataclass(frozen=True, slots=True)
class Claim:
    """Wall ms, and CPU-ms of the database and of this process."""

    wall: float
    database: float
    own: float


def measure(claims: int, size: int) -> list[Claim]:
    taken = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    for _ in range(claims):
        database, own, began = exact_cpu_ms(pid), time.process_time(), time.perf_counter()
        held = claim.claim_messages(channel="email", size=size, worker="benchmark", wall_now=clock.wall_now())
        wall, own = time.perf_counter() - began, time.process_time() - own
        taken.append(Claim(wall * 1000, exact_cpu_ms(pid) - database, own * 1000))
        assert len(held) == size, "Fewer messages were ready than the claims ask for: raise --ready."
    return taken


def exact_cpu_ms(pid: int) -> float:
    """By the scheduler's own count, which the ticks of `stat` are too coarse for."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def percentile(values: list[float], share: float) -> float:
    values = sorted(values)
    return round(values[min(len(values) - 1, int(len(values) * share))], 2)


def size_of(relation: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [relation])
        return round(cursor.fetchone()[0] / 1e6, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--ready", type=int, default=20_000)
    parser.add_argument("--claims", type=int, default=200)
    parser.add_argument("--size", type=int, default=50)
    options = parser.parse_args()
    name = settings.DATABASES["default"]["TEST"]["NAME"]
    with override_settings(DEBUG=False):
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            began = time.perf_counter()
            fill(options.messages, options.ready)
            filled_s = time.perf_counter() - began
            taken = measure(options.claims, options.size)
            wall, database = [one.wall for one in taken], [one.database for one in taken]
            figures = {
                "benchmark": "claim",
                "messages": Message.objects.count(),
                "ready": options.ready,
                "size": options.size,
                "claims": options.claims,
                "cpu_ms": round(sum(one.database + one.own for one in taken) / len(taken), 2),
                "cpu_ms_database_p50": percentile(database, 0.5),
                "cpu_ms_database_p99": percentile(database, 0.99),
                "p50_ms": percentile(wall, 0.5),
                "p99_ms": percentile(wall, 0.99),
                "max_ms": round(max(wall), 2),
                "workers": 1,
                "load": round(os.getloadavg()[0], 1),
                "table_mb": size_of("delivery_message"),
                "index_mb": size_of("messages_to_claim"),
                "filled_s": round(filled_s),
            }
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
