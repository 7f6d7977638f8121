"""Whatever goes wrong under /api/ is told in the API's own form: {"error": {"code", "message", "path"}}."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client

from campaigns.api import keys
from campaigns.api.views import entries
from orchestrator import clock

pytestmark = pytest.mark.django_db
ENTRIES = "/api/v1/campaigns/any/entries"


@pytest.fixture
def caller() -> Client:
    """With a key, and as a caller is: without cookies, and not excused from looking for them."""
    secret = keys.create_key(name="caller", role="ADMIN", by="tests", now=clock.utcnow()).secret
    return Client(
        enforce_csrf_checks=True, raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"}
    )


def told(response) -> tuple[int, str]:
    assert response["Content-Type"].startswith("application/json")
    error = response.json()["error"]
    assert set(error) == {"code", "message", "path"}
    return response.status_code, error["code"]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "trace"])
def test_a_method_that_the_address_does_not_take_is_told_with_those_it_takes(caller, method):
    response = getattr(caller, method)(ENTRIES)
    assert (told(response), response["Allow"]) == ((405, "method_not_allowed"), "POST")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/no-such", "/api/v2/campaigns", "/api/v1/campaigns/a/b/entries", "/api/v1/\x00"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_address_is_told(caller, method, path):
    assert told(getattr(caller, method)(path)) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/docs", "/api/v1/openapi.json"])
def test_what_is_only_read_takes_nothing_else(caller, path):
    assert told(caller.post(path)) == (405, "method_not_allowed")


def test_the_bare_address_of_the_api_is_no_page(caller):
    assert told(caller.get("/api/v1/")) == (404, "not_found")


def test_a_failure_of_ours_is_told_and_what_the_caller_can_do(caller, monkeypatch):
    monkeypatch.setattr(entries, "_bring_in", lambda *_: 1 / 0)
    response = caller.post(ENTRIES, json.dumps({"entries": [{"account": "a"}]}), content_type="application/json")
    assert told(response) == (500, "failed")
    assert "Idempotency-Key" in response.json()["error"]["message"]


def test_a_database_that_is_away_is_told_and_when_to_come_back(caller, monkeypatch):
    def refuse(*_args: object) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(entries, "_bring_in", refuse)
    response = caller.post(ENTRIES, json.dumps({"entries": [{"account": "a"}]}), content_type="application/json")
    assert (told(response), response["Retry-After"]) == ((503, "away"), "5")


def test_a_call_to_another_host_is_told(caller, settings):
    settings.ALLOWED_HOSTS = ["crescendo.example"]
    assert told(caller.get(ENTRIES, headers={"Host": "elsewhere.example"})) == (400, "bad_request")


def test_what_is_too_large_is_told_at_every_size(caller):
    assert told(caller.post(ENTRIES, b"x" * 3_000_000, content_type="application/json")) == (413, "too_large")


def test_beside_the_api_an_unknown_address_stays_a_page(client):
    assert client.get("/apiary")["Content-Type"].startswith("text/html")
