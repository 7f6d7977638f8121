from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.profiles import changes, selectors, tickets
from campaigns.profiles.models import Account, AccountChange, SupportTicket
from campaigns.profiles.tickets import TicketRecord
from tests.factories.profiles import AccountAliasFactory, AccountFactory, ContactFactory, SupportTicketFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
OPENED = NOW - timedelta(days=2)
TOLD = TicketRecord("t1", OPENED, "a1", OPENED, priority="HIGH", subject="No login")


def take(*records, source="hubspot"):
    return tickets.upsert_tickets(source=source, records=records, now=NOW)


def state():
    rows = SupportTicket.objects.order_by("external_id")
    return list(rows.values_list("external_id", "account__external_id", "priority", "subject", "closed_at"))


def test_a_ticket_is_kept_with_its_account_and_contact():
    AccountFactory(external_id="a1")
    contact = ContactFactory(external_id="c1")
    outcome = take(replace(TOLD, contact="c1"))
    ticket = SupportTicket.objects.get()
    assert (outcome.created, outcome.updated, outcome.unchanged) == (1, 0, 0)
    assert (ticket.contact, ticket.opened_at, ticket.updated_at) == (contact, OPENED, OPENED)
    assert state() == [("t1", "a1", "HIGH", "No login", None)]


def test_a_new_ticket_is_reported_as_opened_once():
    account = AccountFactory(external_id="a1")
    [opened] = take(TOLD).opened
    again = take(replace(TOLD, at=NOW, priority="URGENT"))
    assert (opened.key, opened.account_id, opened.priority, opened.opened_at) == (
        "hubspot:t1", account.pk, "HIGH", OPENED,
    )  # fmt: skip
    assert (again.opened, again.updated) == ([], 1)


def test_an_account_may_be_named_by_another_systems_id():
    alias = AccountAliasFactory(source="hubspot", value="701")
    take(replace(TOLD, account="701"))
    assert SupportTicket.objects.get().account == alias.account


def test_a_ticket_of_a_stranger_is_left_out_and_counted():
    AccountFactory(external_id="a1")
    outcome = take(TOLD, replace(TOLD, external_id="t2", account="nobody"))
    assert (outcome.created, outcome.without_account, SupportTicket.objects.count()) == (1, 1, 1)


def test_the_same_id_of_two_sources_is_two_tickets():
    AccountFactory(external_id="a1")
    take(TOLD)
    take(TOLD, source="helpdesk")
    assert SupportTicket.objects.count() == 2


def test_an_older_report_does_not_overwrite_a_newer_one():
    AccountFactory(external_id="a1")
    take(replace(TOLD, at=NOW, closed_at=NOW))
    outcome = take(TOLD)
    assert (outcome.unchanged, state()[0][4]) == (1, NOW)


def test_the_same_again_changes_nothing():
    AccountFactory(external_id="a1")
    take(TOLD)
    written = SupportTicket.objects.get().xid
    assert (take(TOLD).unchanged, SupportTicket.objects.get().xid) == (1, written)


def test_a_newer_report_that_says_the_same_is_no_change():
    AccountFactory(external_id="a1")
    take(TOLD)
    noted = AccountChange.objects.count()
    assert take(replace(TOLD, at=NOW)).unchanged == 1
    assert (AccountChange.objects.count(), SupportTicket.objects.get().updated_at) == (noted, NOW)


def test_both_accounts_of_a_ticket_that_moves_have_changed():
    one, other = AccountFactory(external_id="a1"), AccountFactory(external_id="a2")
    take(TOLD)
    AccountChange.objects.all().delete()
    take(replace(TOLD, at=NOW, account="a2"))
    noted = set(AccountChange.objects.values_list("account", "kind"))
    assert noted == {(one.pk, changes.TICKETS_CHANGED), (other.pk, changes.TICKETS_CHANGED)}


def test_an_open_critical_ticket_makes_what_waits_be_looked_at_anew():
    for name, record in {
        "urgent": replace(TOLD, external_id="t1", account="urgent", priority="URGENT"),
        "closed": replace(TOLD, external_id="t2", account="closed", closed_at=NOW),
        "normal": replace(TOLD, external_id="t3", account="normal", priority="NORMAL"),
    }.items():
        AccountFactory(external_id=name)
        take(record)
    assert dict(Account.objects.values_list("external_id", "revision")) == {"urgent": 1, "closed": 0, "normal": 0}


def test_an_account_is_in_trouble_while_a_critical_ticket_is_open():
    open_one, closed = SupportTicketFactory(opened_at=OPENED), SupportTicketFactory(opened_at=OPENED, closed_at=NOW)
    calm = SupportTicketFactory(opened_at=OPENED, priority="NORMAL")
    ids = [one.account_id for one in (open_one, closed, calm)]
    assert selectors.accounts_in_trouble(account_ids=ids, now=NOW) == {open_one.account_id}
    assert selectors.accounts_in_trouble(account_ids=ids, now=NOW - timedelta(hours=1)) == {
        open_one.account_id,
        closed.account_id,
    }
    assert selectors.accounts_in_trouble(account_ids=ids, now=OPENED - timedelta(hours=1)) == set()


def test_a_ticket_deleted_at_the_source_counts_as_closed():
    ticket = SupportTicketFactory(external_id="t1", opened_at=OPENED)
    SupportTicketFactory(external_id="t1", source="helpdesk")
    assert tickets.close_tickets(source="hubspot", closed={"t1": NOW, "t9": NOW}, now=NOW) == 1
    ticket.refresh_from_db()
    assert ticket.closed_at == NOW
    assert tickets.close_tickets(source="hubspot", closed={"t1": NOW}, now=NOW) == 0


REPORTS = st.builds(
    TicketRecord,
    external_id=st.sampled_from(["t1", "t2"]),
    at=st.sampled_from([NOW, NOW + timedelta(hours=1)]),
    account=st.sampled_from(["a1", "a2"]),
    opened_at=st.just(OPENED),
    closed_at=st.sampled_from([None, NOW]),
    priority=st.sampled_from(["LOW", "URGENT"]),
    subject=st.sampled_from(["", "Zero", "zero", "é"]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=st.lists(REPORTS, min_size=1, max_size=4), data=st.data())
def test_the_order_of_reports_does_not_matter(reports, data):
    SupportTicket.objects.all().delete()
    for name in ("a1", "a2"):
        if not Account.objects.filter(external_id=name).exists():
            AccountFactory(external_id=name)
    for report in reports:
        take(report)
    one_by_one = state()
    SupportTicket.objects.all().delete()
    take(*data.draw(st.permutations(reports)))
    assert state() == one_by_one
