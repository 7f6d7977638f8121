from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import opt_out, record
from campaigns.conversions import tell
from campaigns.crm.models import WriteBack
from campaigns.delivery import task_work
from campaigns.offers import decline
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.crm import CrmConnectionFactory
from tests.factories.delivery import CsmTaskFactory
from tests.factories.offers import NOW, quote_with_reader
from tests.settled import wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refusal_is_told_once():
    CrmConnectionFactory()
    quote, contact_id = quote_with_reader()
    decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact_id, reason="OTHER", now=NOW)
    wait_until_settled()
    assert (tell.tell_refusals(now=NOW), tell.tell_refusals(now=NOW)) == (1, 0)
    row = WriteBack.objects.get()
    assert row.kind == WriteBack.Kind.ACCOUNT_STATUS
    assert row.payload == {
        "external_id": quote.account.external_id,
        "properties": {"upsell_status": "refused"},
    }


def test_an_opt_out_is_told_but_not_what_the_crm_told_us():
    CrmConnectionFactory()
    ConsentTopicFactory()
    ours, theirs = ContactPointFactory(), ContactPointFactory()
    opt_out.opt_out(point_id=ours.pk, source="unsubscribe_page", at=NOW, now=NOW)
    item = record.ConsentItem(theirs.contact_id, "email", "offers", "WITHDRAWN", "explicit", "crm", NOW)
    record.record_consents(items=[item], now=NOW)
    wait_until_settled()
    assert tell.tell_opt_outs(now=NOW) == 1
    row = WriteBack.objects.get()
    assert (row.kind, row.payload["external_id"]) == (WriteBack.Kind.CONTACT_STATUS, ours.contact.external_id)


def test_a_task_is_told_when_it_is_made_put_off_and_done():
    CrmConnectionFactory()
    task = CsmTaskFactory(added_at=NOW, due_at=NOW + timedelta(days=2))
    told = [tell_settled()]
    task_work.snooze_task(task=task, until=NOW + timedelta(days=9), now=NOW)
    told.append(tell_settled())
    task_work.close_task(task=task, outcome="INTERESTED", note="Wants a demo", by_id=None, now=NOW)
    told.append(tell_settled())
    assert (told, tell_settled()) == ([1, 1, 1], 0)
    rows = WriteBack.objects.order_by("pk")
    assert {row.kind for row in rows} == {WriteBack.Kind.TASK}
    assert [(row.payload["state"], row.payload["outcome"]) for row in rows] == [
        ("OPEN", ""), ("OPEN", ""), ("DONE", "INTERESTED"),
    ]  # fmt: skip
    assert rows[1].payload["due_at"] == (NOW + timedelta(days=9)).isoformat()
    assert rows[2].payload == rows[2].payload | {
        "task_id": str(task.message.uuid),
        "title": task.title,
        "body": "Ask about more seats.\n\nWants a demo",
        "account": task.account.external_id,
        "contact": task.contact.external_id,
    }


def test_a_task_called_off_is_told():
    CrmConnectionFactory()
    task = CsmTaskFactory()
    tell_settled()
    task_work.call_off_tasks(message_ids=[task.message_id], now=NOW)
    assert tell_settled() == 1
    assert WriteBack.objects.order_by("-pk")[0].payload["state"] == "CANCELLED"


def test_a_wish_to_be_called_is_told_with_the_call_that_was_open():
    CrmConnectionFactory()
    quote, contact_id = quote_with_reader()
    task = CsmTaskFactory(message__account=quote.account)
    tell_settled()
    decline.ask_call(quote_uuid=quote.uuid, contact_id=contact_id, now=NOW)
    assert tell_settled() == 1
    told = WriteBack.objects.order_by("-pk")[0].payload
    assert told["task_id"] == str(task.message.uuid)
    assert "to be called about Team" in told["body"]


def test_who_takes_a_task_is_our_own_affair():
    CrmConnectionFactory()
    task = CsmTaskFactory()
    tell_settled()
    task_work.assign_task(task=task, to_id=None)
    assert tell_settled() == 0


def tell_settled() -> int:
    wait_until_settled()
    return tell.tell_tasks(now=NOW)
