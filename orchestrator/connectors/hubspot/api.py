"""HubSpot's official client, made once and asked carefully.

Every generated package of that client has its own exception classes, without a common base;
`call` is the one place that knows them, by their shape.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import urllib3

from orchestrator import http
from orchestrator.connectors.contract import ConnectorBusy, ConnectorError, ConnectorMisconfigured, ConnectorRefusal

OBJECTS = {"account": "companies", "contact": "contacts", "ticket": "tickets"}

# HubSpot names the limit that was hit, not the time to wait (contract: 100 to 250 calls per 10 s; a day).
_WAITS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0, "DAILY": 3600.0}
_TRY_LATER = {408, 423, 425, 477}
_HINTS = {
    401: "the access token is wrong or expired: check HUBSPOT_ACCESS_TOKEN",
    403: "the access token lacks a scope (crm.objects, crm.schemas, tickets; read and write)",
}


class HubSpotApi:
    """The client's API objects, each kept: making one anew would open a new connection pool."""

    def __init__(self, *, access_token: str, api_base: str, timeout_s: float = 10) -> None:
        # Imported here: the client is heavy and only jobs that talk to HubSpot need it.
        import hubspot

        self._timeout_s = timeout_s
        # retry=False: the pool's own three blind retries would hide every fault and treble the time-out.
        self._client = hubspot.HubSpot(access_token=access_token, host=api_base.rstrip("/"), retry=False)

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`method` of one of the API objects below. Raises ConnectorError and nothing else."""
        outcome = self._attempt(method, args, kwargs)
        # Raised outside the except blocks: a chained exception would carry HubSpot's echo into logs.
        if isinstance(outcome, ConnectorError):
            raise outcome
        return outcome

    def _attempt(self, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return method(*args, **kwargs, _request_timeout=self._timeout_s)
        except urllib3.exceptions.HTTPError as error:
            return ConnectorBusy(f"HubSpot gave no answer: {type(error).__name__}.", code="no_answer")
        except Exception as error:
            if hasattr(error, "status") and hasattr(error, "body"):
                return _explain(error)
            if isinstance(error, ValueError | TypeError | AttributeError | LookupError):
                return ConnectorBusy(f"HubSpot's answer is unreadable: {type(error).__name__}.", code="unreadable")
            raise

    @cached_property
    def objects(self) -> dict[str, Any]:
        crm = self._client.crm
        return {
            "companies": crm.companies,
            "contacts": crm.contacts,
            "deals": crm.deals,
            "tickets": crm.tickets,
            "tasks": crm.objects.tasks,
        }

    @cached_property
    def pages(self) -> dict[str, Any]:
        return {name: api.basic_api for name, api in self.objects.items()}

    @cached_property
    def searches(self) -> dict[str, Any]:
        return {name: api.search_api for name, api in self.objects.items()}

    @cached_property
    def batches(self) -> dict[str, Any]:
        return {name: api.batch_api for name, api in self.objects.items()}

    @cached_property
    def properties(self) -> Any:
        return self._client.crm.properties.core_api

    @cached_property
    def associations(self) -> Any:
        return self._client.crm.associations.v4.batch_api


def results_of(answer: Any) -> list[Any]:
    """The answer's list. One that has none is no answer: taking it for "nothing" would lose what there is."""
    results = getattr(answer, "results", None)
    if not isinstance(results, list):
        raise ConnectorBusy("HubSpot's answer is unreadable: it has no results.", code="unreadable")
    return results


def _explain(error: Any) -> ConnectorError:
    status = int(error.status or 0)
    body = _body(error)
    if status == 429:
        return ConnectorBusy(
            "HubSpot asks us to slow down (HTTP 429).", code="429", retry_after_s=_wait(error.headers, body)
        )
    if status == 0 or status >= 500 or status in _TRY_LATER:
        return ConnectorBusy(f"HubSpot is not available (HTTP {status}).", code=str(status))
    kind = ConnectorMisconfigured if status in _HINTS else ConnectorRefusal
    why = _HINTS.get(status) or http.redact(str(body.get("message") or "no reason given"))
    return kind(f"HubSpot refused (HTTP {status}): {why}", code=str(status))


def _body(error: Any) -> dict[str, Any]:
    try:
        body = json.loads(error.body or b"{}")
    except (ValueError, TypeError):
        return {}
    return body if isinstance(body, dict) else {}


def _wait(headers: Any, body: dict[str, Any]) -> float | None:
    try:
        return max(float((headers or {}).get("Retry-After", "")), 0.0)
    except (TypeError, ValueError):
        return _WAITS.get(str(body.get("policyName")))
