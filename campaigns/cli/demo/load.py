"""Bring the demo company in through the front doors: CRM pull, billing webhooks, usage by the official client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import segment.analytics as segment_analytics

from campaigns.billing import catalog
from campaigns.billing.models import Subscription
from campaigns.cli.demo.outside import Outside
from campaigns.cli.demo.setting import DemoSetting
from campaigns.cli.demo.waiting import wait_for
from campaigns.consent import topics
from campaigns.crm import connect, sync
from campaigns.intake import sources
from campaigns.intake.models import InboundEvent, Source
from campaigns.usage import catalog as meters
from orchestrator.connectors import registry
from orchestrator.sandbox.company import Company

SOURCE = "product"
UPLOAD_SIZE = 500
Progress = Callable[[int, int], None]


def load_catalogue(*, company: Company, now: datetime) -> None:
    document = company.catalog()
    meters.apply_meters(meters=document["meters"])
    catalog.apply_catalog(document=document, now=now)
    topics.apply_topics(topics=document["topics"])


def open_source(*, setting: DemoSetting, now: datetime) -> None:
    if not Source.objects.filter(slug=SOURCE).exists():
        sources.create_source(name=SOURCE, write_key=setting.write_key, signing_secret=setting.signing_secret, now=now)


def pull_crm(*, company: Company, now: datetime, progress: Progress) -> None:
    """Our own properties are made first, so that write-backs find them. Raises RuntimeError."""
    connection = connect.find_connection(slug="hubspot")
    registry.crm(connection.kind).set_up()
    total = len(company.accounts) + len(company.contacts)
    taken: dict[str, int] = {}

    def move(kind: str, count: int) -> None:
        taken[kind] = count
        progress(sum(taken.values()), total)

    run = sync.sync_connection(connection=connection, full=True, now=now, progress=move)
    if run.error:
        raise RuntimeError(f"The CRM pull failed: {run.error}")


def announce_billing(*, outside: Outside, company: Company, progress: Progress) -> None:
    """The billing service tells of every subscription by signed webhook; done when all are stored."""
    expected = len(company.stripe_objects()["subscriptions"])
    outside.announce_subscriptions()
    wait_for(
        lambda: (Subscription.objects.count(), expected),
        progress=progress,
        what="subscriptions from billing",
    )


def send_usage(*, setting: DemoSetting, company: Company, days: Sequence[date], progress: Progress) -> int:
    """The usage of those days through the official Segment client, gzipped, in that order."""
    failures: list[str] = []
    client = segment_analytics.Client(
        setting.write_key,
        host=setting.product_base,
        gzip=True,
        upload_size=UPLOAD_SIZE,
        max_queue_size=20_000,
        thread=2,
        timeout=30,
        on_error=lambda error, items: failures.append(f"{len(items)} events: {error}"),
    )
    sent = 0
    for number, day in enumerate(days, start=1):
        for event in company.usage_events(day):
            client.track(**event)
            sent += 1
        client.flush()
        progress(number, len(days))
    client.shutdown()
    if failures:
        raise RuntimeError(f"Usage was refused: {failures[0]} ({len(failures)} batches).")
    return sent


def wait_for_intake(*, progress: Progress) -> None:
    total = InboundEvent.objects.filter(state="PENDING").count()
    wait_for(
        lambda: (total - InboundEvent.objects.filter(state="PENDING").count(), total),
        progress=progress,
        what="stored events to be taken in",
    )
