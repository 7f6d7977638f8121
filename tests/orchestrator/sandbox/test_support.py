from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from orchestrator.sandbox.company import Company, generate

UNTIL = date(2026, 3, 31)


@pytest.fixture(scope="module")
def company() -> Company:
    return generate(seed=5, accounts=300, until=UNTIL)


def test_some_accounts_have_tickets_and_some_of_those_are_open_and_critical(company):
    held_by = Counter(ticket.account_id for ticket in company.tickets)
    critical = {
        one.account_id for one in company.tickets if one.closed_at is None and one.priority in {"HIGH", "URGENT"}
    }
    assert 90 < len(held_by) < 140
    assert 2 <= len(critical) <= 15


def test_a_ticket_belongs_to_an_account_and_to_one_of_its_people(company):
    staff = {(contact.account_id, contact.external_id) for contact in company.contacts}
    assert all((ticket.account_id, ticket.contact_id) in staff for ticket in company.tickets)


def test_tickets_lie_in_the_past_of_the_snapshot(company):
    for ticket in company.tickets:
        assert company.snapshot_at - timedelta(days=60) <= ticket.opened_at < company.snapshot_at
        assert ticket.closed_at is None or ticket.opened_at < ticket.closed_at < company.snapshot_at


def test_the_same_seed_gives_the_same_tickets_and_another_gives_others(company):
    assert generate(seed=5, accounts=300, until=UNTIL).tickets == company.tickets
    assert generate(seed=6, accounts=300, until=UNTIL).tickets != company.tickets


def test_ticket_properties_are_text_or_none(company):
    values = {type(value) for row in company.hubspot_tickets() for value in row["properties"].values()}
    assert values == {str, type(None)}
