"""The demo company's records in HubSpot's shape: every property value is text or None."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol

from orchestrator.sandbox.people import Contact
from orchestrator.sandbox.support import Ticket

CUSTOM_CONTACT_PROPERTIES = (
    "email_consent",
    "email_consent_basis",
    "email_consent_source",
    "email_consent_at",
    "sms_consent",
    "account_role",
)


class Customer(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def industry(self) -> str: ...
    @property
    def employees(self) -> int: ...
    @property
    def created_on(self) -> date: ...


def iso(at: datetime) -> str:
    """HubSpot's way of writing an instant: UTC with milliseconds and Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def company_object(account: Customer, *, until: datetime) -> dict[str, Any]:
    created = datetime.combine(account.created_on, time(8), UTC)
    updated = _last_change(int(account.external_id), created, until)
    properties = {
        "name": account.name,
        "domain": account.domain,
        "country": account.country,
        "industry": account.industry,
        "numberofemployees": str(account.employees),
        "createdate": iso(created),
        "hs_lastmodifieddate": iso(updated),
        "hs_object_id": account.external_id,
    }
    return {"id": account.external_id, "properties": properties, "createdAt": created, "updatedAt": updated}


def contact_object(contact: Contact, *, until: datetime) -> dict[str, Any]:
    created = datetime.combine(contact.created_on, time(8), UTC)
    updated = _last_change(int(contact.external_id), created, until)
    properties = {
        "email": contact.email,
        "firstname": contact.first_name,
        "lastname": contact.last_name,
        "phone": contact.phone,
        "hs_language": contact.language,
        "hs_timezone": contact.time_zone.lower().replace("/", "_slash_"),
        "associatedcompanyid": contact.account_id,
        "email_consent": contact.consent,
        "email_consent_basis": contact.consent_basis,
        "email_consent_source": contact.consent_source,
        "email_consent_at": iso(contact.consent_at) if contact.consent_at else None,
        # The same form asked for both; whoever gave no number was not asked.
        "sms_consent": contact.consent if contact.phone else None,
        "account_role": contact.role,
        "createdate": iso(created),
        "lastmodifieddate": iso(updated),
        "hs_object_id": contact.external_id,
    }
    return {
        "id": contact.external_id,
        "company": contact.account_id,
        "properties": properties,
        "createdAt": created,
        "updatedAt": updated,
    }


def ticket_object(ticket: Ticket) -> dict[str, Any]:
    updated = ticket.closed_at or ticket.opened_at
    properties = {
        "subject": ticket.subject,
        "hs_ticket_priority": ticket.priority,
        "hs_pipeline": "0",
        "hs_pipeline_stage": "4" if ticket.closed_at else "1",
        "closed_date": iso(ticket.closed_at) if ticket.closed_at else None,
        "createdate": iso(ticket.opened_at),
        "hs_lastmodifieddate": iso(updated),
        "hs_object_id": ticket.external_id,
    }
    return {
        "id": ticket.external_id,
        "company": ticket.account_id,
        "contact": ticket.contact_id,
        "properties": properties,
        "createdAt": ticket.opened_at,
        "updatedAt": updated,
    }


def _last_change(number: int, created: datetime, until: datetime) -> datetime:
    """Some time in the last 80 days of history, never before the record was made."""
    back = timedelta(minutes=(number * 7919) % (80 * 24 * 60), milliseconds=number % 1000)
    return max(created, until - timedelta(hours=1) - back)
