"""Wall time and CPU to enrol an audience with its first messages, to let everybody go on when those have gone (and to
find that none has), and to advance everybody when their wait is over.

    python benchmarks/sequences.py [--contacts 100000] [--workers 2]

Uses a database of its own (made and dropped). One campaign with an offer, two wordings, a wait of three days, a
question and a banner; every account has a plan, usage, one contact with consent. Prints a JSON line for each act.
`--workers` processes do it, each a share of the audience that no other has, and each the due ones that no other holds.
`cpu_ms` is these processes and their database connections, per enrolment; the reference loop makes and stores as many
plain rows (accounts) with `bulk_create`, for the ratio. `cpu_share` is how many processors they had: `seconds` is what
it takes where that is about the number of workers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_sequences")

BATCH = 5000


def make_audience(count: int) -> Any:
    """A launched campaign whose segment everybody has just entered."""
    from campaigns.segments.models import SegmentMembership
    from tests.factories import sequences as make

    campaign = make.launched(holdout_percent=0)
    for start in range(0, count, BATCH):
        accounts = make_customers(range(start, min(start + BATCH, count)), make.NOW)
        SegmentMembership.objects.bulk_create(
            SegmentMembership(segment=campaign.segment, account=account, entered_at=make.NOW) for account in accounts
        )
    return campaign


def make_customers(numbers: range, now: datetime) -> list[Any]:
    """Accounts on Basic with nine of ten seats taken, each with an owner who said yes to offers."""
    from campaigns.billing.models import Plan, Subscription
    from campaigns.consent.models import ContactPoint
    from campaigns.profiles.addresses import hash_address
    from campaigns.profiles.models import Account, Contact, Membership
    from campaigns.usage.models import Meter, UsageDaily

    plan, meter = Plan.objects.get(code="basic"), Meter.objects.get(code="seats_used")
    accounts = Account.objects.bulk_create(
        Account(external_id=f"a{n}", name=f"Company {n}", added_at=now) for n in numbers
    )
    contacts = Contact.objects.bulk_create(
        Contact(
            external_id=f"c{n}",
            email=f"c{n}@bench.example",
            email_hash=hash_address(f"c{n}@bench.example"),
            first_name="Noa",
            locale="en",
            added_at=now,
        )
        for n in numbers
    )
    pairs = list(zip(accounts, contacts, strict=True))
    Membership.objects.bulk_create(Membership(account=one, contact=two, role="OWNER") for one, two in pairs)
    for channel in ("email", "in_app"):
        hashes = [hash_address(one.email if channel == "email" else one.external_id) for one in contacts]
        ContactPoint.objects.bulk_create(
            ContactPoint(channel=channel, contact=contact, address_hash=value, topics={"offers": "GRANTED"})
            for contact, value in zip(contacts, hashes, strict=True)
        )
    Subscription.objects.bulk_create(
        Subscription(
            external_id=f"s{account.pk}",
            account=account,
            plan=plan,
            status="ACTIVE",
            currency="USD",
            interval="MONTH",
            quantity=1,
            mrr=Decimal(29),
            started_at=now - timedelta(days=90),
            as_of=now - timedelta(days=90),
        )
        for account in accounts
    )
    UsageDaily.objects.bulk_create(
        UsageDaily(account=account, meter=meter, day=now.date(), value=Decimal(9), last_at=now) for account in accounts
    )
    return accounts


def backend_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spend(act: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process and of its database connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    database, own = backend_cpu_s(pid), time.process_time()
    act()
    return time.process_time() - own, backend_cpu_s(pid) - database


def enrol_everybody(_then: datetime) -> tuple[float, float]:
    from campaigns.sequences import enrol
    from tests.factories import sequences as make

    return spend(lambda: enrol.enrol_due(now=make.NOW))


def release_everybody(_then: datetime) -> tuple[float, float]:
    """All at once is one statement's work, for one of the processes."""
    from campaigns.sequences import awaited
    from tests.factories.sequences import NOW

    def act() -> None:
        while awaited.release_awaited(now=NOW):
            pass

    return spend(act)


def send_everything() -> None:
    from campaigns.delivery.models import Message
    from tests.factories.sequences import NOW

    Message.objects.update(state=Message.State.ACCEPTED, accepted_at=NOW, ended_at=NOW)


def advance_everybody(then: datetime) -> tuple[float, float]:
    from campaigns.sequences import advance

    def act() -> None:
        while advance.advance_batch(now=then, size=advance.BATCH).looked_at:
            pass

    return spend(act)


def by_workers(
    act: Callable[[datetime], tuple[float, float]], then: datetime, workers: int
) -> list[tuple[float, float]]:
    """What each of the processes spent."""
    from django.db import connection

    connection.close()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return pool.map(act, [then] * workers, chunksize=1)


def measure_act(name: str, act: Callable[[datetime], tuple[float, float]], then: datetime, workers: int) -> None:
    from django.db import connection

    from campaigns.sequences.models import Enrolment

    reference = reference_ms()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    wall = time.monotonic()
    spent = by_workers(act, then, workers)
    wall = time.monotonic() - wall
    done, own, database = Enrolment.objects.count(), sum(one for one, _ in spent), sum(one for _, one in spent)
    cpu_ms = (own + database) * 1000 / done
    figures = {
        "benchmark": name,
        "enrolments": done,
        "workers": workers,
        "cpu_ms": round(cpu_ms, 4),
        "cpu_ms_python": round(own * 1000 / done, 4),
        "cpu_ms_database": round(database * 1000 / done, 4),
        "reference_ms": round(reference, 4),
        "ratio_to_reference": round(cpu_ms / reference, 1),
        "seconds": round(wall, 2),
        "per_s": round(done / wall),
        "cpu_share": round((own + database) / wall, 2),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(figures), flush=True)


def reference_ms(count: int = 5000) -> float:
    """CPU-ms to make and store one plain row."""
    from campaigns.profiles.models import Account
    from tests.factories.sequences import NOW

    def act() -> None:
        Account.objects.bulk_create(Account(external_id=f"r{n}", name=f"Row {n}", added_at=NOW) for n in range(count))

    spent = sum(spend(act))
    Account.objects.filter(external_id__startswith="r").delete()
    return spent * 1000 / count


def measure(count: int, workers: int) -> None:
    from campaigns.delivery.models import Message
    from tests.factories import sequences as make
    from tests.settled import wait_until_settled

    make_audience(count)
    wait_until_settled()
    measure_act("enrol", enrol_everybody, make.NOW, workers)
    assert Message.objects.filter(channel="email").count() == count
    measure_act("look_at_who_awaits", release_everybody, make.NOW, 1)
    send_everything()
    measure_act("release", release_everybody, make.NOW, 1)
    measure_act("advance", advance_everybody, make.NOW + timedelta(days=3, hours=1), workers)
    assert Message.objects.filter(channel="in_app").count() == count


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--contacts", type=int, default=100_000)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()

    import django

    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        measure(given.contacts, given.workers)
    finally:
        connection.creation.destroy_test_db(os.environ["CRESCENDO_TEST_DB"], verbosity=0)


if __name__ == "__main__":
    main()
