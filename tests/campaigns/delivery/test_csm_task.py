from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection

from campaigns.consent import opt_out
from campaigns.delivery import csm_task, dispatch, task_work
from campaigns.delivery.models import CsmTask, DeliveryAttempt, Message
from tests.factories.delivery import NOW, ReadyMessageFactory
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)

TASK = {
    "en": {
        "title": "Call {{ account.name }}",
        "text": "{{ contact.first_name }} tried SSO three times.\nTell them what Team costs.",
    }
}


def task_message(**fields) -> Message:
    return ReadyMessageFactory(channel="csm_task", **{"template_version__content": TASK} | fields)


def send(channel: str = "csm_task", now: datetime = NOW) -> dict[str, int]:
    return dict(dispatch.dispatch_due(channel=channel, now=now, worker="test"))


def test_a_task_is_put_into_the_queue_once_and_that_is_its_delivery():
    message = task_message(account__name="Galil Software", contact__first_name="Noa")
    assert send() == {"ACCEPTED": 1}
    assert send() == {}
    task = CsmTask.objects.get()
    assert (task.title, task.body, task.state) == (
        "Call Galil Software", "Noa tried SSO three times.\nTell them what Team costs.", "OPEN",
    )  # fmt: skip
    assert (task.account, task.contact, task.added_at) == (message.account, message.contact, NOW)
    message.refresh_from_db()
    assert (message.state, message.accepted_at, message.delivered_at) == ("ACCEPTED", NOW, NOW)
    assert DeliveryAttempt.objects.get().outcome == DeliveryAttempt.Outcome.ACCEPTED


def test_a_task_without_a_title_is_named_by_its_first_line():
    task_message(template_version__content={"en": {"text": "Ask about SSO.\nPrice is 99."}})
    send()
    assert CsmTask.objects.get().title == "Ask about SSO."


def test_a_task_needs_no_consent_of_the_contact_but_respects_an_objection():
    asked, objected = task_message(point__topics={}), task_message(point__topics={})
    opt_out.opt_out(point_id=objected.point_id, source="preferences", at=NOW, now=NOW)
    assert send() == {"ACCEPTED": 1, "SKIPPED": 1}
    assert CsmTask.objects.get().message == asked
    objected.refresh_from_db()
    assert objected.reason == Message.Reason.OPTED_OUT


def test_a_no_to_all_channels_reaches_tasks_too():
    mail = ReadyMessageFactory()
    opt_out.opt_out(point_id=mail.point_id, source="complaint", at=NOW, now=NOW, all_channels=True)
    assert mail.contact.points.get(channel="csm_task").is_blocked


def test_an_open_task_keeps_marketing_away_from_the_account():
    account = AccountFactory()
    task_message(account=account)
    send()
    mail = ReadyMessageFactory(account=account)
    receipt = ReadyMessageFactory(account=account, purpose=Message.Purpose.TRANSACTIONAL)
    elsewhere = ReadyMessageFactory()
    assert send("email", NOW + timedelta(days=2)) == {"ACCEPTED": 2, "SKIPPED": 1}
    states = {one.pk: (one.state, one.reason) for one in Message.objects.filter(channel="email")}
    assert states[mail.pk] == ("SKIPPED", "CSM_TASK_OPEN")
    assert states[receipt.pk] == states[elsewhere.pk] == ("ACCEPTED", "")


def test_once_the_task_is_closed_messages_go_again():
    account = AccountFactory()
    task_message(account=account)
    send()
    task_work.close_task(task=CsmTask.objects.get(), outcome="NO_ANSWER", by_id=None, now=NOW)
    ReadyMessageFactory(account=account)
    assert send("email", NOW + timedelta(days=2)) == {"ACCEPTED": 1}


def test_two_tasks_for_one_account_in_one_slice_become_one(settings):
    settings.FREQUENCY_CAPS = ()
    settings.ARBITRATION_WINDOW_MIN = 0
    account = AccountFactory()
    first, second = task_message(account=account), task_message(account=account)
    assert send() == {"ACCEPTED": 1, "SKIPPED": 1}
    assert CsmTask.objects.get().message == first
    second.refresh_from_db()
    assert (second.state, second.reason) == ("SKIPPED", "CSM_TASK_OPEN")


def test_the_database_itself_refuses_a_second_open_task():
    task_message()
    send()
    task = CsmTask.objects.get()
    other = task_message(account=task.account)
    with pytest.raises(IntegrityError, match="an_account_has_one_open_task_at_most"):
        CsmTask.objects.create(
            message=other, account=task.account, contact=task.contact, title="Twice", added_at=NOW, due_at=NOW
        )


@pytest.mark.parametrize(
    ("zone", "at", "due"),
    [
        ("Europe/Berlin", datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 26, 9, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 26, 9, tzinfo=UTC), datetime(2026, 11, 30, 9, tzinfo=UTC)),
        ("Asia/Jerusalem", datetime(2026, 11, 26, 9, tzinfo=UTC), datetime(2026, 11, 30, 9, tzinfo=UTC)),
        ("Asia/Jerusalem", datetime(2026, 11, 25, 9, tzinfo=UTC), datetime(2026, 11, 29, 9, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 27, 9, tzinfo=UTC), datetime(2026, 3, 31, 8, tzinfo=UTC)),
    ],
)
def test_a_task_is_due_after_two_working_days_at_the_same_hour_there(zone, at, due):
    assert csm_task.due_after(at=at, zone=zone) == due


def test_two_workers_at_once_make_one_task_for_an_account(settings):
    settings.FREQUENCY_CAPS = ()
    settings.ARBITRATION_WINDOW_MIN = 0
    accounts = AccountFactory.create_batch(20)
    for account in accounts:
        task_message(account=account)
        task_message(account=account)
    settings.CHANNELS = {"csm_task": settings.CHANNELS["csm_task"]}
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        send()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert CsmTask.objects.count() == len(accounts)
    states = Message.objects.values_list("state", "reason")
    assert sorted(states) == [("ACCEPTED", "")] * 20 + [("SKIPPED", "CSM_TASK_OPEN")] * 20
