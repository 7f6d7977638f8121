"""What a write-back says, by kind: what `writeback` reads again when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any


def deal_payload(
    *,
    conversion_id: str,
    name: str,
    amount: Decimal,
    currency: str,
    closed_at: datetime,
    account: str,
    contact: str | None = None,
    properties: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Payload of a DEAL: `account` and `contact` are our external ids; each connection knows its own for them."""
    return {
        "conversion_id": conversion_id,
        "name": name,
        "amount": str(amount),
        "currency": currency,
        "closed_at": closed_at.isoformat(),
        "account": account,
        "contact": contact,
        "properties": dict(properties or {}),
    }


def task_payload(
    *,
    task_id: str,
    title: str,
    body: str,
    due_at: datetime,
    state: str,
    outcome: str,
    account: str,
    contact: str | None = None,
) -> dict[str, Any]:
    """Payload of a TASK as it stands now; `state` and `outcome` as contract.TaskUpsert has them. A later write-back of
    the same `task_id` replaces this one, whichever of them reaches the CRM first."""
    return {
        "task_id": task_id,
        "title": title,
        "body": body,
        "due_at": due_at.isoformat(),
        "state": state,
        "outcome": outcome,
        "account": account,
        "contact": contact,
    }


def status_payload(*, external_id: str, properties: Mapping[str, str]) -> dict[str, Any]:
    """Payload of an ACCOUNT_STATUS or CONTACT_STATUS: our external id and the CRM's `upsell_*` properties."""
    return {"external_id": external_id, "properties": dict(properties)}
