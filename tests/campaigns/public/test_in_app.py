from __future__ import annotations

import time

import jwt
import pytest

from campaigns.delivery import dispatch
from campaigns.delivery.models import InAppMessage
from orchestrator import clock
from tests.factories.delivery import ReadyMessageFactory
from tests.factories.intake import SIGNING_SECRET, SourceFactory

pytestmark = pytest.mark.django_db

FEED, EVENTS = "/inapp/v1/feed", "/inapp/v1/events"


@pytest.fixture
def banner():
    SourceFactory()
    now = clock.utcnow()
    message = ReadyMessageFactory(channel="in_app", due_at=now, planned_at=now, send_by=None)
    dispatch.dispatch_due(channel="in_app", now=now, worker="tests")
    return InAppMessage.objects.get(message=message)


def token(banner, *, secret=SIGNING_SECRET, **changes):
    claims = {
        "sub": banner.contact.external_id,
        "acc": banner.message.account.external_id,
        "exp": int(time.time()) + 60,
    } | changes
    return jwt.encode(claims, secret, algorithm="HS256")


def bearer(banner, **changes):
    return {"Authorization": f"Bearer {token(banner, **changes)}"}


def tell(client, banner, kind, at="2026-11-24T10:00:00Z"):
    event = {"id": "e-1", "message": str(banner.message.uuid), "type": kind, "at": at}
    return client.post(EVENTS, {"events": [event]}, content_type="application/json", headers=bearer(banner))


def test_the_feed_shows_the_contacts_own_banner(client, banner):
    answer = client.get(FEED, headers=bearer(banner)).json()

    assert [one["id"] for one in answer["messages"]] == [str(banner.message.uuid)]
    assert set(answer["messages"][0]) == {"id", "kind", "html", "expires_at"}


def test_the_token_may_come_in_the_address(client, banner):
    assert len(client.get(f"{FEED}?t={token(banner)}").json()["messages"]) == 1


def test_somebody_else_sees_nothing_of_it(client, banner):
    other = ReadyMessageFactory(channel="in_app").contact

    assert client.get(FEED, headers=bearer(banner, sub=other.external_id)).json() == {"messages": []}


def test_in_another_account_it_is_not_shown(client, banner):
    assert client.get(FEED, headers=bearer(banner, acc="elsewhere")).json() == {"messages": []}


@pytest.mark.parametrize("changes", [{"exp": 1}, {"sub": "nobody"}, {"sub": "no\x00body"}])
def test_a_token_that_does_not_hold_opens_nothing(client, banner, changes):
    assert client.get(FEED, headers=bearer(banner, **changes)).status_code == 401


def test_a_token_signed_with_another_secret_opens_nothing(client, banner):
    assert client.get(FEED, headers=bearer(banner, secret="x" * 40)).status_code == 401


def test_an_unsigned_token_opens_nothing(client, banner):
    claims = {"sub": banner.contact.external_id, "exp": int(time.time()) + 60}
    forged = jwt.encode(claims, "", algorithm="none")

    assert client.get(FEED, headers={"Authorization": f"Bearer {forged}"}).status_code == 401


@pytest.mark.parametrize(
    ("kind", "column"), [("impression", "first_shown_at"), ("click", "clicked_at"), ("dismiss", "dismissed_at")]
)
def test_what_the_contact_did_is_kept_at_its_earliest(client, banner, kind, column):
    assert tell(client, banner, kind).json() == {"accepted": 1, "ignored": 0}
    tell(client, banner, kind, at="2026-11-24T09:00:00Z")
    tell(client, banner, kind, at="2026-11-24T11:00:00Z")

    banner.refresh_from_db()
    assert getattr(banner, column).isoformat() == "2026-11-24T09:00:00+00:00"


def test_a_dismissed_banner_does_not_come_back(client, banner):
    tell(client, banner, "dismiss")

    assert client.get(FEED, headers=bearer(banner)).json() == {"messages": []}
    banner.message.refresh_from_db()
    assert banner.message.dismissed_at is not None


def test_events_that_cannot_be_used_do_not_cost_their_neighbours(client, banner):
    good = {"message": str(banner.message.uuid), "type": "click", "at": "2026-11-24T10:00:00Z"}
    bad = [None, 7, {}, {**good, "message": "x"}, {**good, "type": "buy"}, {**good, "at": "soon"}]

    answer = client.post(
        EVENTS, {"events": [*bad, good]}, content_type="application/json", headers=bearer(banner)
    ).json()

    assert answer == {"accepted": 1, "ignored": 6}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"events": 1}', b"\xff"])
def test_a_body_that_is_no_list_of_events_is_refused(client, banner, body):
    response = client.post(EVENTS, body, content_type="application/json", headers=bearer(banner))

    assert response.status_code == 400


def test_another_origin_may_ask(client):
    response = client.options(EVENTS)

    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == "*"
