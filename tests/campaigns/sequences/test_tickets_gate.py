"""An account with an open critical ticket is left alone: it enters no campaign, and what waits for it does not go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery.models import Message
from campaigns.profiles import tickets
from campaigns.sequences import advance, wake
from campaigns.sequences.models import Enrolment, Entry
from tests.factories import sequences as make
from tests.factories.profiles import SupportTicketFactory
from tests.settled import wait_until_settled

NOW = make.NOW


@pytest.mark.django_db
def test_an_open_critical_ticket_keeps_an_account_out_and_others_do_not():
    make.market()
    told = {}
    for priority, closed_at in (("URGENT", None), ("HIGH", None), ("NORMAL", None), ("URGENT", NOW)):
        account = make.ready_account()
        SupportTicketFactory(account=account, priority=priority, opened_at=NOW - timedelta(days=1), closed_at=closed_at)
        told[account.pk] = (priority, closed_at is None)
    make.launched(holdout_percent=None)
    reasons = {told[entry.account_id]: entry.reason for entry in Entry.objects.all()}
    assert reasons == {
        ("URGENT", True): "critical_ticket",
        ("HIGH", True): "critical_ticket",
        ("NORMAL", True): "",
        ("URGENT", False): "",
    }


@pytest.mark.django_db(transaction=True)
def test_a_critical_ticket_that_opens_later_stops_what_waits():
    make.market()
    account = make.ready_account()
    make.launched(holdout_percent=None)
    record = tickets.TicketRecord("t1", NOW, account.external_id, NOW, priority="URGENT")
    tickets.upsert_tickets(source="hubspot", records=[record], now=NOW)
    wait_until_settled()
    wake.wake_concerned(now=NOW)
    advance.advance_due(now=NOW)
    enrolment, message = Enrolment.objects.get(), Message.objects.get()
    assert (enrolment.state, enrolment.exit_reason) == (Enrolment.State.ENDED, Enrolment.Exit.GATE_CLOSED)
    assert (message.state, message.reason) == (Message.State.SKIPPED, Message.Reason.GATE_CLOSED)


@pytest.mark.django_db
def test_a_message_that_is_about_to_go_is_given_back_for_the_facts_changed():
    make.market()
    account = make.ready_account()
    make.launched(holdout_percent=None)
    planned = Message.objects.get().account_revision
    record = tickets.TicketRecord("t1", NOW, account.external_id, NOW, priority="HIGH")
    tickets.upsert_tickets(source="hubspot", records=[record], now=NOW)
    account.refresh_from_db()
    assert account.revision == planned + 1
