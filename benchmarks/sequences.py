"""Wall time and CPU to enrol an audience with its first messages, and to advance everybody when their wait is over.

    python benchmarks/sequences.py [--contacts 100000]

Uses a database of its own (made and dropped). One campaign with an offer, two wordings, a wait of three days, a
question and a banner; every account has a plan, usage, one contact with consent. Prints a JSON line for each act.
`cpu_ms` is this process and its database connection, per enrolment; the reference loop makes and stores as many
plain rows (accounts) with `bulk_create`, for the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def measured(act: str, count: Callable[[], int], reference_ms: float) -> Iterator[None]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    database, own, wall = backend_cpu_s(pid), time.process_time(), time.monotonic()
    yield
    wall, own, database = time.monotonic() - wall, time.process_time() - own, backend_cpu_s(pid) - database
    done = count()
    cpu_ms = (own + database) * 1000 / done
    figures = {
        "benchmark": act,
        "enrolments": done,
        "seconds": round(wall, 2),
        "cpu_ms": round(cpu_ms, 4),
        "cpu_ms_python": round(own * 1000 / done, 4),
        "cpu_ms_database": round(database * 1000 / done, 4),
        "reference_ms": round(reference_ms, 4),
        "ratio_to_reference": round(cpu_ms / reference_ms, 1),
    }
    print(json.dumps(figures), flush=True)


def reference_ms(count: int = 5000) -> float:
    """CPU-ms to make and store one plain row."""
    from django.db import connection

    from campaigns.profiles.models import Account
    from tests.factories.sequences import NOW

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    database, own = backend_cpu_s(pid), time.process_time()
    Account.objects.bulk_create(Account(external_id=f"r{n}", name=f"Row {n}", added_at=NOW) for n in range(count))
    spent = time.process_time() - own + backend_cpu_s(pid) - database
    Account.objects.filter(external_id__startswith="r").delete()
    return spent * 1000 / count


def measure(count: int) -> None:
    from campaigns.delivery.models import Message
    from campaigns.sequences import advance, enrol
    from campaigns.sequences.models import Enrolment
    from tests.factories import sequences as make

    campaign = make_audience(count)
    reference = reference_ms()
    with measured("enrol", Enrolment.objects.count, reference):
        enrol.enrol_audience(campaign=campaign, now=make.NOW)
    assert Message.objects.filter(channel="email").count() == count
    then = make.NOW + timedelta(days=3, hours=1)
    with measured("advance", Enrolment.objects.count, reference):
        while advance.advance_due(now=then).looked_at:
            pass
    assert Message.objects.filter(channel="in_app").count() == count


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--contacts", type=int, default=100_000)
    given = arguments.parse_args()

    import django

    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        measure(given.contacts)
    finally:
        connection.creation.destroy_test_db(os.environ["CRESCENDO_TEST_DB"], verbosity=0)


if __name__ == "__main__":
    main()
