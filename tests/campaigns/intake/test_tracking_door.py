from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError

from campaigns.intake import moments, store
from campaigns.intake.models import InboundEvent, Quarantined, SeenEvent, Source
from tests.factories.intake import WRITE_KEY, SourceFactory

BASIC = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
EVENT = {"type": "track", "userId": "c1", "event": "report_opened", "messageId": "m1", "properties": {"n": 1}}


@pytest.fixture
def source(db):
    return SourceFactory()


def post(client, route="batch", body=None, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers.setdefault("HTTP_AUTHORIZATION", BASIC)
    return client.post(f"/v1/{route}", raw, content_type="application/json", **headers)


def batch(*items, **extra):
    return {"batch": list(items), **extra}


def test_a_batch_is_stored_and_answered(client, source):
    response = post(client, body=batch(EVENT, {**EVENT, "messageId": "m2"}))

    assert (response.status_code, response.json()) == (200, {"success": True})
    assert set(InboundEvent.objects.values_list("message_id", "kind", "state")) == {
        ("m1", "track", "PENDING"),
        ("m2", "track", "PENDING"),
    }


@pytest.mark.parametrize("route", ["identify", "track", "group", "page", "screen", "alias"])
def test_every_single_call_is_taken_under_its_own_name(client, source, route):
    body = {"userId": "c1", "groupId": "a1", "event": "e", "previousId": "c0", "messageId": "m1"}

    assert post(client, route, body).status_code == 200
    assert InboundEvent.objects.get().kind == route


def test_an_import_is_a_batch(client, source):
    assert post(client, "import", batch(EVENT)).status_code == 200
    assert InboundEvent.objects.count() == 1


def test_the_write_key_may_be_in_the_body(client, source):
    assert post(client, body=batch(EVENT, writeKey=WRITE_KEY), HTTP_AUTHORIZATION="").status_code == 200
    assert "writeKey" not in InboundEvent.objects.get().payload


def test_gzip_is_unpacked(client, source):
    packed = gzip.compress(json.dumps(batch(EVENT)).encode())

    assert post(client, body=packed, HTTP_CONTENT_ENCODING="gzip").status_code == 200
    assert InboundEvent.objects.count() == 1


def test_the_same_batch_again_stores_nothing_and_is_counted(client, source):
    post(client, body=batch(EVENT, EVENT))
    again = post(client, body=batch(EVENT))

    source.refresh_from_db()
    assert again.status_code == 200
    assert (InboundEvent.objects.count(), SeenEvent.objects.count(), source.duplicates) == (1, 1, 2)


def test_an_id_is_of_its_source_alone(client, source):
    SourceFactory(write_key="other")
    post(client, body=batch(EVENT))
    post(client, body=batch(EVENT, writeKey="other"), HTTP_AUTHORIZATION="")

    assert InboundEvent.objects.count() == 2


def test_without_an_id_the_content_is_the_id(client, source):
    anonymous = {name: value for name, value in EVENT.items() if name != "messageId"}
    post(client, "track", {**anonymous, "sentAt": "2026-03-01T10:00:00Z"})
    post(client, "track", {**anonymous, "sentAt": "2026-03-01T10:00:09Z"})
    post(client, "track", {**anonymous, "event": "other"})

    assert InboundEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({**EVENT, "event": ""}, "`event`"),
        ({"type": "track", "event": "e"}, "neither a userId"),
        ({**EVENT, "type": "shout"}, "type must be"),
        ({**EVENT, "userId": ["c1"]}, "`userId`"),
        ({**EVENT, "properties": "none"}, "`properties`"),
        ({**EVENT, "timestamp": "yesterday"}, "time stamp"),
        ({**EVENT, "properties": {"x": "y" * 40_000}}, "larger"),
        ({"type": "group", "userId": "c1"}, "groupId"),
        ("track", "not an object"),
    ],
)
def test_one_bad_item_is_quarantined_with_its_reason_and_its_neighbours_are_stored(client, source, item, words):
    response = post(client, body=batch(item, {**EVENT, "messageId": "good"}))

    assert response.status_code == 200
    assert words in Quarantined.objects.get().error
    assert InboundEvent.objects.get().message_id == "good"


def test_a_bad_item_sent_again_is_quarantined_once_and_mended_it_is_stored(client, source):
    bad = {**EVENT, "event": ""}
    post(client, body=batch(bad))
    post(client, body=batch(bad))
    post(client, body=batch(EVENT))

    assert (Quarantined.objects.count(), InboundEvent.objects.count()) == (1, 1)


def test_a_value_the_database_cannot_keep_costs_its_own_item_alone(source):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    receipt = moments.Receipt(wall=now, business=now)
    items = [store.NewItem("track", "bad", '{"n": 1e999999}', now), store.NewItem("track", "good", "{}", now)]

    stored = store.store_items(source=source, items=items, bad=[], receipt=receipt)

    assert (stored.stored, stored.quarantined) == (1, 1)
    assert Quarantined.objects.get().message_id == "bad"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[1]", {}, 400),
        (b'{"batch": 1}', {}, 400),
        (json.dumps({"batch": [EVENT] * 2501}).encode(), {}, 400),
        (b"not gzip", {"HTTP_CONTENT_ENCODING": "gzip"}, 400),
        (b" " * (1024 * 1024 + 1), {}, 413),
        (gzip.compress(b" " * (1024 * 1024 + 1)), {"HTTP_CONTENT_ENCODING": "gzip"}, 413),
        (b'{"batch": []}', {"HTTP_AUTHORIZATION": "Basic d3Jvbmc6"}, 401),
        (b'{"batch": []}', {"HTTP_AUTHORIZATION": ""}, 401),
        (b'{"batch": [], "writeKey": 7}', {"HTTP_AUTHORIZATION": "Basic %%"}, 401),
    ],
)
def test_a_request_that_will_never_be_good_changes_nothing(client, source, body, headers, status):
    response = post(client, body=body, **headers)

    assert (response.status_code, response.content) == (status, b"")
    assert not InboundEvent.objects.exists()


def test_an_inactive_source_is_a_stranger(client, source):
    Source.objects.update(is_active=False)

    assert post(client, body=batch(EVENT)).status_code == 401


def test_without_a_database_the_sender_is_asked_to_come_back(client, source, monkeypatch):
    def away(**_kwargs):
        raise DatabaseError

    monkeypatch.setattr(store, "store_items", away)
    response = post(client, body=batch(EVENT))

    assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_reading_the_door_is_not_allowed(client, source):
    assert client.get("/v1/batch").status_code == 405


def test_batch_context_belongs_to_every_item(client, source):
    post(client, body=batch({**EVENT, "context": {"ip": "1.2.3.4"}}, context={"groupId": "a1"}))

    assert InboundEvent.objects.get().payload["context"] == {"groupId": "a1", "ip": "1.2.3.4"}


def test_numbers_as_ids_are_their_digits(client, source):
    post(client, "group", {"userId": 7, "groupId": 42, "messageId": "m1"})

    payload = InboundEvent.objects.get().payload
    assert (payload["userId"], payload["groupId"]) == ("7", "42")


def test_when_the_source_was_last_heard_is_kept(client, source):
    post(client, body=batch(EVENT))

    source.refresh_from_db()
    assert datetime.now(UTC) - source.last_seen_at < timedelta(minutes=1)


@pytest.mark.parametrize("kind", [[], {}, ["track"], 7, True])
def test_an_item_whose_type_is_no_word_is_quarantined_and_its_neighbours_are_taken(client, source, kind):
    """Else the sender would bring the whole batch again and again, for ever."""
    assert post(client, body=batch({**EVENT, "type": kind}, {**EVENT, "messageId": "m2"})).status_code == 200
    assert InboundEvent.objects.get().message_id == "m2"
    assert Quarantined.objects.count() == 1
