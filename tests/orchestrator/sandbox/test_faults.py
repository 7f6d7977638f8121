from __future__ import annotations

import json
import socket
import urllib.request
from collections import Counter

import pytest
import stripe
from python_http_client import exceptions

from orchestrator.sandbox.faults import Fault, FaultPlan, FaultSettingError, FaultyVendor
from tests.orchestrator.sandbox.test_sendgrid import client_of, letter
from tests.orchestrator.sandbox.test_stripe import basic_account, up_one


def control(sandbox, path: str, document: dict | None = None) -> dict:
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(f"{sandbox.base_url}/_sandbox/{path}", data=body)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def draws(plan: FaultPlan, count: int) -> list[Fault | None]:
    vendor = FaultyVendor()
    vendor.set(plan)
    return [vendor.draw() for _ in range(count)]


def test_the_same_seed_draws_the_same_faults() -> None:
    plan = FaultPlan(rate_429=0.1, rate_5xx_after=0.1, rate_reset=0.1, seed=5)
    assert draws(plan, 500) == draws(plan, 500)


def test_shares_are_kept() -> None:
    counts = Counter(draws(FaultPlan(rate_429=0.1, rate_5xx_before=0.05, rate_hang=0.02), 20_000))
    assert counts[Fault.RATE_LIMIT] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts[Fault.BROKEN_BEFORE] / 20_000 == pytest.approx(0.05, abs=0.01)
    assert counts[Fault.HANG] / 20_000 == pytest.approx(0.02, abs=0.005)
    assert counts[Fault.RESET] == 0


def test_first_limits_how_many_requests_may_suffer() -> None:
    assert draws(FaultPlan(rate_5xx_before=1.0, first=2), 4) == [Fault.BROKEN_BEFORE, Fault.BROKEN_BEFORE, None, None]


@pytest.mark.parametrize("document", [{"rate_430": 1}, {"rate_429": 2}, {"hang_s": -1}, {"rate_429": "often"}])
def test_a_wrong_setting_is_refused(document: dict) -> None:
    with pytest.raises(FaultSettingError):
        FaultPlan.parse(document)


def test_429_is_told_in_the_vendors_way_and_takes_nothing(start) -> None:
    sandbox = start(sink=True)
    control(sandbox, "faults", {"vendor": "sendgrid", "rate_429": 1, "retry_after_s": 3})
    with pytest.raises(exceptions.TooManyRequestsError) as busy:
        client_of(sandbox).send(letter())
    assert json.loads(busy.value.body) == {"errors": [{"field": None, "message": "too many requests"}]}
    assert int(busy.value.headers["X-RateLimit-Reset"]) > 0
    assert sandbox.sendgrid.accepted == []


def test_5xx_before_takes_nothing_and_5xx_after_has_taken_it(start) -> None:
    sandbox = start(sink=True)
    for setting, accepted in (("rate_5xx_before", 0), ("rate_5xx_after", 1)):
        control(sandbox, "faults", {"vendor": "sendgrid", setting: 1})
        with pytest.raises(exceptions.InternalServerError):
            client_of(sandbox).send(letter())
        assert len(sandbox.sendgrid.accepted) == accepted
    assert control(sandbox, "log?vendor=sendgrid")["items"][0]["answer"] == "5xx_after"


def test_a_reset_comes_after_acceptance(start) -> None:
    sandbox = start(sink=True)
    control(sandbox, "faults", {"vendor": "sendgrid", "rate_reset": 1})
    with pytest.raises(OSError):
        client_of(sandbox).send(letter())
    assert [mail.answer for mail in sandbox.sendgrid.accepted] == ["reset"]


def test_a_hang_is_longer_than_the_clients_patience_and_comes_after_acceptance(start) -> None:
    sandbox = start(sink=True)
    control(sandbox, "faults", {"vendor": "sendgrid", "rate_hang": 1, "hang_s": 1})
    client = client_of(sandbox)
    client.client.timeout = 0.2
    with pytest.raises((socket.timeout, OSError)):
        client.send(letter())
    assert [mail.answer for mail in sandbox.sendgrid.accepted] == ["hang"]


def test_an_accepted_but_failed_billing_change_is_answered_right_at_the_second_try(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    control(sandbox, "faults", {"vendor": "stripe", "rate_5xx_after": 1, "first": 1})
    with pytest.raises(stripe.APIError):
        up_one(sandbox, account, key="k")
    up_one(sandbox, account, key="k")
    assert [event["type"] for event in sandbox.events.kept].count("customer.subscription.updated") == 1


def test_agents_prove_that_official_clients_talked(start, company) -> None:
    sandbox = start(sink=True)
    client_of(sandbox).send(letter())
    up_one(sandbox, basic_account(company), key="k")
    agents = control(sandbox, "agents")
    assert any(agent.startswith("sendgrid/6.12") for agent in agents["sendgrid"])
    assert any(agent.startswith("Stripe/v1 PythonBindings/16") for agent in agents["stripe"])
    assert [line["method"] for line in control(sandbox, "log?vendor=stripe")["items"]] == ["POST"]


def test_sink_mode_answers_only(start, product) -> None:
    sandbox = start()
    control(sandbox, "sink", {"on": True})
    client_of(sandbox).send(letter(categories=["marketing"]))
    assert len(sandbox.sendgrid.accepted) == 1
    assert control(sandbox, "idle") == {"due": 0, "posting": 0, "next_at": None}
    assert product.webhooks == []


def test_control_says_what_it_knows(start) -> None:
    sandbox = start(sink=True)
    with pytest.raises(urllib.error.HTTPError) as missing:
        control(sandbox, "nothing")
    assert "GET /_sandbox/truth" in json.load(missing.value)["message"]
    assert set(control(sandbox, "keys")) == {"sendgrid_public_key", "sendgrid_private_key", "twilio_auth_token"}
    assert control(sandbox, "state")["accepted_mails"] == 0
