from __future__ import annotations

import time
from datetime import timedelta

import jwt
import pytest
from django.db.models import F

from campaigns.consent import opt_out, preferences
from campaigns.delivery import dispatch, gates
from campaigns.delivery.models import InAppMessage
from campaigns.profiles.models import Account
from orchestrator import clock
from tests.factories.delivery import BANNER, ReadyMessageFactory, TemplateVersionFactory
from tests.factories.intake import SIGNING_SECRET, SourceFactory

pytestmark = pytest.mark.django_db

FEED, EVENTS = "/inapp/v1/feed", "/inapp/v1/events"


@pytest.fixture
def banner():
    return put_up(texts=BANNER["en"])


def put_up(*, texts):
    SourceFactory()
    now = clock.utcnow()
    version = TemplateVersionFactory(template__channel="in_app", content={"en": texts})
    message = ReadyMessageFactory(channel="in_app", template_version=version, due_at=now, planned_at=now, send_by=None)
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
    assert set(answer["messages"][0]) == {"id", "kind", "html", "expires_at", "place"}


def test_the_token_may_come_in_the_address(client, banner):
    assert len(client.get(f"{FEED}?t={token(banner)}").json()["messages"]) == 1


def test_the_feed_says_where_a_message_may_show(client):
    place = {"kind": "tooltip", "page": "/settings/*", "feature": "sso", "anchor": "#sso"}
    tooltip = put_up(texts=BANNER["en"] | place)

    shown = client.get(FEED, headers=bearer(tooltip)).json()["messages"][0]

    assert shown["kind"] == "tooltip"
    assert shown["place"] == {"page": "/settings/*", "feature": "sso", "anchor": "#sso"}


def test_a_message_without_a_place_may_show_everywhere(client, banner):
    assert client.get(FEED, headers=bearer(banner)).json()["messages"][0]["place"] == {}


def test_what_the_browser_has_already_is_not_sent_again(client, banner):
    first = client.get(FEED, headers=bearer(banner))
    again = client.get(FEED, headers=bearer(banner) | {"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"] == first["Cache-Control"] == "private, no-cache"
    assert again["Access-Control-Allow-Origin"] == "*"


def test_a_change_in_the_feed_is_sent(client, banner):
    first = client.get(FEED, headers=bearer(banner))
    tell(client, banner, "dismiss")

    assert client.get(FEED, headers=bearer(banner) | {"If-None-Match": first["ETag"]}).json() == {"messages": []}


def test_a_wrong_token_is_never_answered_from_memory(client, banner):
    known = client.get(FEED, headers=bearer(banner))["ETag"]
    answer = client.get(FEED, headers=bearer(banner, exp=1) | {"If-None-Match": known})

    assert (answer.status_code, answer["Cache-Control"]) == (401, "no-store")


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


def test_a_banner_comes_down_when_its_reader_says_no(client, banner):
    opt_out.opt_out(point_id=banner.message.point_id, source="test", at=clock.utcnow(), now=clock.utcnow())

    assert client.get(FEED, headers=bearer(banner)).json() == {"messages": []}


def test_a_no_to_its_topic_alone_takes_a_banner_down(client, banner):
    preferences.set_preferences(
        contact_id=banner.contact_id,
        wanted={(banner.message.gate.topic, "in_app"): False},
        source="test",
        evidence={},
        now=clock.utcnow(),
    )

    assert client.get(FEED, headers=bearer(banner)).json() == {"messages": []}


def test_a_stopped_campaign_takes_its_banners_down(client, banner):
    gates.stop_gate(slug=banner.message.gate.slug, now=clock.utcnow())

    assert client.get(FEED, headers=bearer(banner)).json() == {"messages": []}


def test_a_banner_about_what_is_no_longer_so_comes_down(client, banner):
    Account.objects.filter(pk=banner.message.account_id).update(revision=F("revision") + 1)

    assert client.get(FEED, headers=bearer(banner)).json() == {"messages": []}


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


def test_a_browser_on_wall_time_is_understood_in_business_time(client, business_clock, banner):
    clock.advance(to=clock.utcnow() + timedelta(days=15))
    told = clock.wall_now() - timedelta(seconds=3)
    event = {"message": str(banner.message.uuid), "type": "impression", "at": told.isoformat()}
    body = {"events": [event], "sent_at": (told + timedelta(seconds=2)).isoformat()}

    client.post(EVENTS, body, content_type="application/json", headers=bearer(banner))

    banner.refresh_from_db()
    assert abs(clock.utcnow() - timedelta(seconds=2) - banner.first_shown_at) < timedelta(seconds=5)


def test_what_a_sleeping_tab_reports_is_at_most_two_days_old(client, banner):
    event = {"message": str(banner.message.uuid), "type": "click", "at": "1970-01-01T00:00:00Z"}
    body = {"events": [event], "sent_at": "2026-11-24T10:00:00Z"}

    client.post(EVENTS, body, content_type="application/json", headers=bearer(banner))

    banner.refresh_from_db()
    assert clock.utcnow() - banner.clicked_at < timedelta(days=2, minutes=1)


def test_times_at_both_ends_of_the_calendar_are_survived(client, banner):
    event = {"message": str(banner.message.uuid), "type": "click", "at": "0001-01-02T00:00:00Z"}
    body = {"events": [event], "sent_at": "9999-12-30T00:00:00Z"}

    answer = client.post(EVENTS, body, content_type="application/json", headers=bearer(banner))

    assert answer.json() == {"accepted": 1, "ignored": 0}


@pytest.mark.parametrize("claim", ["sub", "acc"])
@pytest.mark.parametrize("value", ["\ud800", "a\x00b", "x" * 201])
def test_an_id_that_nobody_can_have_opens_nothing(client, banner, claim, value):
    assert client.get(FEED, headers=bearer(banner, **{claim: value})).status_code == 401


def test_a_browser_whose_clock_is_wrong_is_corrected_by_when_it_sent(client, banner):
    event = {"message": str(banner.message.uuid), "type": "impression", "at": "2019-05-01T10:00:00Z"}
    body = {"events": [event], "sent_at": "2019-05-01T10:00:05Z"}
    before = clock.utcnow()

    client.post(EVENTS, body, content_type="application/json", headers=bearer(banner))

    banner.refresh_from_db()
    assert timedelta(0) <= clock.utcnow() - timedelta(seconds=5) - banner.first_shown_at <= clock.utcnow() - before
