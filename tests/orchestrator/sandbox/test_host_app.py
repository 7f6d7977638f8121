"""The customer's own application: its simulated users at a gated feature, and its pages for people."""

from __future__ import annotations

import http.client
from datetime import timedelta
from urllib.parse import urlsplit

import jwt
import pytest

from orchestrator import clock
from orchestrator.sandbox.world import GATED
from tests.orchestrator.sandbox.conftest import settle

SECRET = "whsec_" + "s" * 40


def message(**place):
    return {
        "id": "m-1",
        "kind": "modal",
        "html": '<a href="http://x.test/c/t">See</a>',
        "expires_at": "2030-01-01",
        "place": place,
    }


@pytest.fixture
def sandbox(start, product):
    return start(in_app_secret=SECRET)


@pytest.fixture
def keen(sandbox):
    """Somebody of an account that wants single sign-on."""
    accounts = sandbox.truth.accounts
    return next(one for one in sandbox.company.contacts if accounts[one.account_id].segment == GATED)


def kinds(product):
    return [event["type"] for event in product.in_app_events]


def test_who_tries_a_gated_feature_says_so_and_sees_what_fits(sandbox, product, keen):
    product.feed = lambda _: [message(feature="audit_log"), message(feature="sso") | {"id": "m-2"}]

    assert sandbox.host_app.try_feature(keen, "sso", sandbox.world.rng("test"))

    gate, seen = product.in_app_events[:2]
    assert (gate["type"], gate["feature"]) == ("gate", "sso")
    assert (seen["type"], seen["message"]) == ("impression", "m-2")
    assert sandbox.truth.accounts[keen.account_id].banner_at is not None


def test_where_nothing_fits_the_attempt_is_said_all_the_same(sandbox, product, keen):
    assert not sandbox.host_app.try_feature(keen, "sso", sandbox.world.rng("test"))
    assert kinds(product) == ["gate"]


def test_those_who_want_a_gated_feature_come_by_themselves_and_find_its_offer(sandbox, product, keen):
    product.feed = lambda authorization: [message(feature="sso")] if _of(authorization) == keen.external_id else []

    begun = clock.utcnow()
    sandbox.begin(at=begun)
    settle(sandbox, until=begun + timedelta(days=10))

    assert "gate" in kinds(product)
    assert kinds(product).count("impression") == 1
    assert kinds(product).index("gate") < kinds(product).index("impression")


def test_a_message_without_a_feature_needs_no_attempt(sandbox, product, keen):
    product.feed = lambda authorization: [message()] if _of(authorization) == keen.external_id else []

    begun = clock.utcnow()
    sandbox.begin(at=begun)
    settle(sandbox, until=begun + timedelta(days=10))

    assert kinds(product).count("impression") == 1
    assert "gate" not in kinds(product)


def _of(authorization):
    return jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])["sub"]


def ask(sandbox, method, path, *, body=None, cookie=""):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(sandbox.base_url).port, timeout=10)
    try:
        connection.request(method, f"/app{path}", body=body, headers={"Cookie": cookie} if cookie else {})
        reply = connection.getresponse()
        return reply, reply.read().decode()
    finally:
        connection.close()


def log_in(sandbox, contact):
    reply, _ = ask(sandbox, "POST", "/login", body=f"contact={contact.external_id}")
    return reply.headers["Set-Cookie"].partition(";")[0]


def test_nobody_enters_without_choosing_whom_to_be(sandbox):
    for path in ("/", "/settings", "/token"):
        reply, _ = ask(sandbox, "GET", path)
        assert (reply.status, reply.headers["Location"]) == (303, "/app/login")


def test_somebody_unknown_cannot_be_chosen(sandbox):
    reply, _ = ask(sandbox, "POST", "/login", body="contact=nobody")
    assert (reply.headers["Location"], "Max-Age=0" in reply.headers["Set-Cookie"]) == ("/app/login", True)


@pytest.mark.parametrize("path", ["/", "/team", "/api", "/reports", "/settings"])
def test_every_page_has_the_script_of_the_product_and_a_strict_policy(sandbox, product, keen, path):
    reply, page = ask(sandbox, "GET", path, cookie=log_in(sandbox, keen))

    policy = reply.headers["Content-Security-Policy"]
    assert reply.status == 200
    assert f'src="{product.base}/inapp/v1/crescendo.js"' in page
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'self' {product.base};" in policy
    assert "unsafe" not in policy
    assert " style=" not in page
    assert "<script>" not in page


def test_the_token_names_the_chosen_contact_and_the_account(sandbox, keen):
    reply, token = ask(sandbox, "GET", "/token", cookie=log_in(sandbox, keen))

    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert (claims["sub"], claims["acc"]) == (keen.external_id, keen.account_id)
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_feature_that_the_plan_lacks_has_a_button_until_the_plan_has_it(sandbox, keen):
    cookie = log_in(sandbox, keen)
    assert 'data-feature="sso"' in ask(sandbox, "GET", "/settings", cookie=cookie)[1]

    sandbox.truth.accounts[keen.account_id].upgraded_at = clock.utcnow()
    assert 'data-feature="sso"' not in ask(sandbox, "GET", "/settings", cookie=cookie)[1]


def test_people_with_a_message_waiting_are_offered_first(sandbox, product, keen):
    product.feed = lambda authorization: [message(feature="sso")] if _of(authorization) == keen.external_id else []

    _, page = ask(sandbox, "GET", "/login")

    assert page.index(f'value="{keen.external_id}"') < page.index("Anybody")
    assert "a window at Single sign-on" in page


def test_people_to_try_single_sign_on_as_have_not_got_it(sandbox):
    _, page = ask(sandbox, "GET", "/login")

    listed = page.partition("Somebody to try single sign-on as")[2].partition("Anybody")[0]
    chosen = [one for one in sandbox.company.contacts if f'value="{one.external_id}"' in listed]
    accounts = {one.external_id: one for one in sandbox.company.accounts}
    assert chosen
    assert {accounts[one.account_id].plan for one in chosen} == {"team"}


def test_what_is_searched_for_is_shown_as_text(sandbox):
    _, page = ask(sandbox, "GET", "/login?q=%22%3E%3Cscript%3E")
    assert "&quot;&gt;&lt;script&gt;" in page
    assert "<script>" not in page


@pytest.mark.parametrize("path", ["/nowhere", "/../secrets", "/pages/layout.html"])
def test_what_is_not_a_page_is_not_found(sandbox, keen, path):
    assert ask(sandbox, "GET", path, cookie=log_in(sandbox, keen))[0].status == 404
