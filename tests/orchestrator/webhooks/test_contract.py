from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from orchestrator.webhooks import contract
from orchestrator.webhooks.errors import BadSignature, NotConfigured, Unreadable


def answer(*, body: bytes = b"[1]", verify=lambda signed: None, parse=json.loads, apply=lambda parsed: None):
    request = RequestFactory().post("/webhooks/acme?x=1", data=body, content_type="application/json")
    webhook = contract.Webhook(vendor="acme", verify=verify, parse=parse, apply=apply)
    return contract.receive(request, webhook)


def raising(error: BaseException) -> Callable[[object], None]:
    def step(_: object) -> None:
        raise error

    return step


def test_a_genuine_webhook_is_parsed_applied_and_answered():
    applied: list[object] = []
    assert answer(apply=applied.append).status_code == 200
    assert applied == [[1]]


def test_a_bad_signature_is_401_without_a_body_and_applies_nothing():
    applied: list[object] = []
    response = answer(verify=raising(BadSignature("no")), apply=applied.append)
    assert (response.status_code, response.content, applied) == (401, b"", [])


def test_a_missing_key_is_503_with_retry_after():
    response = answer(verify=raising(NotConfigured("no key")))
    assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_signed_but_unreadable_is_400():
    assert answer(parse=raising(Unreadable("what?"))).status_code == 400


def test_a_large_body_is_413_before_anything_looks_at_it():
    assert answer(body=b"x" * 1_100_000, verify=raising(AssertionError())).status_code == 413


def test_a_database_that_is_away_is_503_with_retry_after():
    response = answer(apply=raising(OperationalError("gone")))
    assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_what_is_signed_is_our_public_address(settings):
    settings.PUBLIC_BASE_URL = "https://crescendo.example"
    seen: list[contract.SignedRequest] = []
    answer(verify=seen.append)
    assert (seen[0].method, seen[0].uri, seen[0].body) == (
        "POST",
        "https://crescendo.example/webhooks/acme?x=1",
        b"[1]",
    )


@pytest.mark.parametrize("error", [BadSignature("why"), NotConfigured("why"), Unreadable("why")])
def test_a_sender_is_never_told_why(error):
    assert answer(verify=raising(error)).content == b""
