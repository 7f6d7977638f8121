from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import opt_out
from campaigns.delivery import task_work
from campaigns.delivery.models import CsmTask
from tests.factories.delivery import NOW, CsmTaskFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("outcome", "answered"), [("INTERESTED", NOW), ("NOT_NOW", NOW), ("NO_ANSWER", None)])
def test_a_closed_task_says_what_came_of_it_and_whether_they_answered(outcome, answered, django_user_model):
    maria = django_user_model.objects.create_user("maria")
    task = CsmTaskFactory()
    task_work.close_task(task=task, outcome=outcome, note=" Wants a demo. ", by_id=maria.pk, now=NOW)
    assert (task.state, task.outcome, task.note, task.closed_at, task.closed_by) == (
        "DONE", outcome, "Wants a demo.", NOW, maria,
    )  # fmt: skip
    task.message.refresh_from_db()
    assert task.message.replied_at == answered


def test_a_task_is_closed_once():
    task, stale = CsmTaskFactory(), CsmTask.objects.get()
    task_work.close_task(task=task, outcome="NO_ANSWER", by_id=None, now=NOW)
    with pytest.raises(task_work.TaskClosedError):
        task_work.close_task(task=stale, outcome="INTERESTED", by_id=None, now=NOW)
    assert CsmTask.objects.get().outcome == "NO_ANSWER"


def test_an_unknown_outcome_changes_nothing():
    task = CsmTaskFactory()
    with pytest.raises(ValueError, match="MAYBE"):
        task_work.close_task(task=task, outcome="MAYBE", by_id=None, now=NOW)
    assert CsmTask.objects.get().state == "OPEN"


def test_a_snoozed_task_is_due_when_it_comes_back():
    task = CsmTaskFactory(due_at=NOW + timedelta(days=1))
    task_work.snooze_task(task=task, until=NOW + timedelta(days=3), now=NOW)
    assert task.snoozed_until == task.due_at == NOW + timedelta(days=3)


def test_a_snooze_never_makes_a_task_due_sooner():
    task = CsmTaskFactory(due_at=NOW + timedelta(days=5))
    task_work.snooze_task(task=task, until=NOW + timedelta(days=1), now=NOW)
    assert task.due_at == NOW + timedelta(days=5)


def test_a_task_is_not_put_off_into_the_past():
    with pytest.raises(ValueError, match="later"):
        task_work.snooze_task(task=CsmTaskFactory(), until=NOW, now=NOW)


def test_a_task_is_taken_and_given_back(django_user_model):
    maria, task = django_user_model.objects.create_user("maria"), CsmTaskFactory()
    task_work.assign_task(task=task, to_id=maria.pk)
    assert task.assigned_to == maria
    task_work.assign_task(task=task, to_id=None)
    assert task.assigned_to is None


def test_tasks_are_called_off_and_closed_ones_stay_as_they_are():
    still_open, done = CsmTaskFactory(), CsmTaskFactory()
    task_work.close_task(task=done, outcome="NO_ANSWER", by_id=None, now=NOW)
    assert task_work.call_off_tasks(message_ids=[still_open.message_id, done.message_id], now=NOW) == 1
    still_open.refresh_from_db()
    assert (still_open.state, still_open.closed_at) == ("CANCELLED", NOW)


def test_a_no_to_everything_calls_off_the_call():
    refused, other = CsmTaskFactory(), CsmTaskFactory()
    opt_out.opt_out(point_id=refused.message.point_id, source="test", at=NOW, now=NOW)

    assert task_work.call_off_refused(now=NOW) == 1
    refused.refresh_from_db()
    other.refresh_from_db()
    assert (refused.state, refused.closed_at, other.state) == ("CANCELLED", NOW, "OPEN")


def test_a_no_to_its_topic_calls_off_the_call():
    task = CsmTaskFactory()
    opt_out.opt_out(point_id=task.message.point_id, topic=task.message.gate.topic, source="test", at=NOW, now=NOW)

    assert task_work.call_off_refused(now=NOW) == 1


def test_a_no_to_another_topic_leaves_the_call():
    task = CsmTaskFactory()
    opt_out.opt_out(point_id=task.message.point_id, topic="another", source="test", at=NOW, now=NOW)

    assert task_work.call_off_refused(now=NOW) == 0
