from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from segment.analytics.client import Client

from campaigns.intake import moments, process, replay, store
from campaigns.intake.models import InboundEvent, Parked, SeenEvent
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.usage.models import UsageEvent
from tests.factories.intake import WRITE_KEY, SourceFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gzip", [False, True])
def test_the_official_client_delivers_what_it_was_told_to(live_server, gzip):
    SourceFactory()
    errors = []
    client = Client(
        WRITE_KEY,
        max_retries=1,
        host=live_server.url,
        gzip=gzip,
        sync_mode=False,
        on_error=lambda error, _items: errors.append(error),
    )
    at = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    client.group("c1", "a1", {"name": "Acme"})
    client.identify("c1", {"email": "noa@customer.example"}, context={"groupId": "a1"})
    client.track("c1", "report_opened", {"n": 1}, context={"groupId": "a1"}, timestamp=at, message_id="m-1")
    client.track("c1", "report_opened", {"n": 1}, context={"groupId": "a1"}, timestamp=at, message_id="m-1")
    client.shutdown()
    process.process_inbound(now=datetime.now(UTC))

    assert errors == []
    assert (Account.objects.get().name, Contact.objects.get().email) == ("Acme", "noa@customer.example")
    assert Membership.objects.count() == 1
    assert abs(UsageEvent.objects.get().at - at) < timedelta(seconds=30)


@pytest.mark.django_db(transaction=True)
def test_four_senders_of_the_same_events_store_each_once():
    source = SourceFactory()
    receipt = moments.Receipt(wall=NOW, business=NOW)
    items = [store.NewItem("track", f"m{number}", "{}", NOW) for number in range(200)]
    results = []

    def send(order):
        results.append(store.store_items(source=source, items=order, bad=[], receipt=receipt))
        connection.close()

    threads = [
        threading.Thread(target=send, args=[items[start:] + items[:start] if start else items[::-1]])
        for start in (0, 50, 100, 150)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(result.stored for result in results) == InboundEvent.objects.count() == SeenEvent.objects.count() == 200
    source.refresh_from_db()
    assert source.duplicates == 600


@pytest.mark.django_db(transaction=True)
def test_replay_and_processing_from_two_workers_at_once_count_each_event_once():
    source = SourceFactory()
    receipt = moments.Receipt(wall=NOW, business=NOW)
    payload = '{"event": "e", "userId": "c1", "context": {}, "properties": {}, "traits": {}}'
    items = [store.NewItem("track", f"m{number}", payload, NOW) for number in range(60)]
    store.store_items(source=source, items=items, bad=[], receipt=receipt)
    process.process_inbound(now=NOW)
    waiting = Parked.objects.count()
    Contact.objects.create(external_id="c1", added_at=NOW)

    def work():
        for _ in range(6):
            replay.replay_parked(now=NOW, limit=20)
            process.process_inbound(now=NOW, limit=20)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.process_inbound(now=NOW)

    assert waiting == 60
    assert UsageEvent.objects.count() == UsageEvent.objects.values("message_id").distinct().count() == 60
    assert not Parked.objects.exists()
