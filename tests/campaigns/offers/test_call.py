from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.delivery import task_work
from campaigns.delivery.models import CsmTask
from campaigns.offers import call, decline, selectors
from campaigns.offers.models import Quote, Refusal
from campaigns.profiles.models import Account, Contact
from campaigns.usage.models import UsageEvent
from tests.factories.delivery import CsmTaskFactory
from tests.factories.offers import NOW, QuoteFactory, quote_with_reader

pytestmark = pytest.mark.django_db


def task_about_an_offer() -> CsmTask:
    quote, contact_id = quote_with_reader()
    account, contact = Account.objects.get(pk=quote.account_id), Contact.objects.get(pk=contact_id)
    return CsmTaskFactory(message__account=account, message__contact=contact)


def test_a_no_on_the_phone_is_a_refusal_like_any_other():
    task = task_about_an_offer()
    assert call.record_call(task=task, outcome="NOT_NOW", reason="TOO_EXPENSIVE", note="In spring", by_id=None, now=NOW)
    refusal = Refusal.objects.get()
    assert (refusal.reason, refusal.note, refusal.contact_id) == ("TOO_EXPENSIVE", "In spring", task.contact_id)
    assert (task.state, task.outcome) == ("DONE", "NOT_NOW")
    assert Quote.objects.get().state == Quote.State.DECLINED
    assert selectors.refused_account_ids(account_ids=[task.account_id], now=NOW) == {task.account_id}
    assert UsageEvent.objects.get().name == "crescendo.offer_refused"


def test_a_no_on_the_phone_takes_back_a_yes_that_waits_for_us():
    task = task_about_an_offer()
    held = Quote.objects.get()
    Quote.objects.update(state=Quote.State.ACCEPTING, failure="wrong key", answered_at=NOW)
    newer = QuoteFactory(subscription=held.subscription, made_at=NOW + timedelta(hours=1))
    assert call.record_call(task=task, outcome="NOT_NOW", by_id=None, now=NOW)
    states = Quote.objects.order_by("pk").values_list("pk", "state")
    assert list(states) == [(held.pk, Quote.State.DECLINED), (newer.pk, Quote.State.OPEN)]


def test_a_no_on_the_phone_while_billing_is_asked_is_none():
    task = task_about_an_offer()
    yes = Quote.objects.get()
    Quote.objects.update(state=Quote.State.ACCEPTING, answered_at=NOW)
    QuoteFactory(subscription=yes.subscription)
    assert not call.record_call(task=task, outcome="NOT_NOW", by_id=None, now=NOW)
    assert (task.state, Refusal.objects.count()) == ("DONE", 0)
    assert list(Quote.objects.order_by("pk").values_list("state", flat=True)) == ["ACCEPTING", "OPEN"]


@pytest.mark.parametrize("outcome", ["INTERESTED", "NO_ANSWER", "WRONG_PERSON"])
def test_other_outcomes_leave_the_offer_open(outcome):
    assert not call.record_call(task=task_about_an_offer(), outcome=outcome, by_id=None, now=NOW)
    assert Quote.objects.get().state == Quote.State.OPEN


def test_a_no_without_an_offer_only_closes_the_task():
    task = CsmTaskFactory()
    assert not call.record_call(task=task, outcome="NOT_NOW", by_id=None, now=NOW)
    assert (task.state, Refusal.objects.count()) == ("DONE", 0)


def test_a_wrong_reason_leaves_the_task_open():
    task = task_about_an_offer()
    with pytest.raises(ValueError, match="BECAUSE"):
        call.record_call(task=task, outcome="NOT_NOW", reason="BECAUSE", by_id=None, now=NOW)
    assert CsmTask.objects.get().state == "OPEN"


def test_a_task_that_somebody_closed_takes_no_second_answer():
    task = task_about_an_offer()
    task_work.close_task(task=CsmTask.objects.get(), outcome="NO_ANSWER", by_id=None, now=NOW)
    with pytest.raises(task_work.TaskClosedError):
        call.record_call(task=task, outcome="NOT_NOW", by_id=None, now=NOW)
    assert not Refusal.objects.exists()


def test_who_writes_a_call_down_and_who_asks_for_one_lock_in_the_same_order():
    """Else a colleague's “Not now” and a customer's “Call me” at the same moment break each other off."""
    task = task_about_an_offer()
    quote = Quote.objects.get()
    with CaptureQueriesContext(connection) as asking:
        decline.ask_call(quote_uuid=quote.uuid, contact_id=task.contact_id, now=NOW)
    with CaptureQueriesContext(connection) as closing:
        call.record_call(task=task, outcome="NOT_NOW", by_id=None, now=NOW)

    assert tables_held(asking)[:3] == ["profiles_account", "profiles_contact", "offers_quote"]
    assert tables_held(closing)[:2] == ["profiles_account", "delivery_csmtask"]


def tables_held(queries):
    """In the order in which their rows are locked or written."""
    written = [re.match(r'UPDATE "(\w+)"|SELECT .*? FROM "(\w+)".* FOR ', one["sql"]) for one in queries]
    return [match[1] or match[2] for match in written if match]
