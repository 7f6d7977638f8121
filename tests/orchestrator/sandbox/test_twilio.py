from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from orchestrator import clock
from orchestrator.channels.twilio.transport import KeptAliveHttpClient
from orchestrator.sandbox.faults import FaultPlan
from orchestrator.sandbox.server import Sandbox
from orchestrator.sandbox.twilio_people import HELPS, STOPS
from orchestrator.sandbox.visitor import BROWSERS
from orchestrator.sandbox.world import EventNoise
from tests.orchestrator.sandbox.conftest import settle
from tests.orchestrator.sandbox.product_double import ProductDouble, upgrade_through_stripe
from tests.orchestrator.sandbox.test_recipients import CALM, QUIET, TIDY

SID, TOKEN, SERVICE = "AC" + "0" * 32, "sandbox", "MG" + "0" * 32
PHONE = "+972501234567"
STILL = replace(CALM, base_upgrade={}, sms_uplift={}, wordings=())


def client_of(sandbox: Sandbox, token: str = TOKEN) -> Client:
    bases = dict.fromkeys(("api", "messaging", "lookups"), f"{sandbox.base_url}/twilio")
    return Client(SID, token, http_client=KeptAliveHttpClient(bases=bases, timeout_s=5))


def write(sandbox: Sandbox, product: ProductDouble, to: str = PHONE, *, body: str = "Hello", **changes):
    callback = f"{product.base}/webhooks/twilio/status/{uuid4()}"
    values = {"to": to, "body": body, "messaging_service_sid": SERVICE, "status_callback": callback}
    return client_of(sandbox).messages.create(**values | changes)


def write_everyone(sandbox: Sandbox, product: ProductDouble, **changes) -> list:
    """One text to the first contact with a phone of every account; returns those contacts."""
    firsts: dict = {}
    for contact in sandbox.company.contacts:
        if contact.phone:
            firsts.setdefault(contact.account_id, contact)
    for contact in firsts.values():
        links = " ".join(f"{product.base}/{kind}/{contact.account_id}" for kind in ("c", "u"))
        write(sandbox, product, contact.phone, body=f"More room: {links}", **changes)
    return list(firsts.values())


def run_days(sandbox: Sandbox, days: float) -> None:
    settle(sandbox, until=clock.utcnow() + timedelta(days=days))


def requests_to(product: ProductDouble, part: str) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """(path, headers, fields) of every webhook whose path has this part."""
    found = [(path, headers, body) for path, headers, body in list(product.webhooks) if part in path]
    return [
        (path, headers, {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()})
        for path, headers, body in found
    ]


def statuses(product: ProductDouble) -> Counter:
    return Counter(fields["MessageStatus"] for _, _, fields in requests_to(product, "/status/"))


def test_a_message_is_created_as_the_document_says(start, product):
    sandbox = start(sink=True)
    made = write(sandbox, product, body="שלום " * 20, validity_period=600)
    assert (made.status, made.num_segments, made.error_code) == ("accepted", "2", None)
    assert made.sid.startswith("SM")
    assert write(sandbox, product, messaging_service_sid=None, from_="+15005550006").status == "queued"
    [first, _] = sandbox.twilio.accepted
    assert (first.to, first.validity_s, first.line()["segments"]) == (PHONE, 600, 2)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": ""}, 21604),
        ({"to": "0501234567"}, 21211),
        ({"messaging_service_sid": None}, 21603),
        ({"messaging_service_sid": "MG1"}, 21701),
        ({"from_": "Much too long a name"}, 21212),
        ({"from_": "12"}, 21212),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"status_callback": "https://my_host.example/x"}, 21609),
        ({"validity_period": 36001}, 20001),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550009"}, 21614),
    ],
)
def test_what_the_provider_refuses(start, product, changes, code):
    sandbox = start(sink=True)
    with pytest.raises(TwilioRestException) as caught:
        write(sandbox, product, **changes)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert sandbox.twilio.accepted == []


def test_a_name_may_send(start, product):
    sandbox = start(sink=True)
    assert write(sandbox, product, messaging_service_sid=None, from_="Harbour 24").status == "queued"


def test_the_wrong_token_is_refused(start):
    with pytest.raises(TwilioRestException) as caught:
        client_of(start(sink=True), "wrong").messages.create(to=PHONE, body="x", from_="+15005550006")
    assert (caught.value.status, caught.value.code) == (401, 20003)


def test_every_status_is_signed_for_the_address_it_was_asked_at(start, product):
    sandbox = start(world=STILL)
    made = write(sandbox, product)
    run_days(sandbox, 0.01)
    found = requests_to(product, "/status/")
    assert Counter(fields["MessageStatus"] for _, _, fields in found) == {"queued": 1, "sent": 1, "delivered": 1}
    validator = RequestValidator(TOKEN)
    for path, headers, fields in found:
        assert path == f"/webhooks/twilio/status/{sandbox.twilio.accepted[0].message}"
        assert fields["MessageSid"] == made.sid
        assert validator.validate(product.base + path, fields, headers["X-Twilio-Signature"])
        assert not validator.validate(product.base + path, fields | {"To": "+1"}, headers["X-Twilio-Signature"])


def test_statuses_come_twice_late_and_out_of_order(start, product):
    sandbox = start(world=replace(STILL, noise=EventNoise(repeated=0.5, late=0.4)))
    written = write_everyone(sandbox, product)
    run_days(sandbox, 1)
    order = [(fields["MessageSid"], fields["MessageStatus"]) for _, _, fields in requests_to(product, "/status/")]
    assert set(Counter(status for _, status in set(order)).values()) == {len(written)}
    assert len(order) > 4 * len(written)
    assert any(order.index((sid, "delivered")) < order.index((sid, "sent")) for sid, _ in order)


def test_lost_reports_are_never_posted(start, product):
    sandbox = start(world=STILL)
    sandbox.faults["twilio"].set(FaultPlan(lost_events=1.0))
    write(sandbox, product)
    run_days(sandbox, 0.01)
    assert statuses(product) == {}


@pytest.mark.parametrize(
    ("habit", "code"),
    [
        ("sms_dead_numbers", "30005"),
        ("sms_unreachable", "30003"),
        ("sms_blocked", "30004"),
        ("sms_filtered", "30007"),
    ],
)
def test_what_does_not_arrive_says_why(start, product, habit, code):
    sandbox = start(world=replace(STILL, habits=replace(QUIET, **{habit: 1.0})))
    write(sandbox, product)
    run_days(sandbox, 0.01)
    found = [fields for _, _, fields in requests_to(product, "/status/") if fields["MessageStatus"] == "undelivered"]
    assert [fields["ErrorCode"] for fields in found] == [code]


def test_landlines_are_refused_at_once(start, product):
    sandbox = start(world=replace(STILL, habits=replace(QUIET, sms_landlines=1.0)))
    with pytest.raises(TwilioRestException) as caught:
        write(sandbox, product)
    assert caught.value.code == 21614


def test_who_stops_says_so_in_their_language_and_the_provider_keeps_its_own_list(start, product):
    sandbox = start(world=replace(STILL, habits=replace(QUIET, sms_stops=1.0)))
    written = write_everyone(sandbox, product)
    run_days(sandbox, 1)
    inbound = requests_to(product, "/twilio/inbound")
    assert {fields["From"] for _, _, fields in inbound} == {contact.phone for contact in written}
    language = {contact.phone: contact.language for contact in written}
    assert all(fields["Body"] in STOPS[language[fields["From"]]] for _, _, fields in inbound)
    validator = RequestValidator(TOKEN)
    path, headers, fields = inbound[0]
    assert validator.validate(product.base + path, fields, headers["X-Twilio-Signature"])
    known = {f["From"] for _, _, f in inbound if f["Body"].upper() in {"STOP", "UNSUBSCRIBE", "CANCEL", "QUIT"}}
    assert 0 < len(known) < len(written)
    refused = set()
    for contact in written:
        try:
            write(sandbox, product, contact.phone)
        except TwilioRestException as error:
            refused.add((contact.phone, error.code))
    assert refused == {(phone, 21610) for phone in known}


def test_some_think_better_of_it(start, product):
    habits = replace(QUIET, sms_stops=1.0, sms_starts_again=1.0)
    sandbox = start(world=replace(STILL, habits=habits))
    written = write_everyone(sandbox, product)
    run_days(sandbox, 3)
    bodies = Counter(fields["Body"] for _, _, fields in requests_to(product, "/twilio/inbound"))
    assert bodies["START"] == len(written)
    assert sandbox.twilio.stopped() == 0


def test_a_name_as_a_sender_gets_no_answers(start, product):
    sandbox = start(world=replace(STILL, habits=replace(QUIET, sms_stops=1.0)))
    write_everyone(sandbox, product, messaging_service_sid=None, from_="Harbour")
    run_days(sandbox, 1)
    assert requests_to(product, "/twilio/inbound") == []
    assert sandbox.texters.outcomes.counts["stop.no_way"] > 0


@pytest.mark.parametrize(("habit", "words"), [("sms_helps", HELPS), ("sms_replies", None)])
def test_people_ask_and_answer(start, product, habit, words):
    sandbox = start(world=replace(STILL, habits=replace(QUIET, **{habit: 1.0})))
    written = write_everyone(sandbox, product)
    run_days(sandbox, 1)
    inbound = requests_to(product, "/twilio/inbound")
    assert len(inbound) == len(written)
    if words:
        assert {fields["Body"] for _, _, fields in inbound} <= {word for each in words.values() for word in each}


def test_some_only_look_at_the_offer_and_some_unsubscribe_by_the_link(start, product):
    sandbox = start(world=replace(STILL, habits=replace(QUIET, sms_looks=0.5, sms_page_unsubscribes=0.5)))
    written = write_everyone(sandbox, product)
    run_days(sandbox, 1)
    looked = {path for method, path, agent in product.visits if path.startswith("/o/") and agent in BROWSERS}
    left = {path for path, _ in product.posts if path.startswith("/u/")}
    assert looked
    assert left
    assert len(looked) + len(left) == len(written)


def test_the_persuaded_accept_through_the_link(start, product):
    world = replace(CALM, base_upgrade={}, banner_uplift={}, wordings=(), sms_uplift={"basic": 1.0, "team": 1.0})
    sandbox = start(world=world)
    product.accept = upgrade_through_stripe(sandbox.base_url)
    written = write_everyone(sandbox, product)
    run_days(sandbox, 4)
    states = [sandbox.truth.accounts[contact.account_id] for contact in written]
    persuaded = [state for state in states if state.cause == "sms"]
    assert persuaded
    assert {state.upgraded_by for state in persuaded} == {"product"}


def test_the_same_seed_makes_the_same_people_do_the_same(start, product):
    outcomes = []
    for _ in range(2):
        sandbox = start(world=replace(STILL, habits=replace(QUIET, sms_stops=0.3, sms_replies=0.3), noise=TIDY))
        write_everyone(sandbox, product)
        run_days(sandbox, 2)
        outcomes.append(dict(sandbox.texters.outcomes.counts))
        sandbox.agenda.forget()
    assert outcomes[0] == outcomes[1]


def test_faults_and_sink_are_as_for_the_other_vendors(start, product):
    sandbox = start(sink=True)
    sandbox.faults["twilio"].set(FaultPlan(rate_5xx_after=1.0, first=1))
    with pytest.raises(TwilioRestException) as caught:
        write(sandbox, product)
    assert (caught.value.status, caught.value.code) == (500, 20500)
    assert [text.answer for text in sandbox.twilio.accepted] == ["5xx_after"]
    sandbox.faults["twilio"].set(FaultPlan(rate_429=1.0))
    with pytest.raises(TwilioRestException) as limited:
        write(sandbox, product)
    assert limited.value.code == 20429
    assert product.webhooks == []
