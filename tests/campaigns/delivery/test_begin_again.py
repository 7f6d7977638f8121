"""What a refused request carried goes again only if it still may: what was said meanwhile counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections

from campaigns.consent import opt_out
from campaigns.delivery import gates, plan, reconcile, switch
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message
from campaigns.profiles.models import Account
from orchestrator import clock
from tests.campaigns.delivery.test_batches import Service, messages_to, send, sending_by
from tests.factories.delivery import NOW, CsmTaskFactory

pytestmark = pytest.mark.django_db(transaction=True)

State, Reason = Message.State, Message.Reason
NAMES = ("Ada", "Bad", "Cid", "Dan")


def sent_while(happens, *, anonymous=False):
    """Four mails in one request that is refused for Bad's sake; `happens` with the four while it is under way."""
    service, messages = Service(), messages_to(*NAMES)
    done: list[bool] = []

    def before():
        if not done:
            done.append(True)
            try:
                happens(*messages)
            finally:
                connections.close_all()

    service.before, service.anonymous = before, anonymous
    service.wrong = {messages[1].contact.email}
    with sending_by(service.answer):
        send()
    return service, messages


def said(messages):
    rows = {row.pk: (row.state, row.reason) for row in Message.objects.all()}
    return [rows[one.pk] for one in messages]


def arrived(service, messages):
    return [len(service.arrived(one)) for one in messages]


@pytest.mark.parametrize("anonymous", [False, True])
def test_who_says_no_while_the_first_request_is_under_way_is_in_no_later_one(anonymous):
    def say_no(ada, _bad, _cid, _dan):
        opt_out.opt_out(point_id=ada.point_id, source="one_click", at=NOW, now=NOW)

    service, messages = sent_while(say_no, anonymous=anonymous)

    assert arrived(service, messages) == [0, 0, 1, 1]
    assert [state for state, _ in said(messages)] == [State.SKIPPED, State.FAILED, State.ACCEPTED, State.ACCEPTED]
    assert said(messages)[0] == (State.SKIPPED, Reason.OPTED_OUT)
    attempt = DeliveryAttempt.objects.get(message=messages[0])
    assert (attempt.outcome, attempt.code, attempt.request) == ("BUSY", "stood_back", None)


def test_who_stays_back_has_taken_nothing_of_the_budgets():
    def say_no(ada, _bad, _cid, _dan):
        opt_out.opt_out(point_id=ada.point_id, source="one_click", at=NOW, now=NOW)

    _, messages = sent_while(say_no)

    spent = {row.contact_id or row.account_id: len(row.spent) for row in AttentionBudget.objects.filter(account=None)}
    assert [spent[one.contact_id] for one in messages] == [0, 0, 1, 1]
    assert AttentionBudget.objects.get(account=messages[0].account).spent == []


@pytest.mark.parametrize("anonymous", [False, True])
def test_after_a_pause_only_the_request_under_way_goes_and_once_it_is_over_everybody_gets_one(anonymous):
    def pause(ada, *_others):
        gates.pause_gate(slug=ada.gate.slug, now=NOW)

    service, messages = sent_while(pause, anonymous=anonymous)
    waiting = [one for one in messages if Message.objects.get(pk=one.pk).state == State.READY]
    assert sum(arrived(service, messages)) == 0
    assert len(waiting) == (4 if anonymous else 3)

    gates.open_gate(slug=messages[0].gate.slug, now=NOW)
    Message.objects.filter(state=State.READY).update(next_at=clock.wall_now() - timedelta(seconds=1))
    with sending_by(service.answer):
        send()
    assert arrived(service, messages) == [1, 0, 1, 1]
    assert Message.objects.get(pk=messages[0].pk).attempt == 2


def test_the_switch_for_everything_holds_back_what_was_to_go_again():
    def switch_off(*_messages):
        switch.set_switch(is_on=False, by="dana", now=NOW)

    service, messages = sent_while(switch_off)
    assert sum(arrived(service, messages)) == 0
    assert [state for state, _ in said(messages)] == [State.READY, State.FAILED, State.READY, State.READY]


def test_what_was_taken_back_or_has_changed_meanwhile_does_not_go_again():
    def change(ada, _bad, cid, _dan):
        plan.take_back(reasons={ada.pk: Reason.CONVERTED}, now=NOW)
        Account.objects.filter(pk=cid.account_id).update(revision=99)

    service, messages = sent_while(change)
    assert arrived(service, messages) == [0, 0, 0, 1]
    assert said(messages)[0] == (State.SKIPPED, Reason.CONVERTED)
    assert said(messages)[2] == (State.SKIPPED, Reason.FACTS_CHANGED)


def test_whose_account_is_about_to_be_called_gets_nothing_meanwhile():
    def call(ada, _bad, _cid, _dan):
        CsmTaskFactory(message__account=ada.account)

    service, messages = sent_while(call)
    assert arrived(service, messages) == [0, 0, 1, 1]
    assert said(messages)[0] == (State.SKIPPED, Reason.CSM_TASK_OPEN)


def test_what_another_has_taken_for_lost_meanwhile_is_not_sent_again():
    def lapse(*_messages):
        reconcile.release_leases(wall_now=clock.wall_now() + timedelta(hours=1))

    service, messages = sent_while(lapse)
    assert sum(arrived(service, messages)) == 0
    assert {state for state, _ in said(messages)} == {State.UNKNOWN}
