from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest

from orchestrator import clock
from orchestrator.sandbox.host_app import links_of, sign_token
from orchestrator.sandbox.server import Sandbox
from orchestrator.sandbox.visitor import BROWSERS, MAILBOX_PROVIDER, SCANNERS, hidden_fields, path_of
from orchestrator.sandbox.world import EventNoise, Habits, World
from tests.orchestrator.sandbox.conftest import settle
from tests.orchestrator.sandbox.product_double import ProductDouble, upgrade_through_stripe
from tests.orchestrator.sandbox.test_sendgrid import client_of

QUIET = Habits(**dict.fromkeys(Habits.__dataclass_fields__, 0.0))
TIDY = EventNoise(repeated=0.0, late=0.0, billing_repeated=0.0, billing_out_of_order=0.0)
CALM = World(habits=QUIET, noise=TIDY, logins_of_others=0.0)


def mail_everyone(sandbox: Sandbox, product: ProductDouble, *, subject: str = "8 of your 10 seats are taken") -> list:
    """One mail to the first reachable contact of every account whose seats run short; returns those accounts."""
    firsts: dict[str, str] = {}
    for contact in sandbox.company.contacts:
        if contact.email:
            firsts.setdefault(contact.account_id, contact.email)
    asked = [account for account in sandbox.company.accounts if account.is_hot]
    rows, base = [], "https://app.example"
    for account in asked:
        token = account.external_id
        rows.append(
            {
                "to": [{"email": firsts[token]}],
                "custom_args": {"crescendo_message": f"m-{token}", "crescendo_attempt": "1"},
                "headers": {"List-Unsubscribe": f"<{base}/u/{token}>, <mailto:out@app.example>"},
                "substitutions": {"{{token}}": token},
            }
        )
    links = " ".join(f'<a href="{base}/{kind}/{{{{token}}}}">x</a>' for kind in ("c", "u"))
    client_of(sandbox).send(
        {
            "personalizations": rows,
            "from": {"email": "hello@vendor.example"},
            "subject": subject,
            "content": [{"type": "text/html", "value": links}],
            "categories": ["marketing", "seats-80"],
        }
    )
    return asked


def run_days(sandbox: Sandbox, days: float) -> None:
    settle(sandbox, until=clock.utcnow() + timedelta(days=days))


def kinds(product: ProductDouble) -> Counter:
    return Counter(event["event"] for event in product.events("sendgrid"))


def test_the_persuaded_accept_through_the_link_like_humans(start, product) -> None:
    sandbox = start(world=CALM)
    product.accept = upgrade_through_stripe(sandbox.base_url)
    asked = mail_everyone(sandbox, product)
    run_days(sandbox, 4)

    states = [sandbox.truth.accounts[account.external_id] for account in asked]
    persuaded = {state.account_id for state in states if state.cause == "mail"}
    accepted = {path.removeprefix("/o/") for path, form in product.posts if form.get("action") == "accept"}
    unasked = {state.account_id for state in states if state.cause == "organic"}
    assert persuaded
    assert persuaded <= accepted <= persuaded | unasked
    assert {state.upgraded_by for state in states if state.cause == "mail"} == {"product"}
    assert {agent for _, path, agent in product.visits if path.startswith("/o/")} <= set(BROWSERS)


def test_every_account_does_exactly_what_its_number_says(start, product) -> None:
    sandbox = start(world=CALM)
    product.accept = upgrade_through_stripe(sandbox.base_url)
    mail_everyone(sandbox, product)
    run_days(sandbox, 21)

    states = list(sandbox.truth.accounts.values())
    assert {s.account_id for s in states if s.upgraded_at} == {s.account_id for s in states if s.cause}
    assert all(s.realised_delta == s.delta for s in states if s.upgraded_at)
    total = sandbox.truth.report(with_accounts=False)["total"]
    worth = sum(float(s.delta) for s in states if s.cause == "mail")
    assert total["incremental_mrr_realised"] == pytest.approx(worth, abs=0.01)
    assert total["upgraded"] == total["upgraded_unasked"] + total["upgraded_because_asked"]
    assert total["accepted_but_not_changed"] == 0


def test_upgrades_unasked_happen_without_any_mail_through_billing(start, product) -> None:
    sandbox = start(world=CALM)
    sandbox.begin(at=clock.utcnow())
    run_days(sandbox, 21)
    states = [state for state in sandbox.truth.accounts.values() if state.upgraded_at]
    assert states
    assert {state.upgraded_by for state in states} == {"customer"}
    updates = [e for e in product.events("stripe") if e["type"] == "customer.subscription.updated"]
    assert len(updates) == len(states)


def test_an_offer_that_fails_sends_the_persuaded_to_billing(start, product) -> None:
    sandbox = start(world=CALM)
    product.accept = lambda token: "expired"
    mail_everyone(sandbox, product)
    run_days(sandbox, 4)
    persuaded = [state for state in sandbox.truth.accounts.values() if state.cause == "mail"]
    assert {state.upgraded_by for state in persuaded} == {"customer"}


def test_the_same_seed_makes_the_same_people_do_the_same(start, product, company) -> None:
    outcomes = []
    for _ in range(2):
        sandbox = start(world=replace(World(seed=9), noise=TIDY))
        product.accept = upgrade_through_stripe(sandbox.base_url)
        mail_everyone(sandbox, product)
        run_days(sandbox, 5)
        upgraded = {s.account_id for s in sandbox.truth.accounts.values() if s.upgraded_at}
        outcomes.append((upgraded, dict(sandbox.crowd.outcomes.counts)))
        sandbox.agenda.forget()
    assert outcomes[0] == outcomes[1]


def test_unrecognised_wordings_persuade_nobody(start, product) -> None:
    sandbox = start(world=CALM)
    mail_everyone(sandbox, product, subject="Our newsletter")
    run_days(sandbox, 4)
    assert {state.cause for state in sandbox.truth.accounts.values()} == {"organic", None}


def test_scanners_fetch_every_link_within_seconds_and_buy_nothing(start, product) -> None:
    habits = replace(QUIET, scanned_domains=1.0)
    sandbox = start(world=replace(CALM, habits=habits, base_upgrade={}, wordings=()))
    asked = mail_everyone(sandbox, product)
    run_days(sandbox, 0.001)
    fetched = {path for method, path, agent in product.visits if method == "GET" and agent in SCANNERS}
    assert fetched == {f"/{kind}/{a.external_id}" for a in asked for kind in ("c", "u", "o")}
    assert any(method == "HEAD" for method, _, _ in product.visits)
    assert product.posts == []
    clicks = [event for event in product.events("sendgrid") if event["event"] == "click"]
    assert {event["useragent"] for event in clicks} <= set(SCANNERS)
    assert len(clicks) == 2 * len(asked)


def test_one_click_unsubscribers_post_to_the_header_address_only(start, product) -> None:
    habits = replace(QUIET, one_click_unsubscribes=1.0)
    sandbox = start(world=replace(CALM, habits=habits, base_upgrade={}, wordings=()))
    asked = mail_everyone(sandbox, product)
    run_days(sandbox, 3)
    assert {path for path, _ in product.posts} == {f"/u/{account.external_id}" for account in asked}
    assert all(form == {"List-Unsubscribe": "One-Click"} for _, form in product.posts)
    assert product.visits == []
    assert MAILBOX_PROVIDER


def test_page_unsubscribers_press_the_button(start, product) -> None:
    habits = replace(QUIET, page_unsubscribes=1.0)
    sandbox = start(world=replace(CALM, habits=habits, base_upgrade={}, wordings=()))
    mail_everyone(sandbox, product)
    run_days(sandbox, 3)
    assert product.posts
    assert all(form == {"confirm": "yes"} for _, form in product.posts)


def test_decliners_give_a_reason_the_page_offers(start, product) -> None:
    habits = replace(QUIET, declines=1.0)
    sandbox = start(world=replace(CALM, habits=habits, base_upgrade={}, wordings=()))
    mail_everyone(sandbox, product)
    run_days(sandbox, 3)
    assert product.posts
    assert all((form["action"], form["reason"]) == ("decline", "NO_BUDGET") for _, form in product.posts)


def test_bad_addresses_bounce_sometimes_without_our_arguments_and_are_dropped_next_time(start, product) -> None:
    habits = replace(QUIET, bad_addresses=1.0, bounces_without_message_id=0.5, bounces_without_arguments=0.3)
    sandbox = start(world=replace(CALM, habits=habits, wordings=()))
    asked = mail_everyone(sandbox, product)
    run_days(sandbox, 0.001)
    bounces = [event for event in product.events("sendgrid") if event["event"] == "bounce"]
    assert len(bounces) == len(asked)
    assert any("sg_message_id" not in event and "crescendo_message" in event for event in bounces)
    assert any("crescendo_message" not in event for event in bounces)
    mail_everyone(sandbox, product)
    run_days(sandbox, 0.001)
    assert kinds(product)["dropped"] == len(asked)
    assert all(state.exposed_at is None for state in sandbox.truth.accounts.values())


def test_events_come_twice_late_and_out_of_order(start, product) -> None:
    noise = EventNoise(repeated=0.5, late=0.3)
    habits = replace(QUIET, machine_opens=1.0)
    sandbox = start(world=replace(CALM, noise=noise, habits=habits, base_upgrade={}, wordings=()))
    asked = mail_everyone(sandbox, product)
    run_days(sandbox, 1)
    events = product.events("sendgrid")
    facts = {(e["crescendo_message"], e["event"], e["timestamp"]) for e in events}
    assert len(facts) == 3 * len(asked)
    assert len(events) > 4 * len(asked)
    assert {e["sg_machine_open"] for e in events if e["event"] == "open"} == {True}
    stamps = [e["timestamp"] for e in events]
    assert stamps != sorted(stamps)


def test_lost_events_are_never_posted(start, product) -> None:
    sandbox = start(world=replace(CALM, base_upgrade={}, wordings=()))
    sandbox.faults["sendgrid"].set(replace(sandbox.faults["sendgrid"].plan, lost_events=1.0))
    mail_everyone(sandbox, product)
    run_days(sandbox, 0.01)
    assert product.events("sendgrid") == []


def test_transactional_mail_moves_nobody(start, product) -> None:
    sandbox = start(world=replace(CALM, habits=Habits()))
    client_of(sandbox).send(
        {
            "personalizations": [{"to": [{"email": next(c.email for c in sandbox.company.contacts if c.email)}]}],
            "from": {"email": "hello@vendor.example"},
            "subject": "8 of your 10 seats are taken",
            "content": [{"type": "text/plain", "value": "x"}],
            "categories": ["transactional"],
        }
    )
    settle(sandbox)
    assert sandbox.truth.started_at is None


def test_the_host_application_logs_in_shows_the_banner_and_reports(start, product) -> None:
    world = replace(
        CALM,
        wordings=(),
        base_upgrade={"basic": 0.0, "team": 0.0},
        banner_uplift={"basic": 1.0, "team": 1.0},
        logins_of_keen=0.0,
    )
    sandbox = start(world=world, in_app_secret="s" * 32)
    product.accept = upgrade_through_stripe(sandbox.base_url)
    seen: list[dict] = []

    def feed(authorization: str) -> list[dict]:
        claims = jwt.decode(authorization.removeprefix("Bearer "), "s" * 32, algorithms=["HS256"])
        seen.append(claims)
        account = claims["acc"]
        return [{"id": f"b-{account}", "kind": "banner", "html": f'<a href="/c/{account}">Go</a>', "expires_at": None}]

    product.feed = feed
    asked = mail_everyone(sandbox, product)
    run_days(sandbox, 12)

    assert {claims["acc"] for claims in seen} == {account.external_id for account in asked}
    reported = Counter(event["type"] for event in product.in_app_events)
    assert reported["impression"] == len(asked)
    assert reported["click"] == len([a for a in asked if a.status != "trialing"])
    states = [sandbox.truth.accounts[account.external_id] for account in asked]
    assert {state.upgraded_by for state in states} == {"product"}
    assert {state.cause for state in states} == {"banner"}


def test_the_token_is_a_jwt_of_hs256() -> None:
    token = sign_token(secret="s" * 32, contact="5", account="7", expires=4_000_000_000)
    assert jwt.decode(token, "s" * 32, algorithms=["HS256"]) == {"sub": "5", "acc": "7", "exp": 4_000_000_000}
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["alg"] == "HS256"


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("https://app.example/c/a.b-c_d:1", "/c/a.b-c_d:1"),
        ("http://127.0.0.1:1/base/o/tok?lang=he", "/o/tok?lang=he"),
        ("/u/tok/", "/u/tok/"),
        ("https://elsewhere.example/pricing", None),
        ("mailto:out@app.example", None),
        ("https://app.example/o/", None),
    ],
)
def test_only_links_to_public_pages_are_followed(link: str, path: str | None) -> None:
    assert path_of(link) == path


def test_hidden_fields_are_read_in_any_attribute_order() -> None:
    page = (
        "<input value='n&amp;1' type=hidden name=\"nonce\"><input name='quantity' value=3><input type='hidden' name=a>"
    )
    assert hidden_fields(page) == {"nonce": "n&1", "a": ""}


def test_banner_links_may_be_relative() -> None:
    assert links_of('<a href="/c/x?a=1&amp;b=2">x</a>') == ["/c/x?a=1&b=2"]
