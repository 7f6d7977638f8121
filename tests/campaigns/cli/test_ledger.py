"""`manage.py ledger`: what a wrong name and a failed message are answered with."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from campaigns.console import ledger_words
from campaigns.delivery.models import DeliveryAttempt, Message
from orchestrator import clock
from tests.factories.sequences import drafted, launched, market, ready_account

pytestmark = pytest.mark.django_db


def refused(capsys, slug):
    with pytest.raises(SystemExit) as stop:
        call_command("ledger", slug)
    return stop.value.code, capsys.readouterr().err


def test_a_name_that_no_campaign_has_is_answered_with_those_there_are(capsys):
    market()
    drafted()
    assert refused(capsys, "seats80") == (2, "There is no campaign 'seats80'. There are: seats-80.\n")


def test_where_there_is_no_campaign_it_says_how_one_is_made(capsys):
    status, said = refused(capsys, "seats-80")
    assert status == 2
    assert "There is none yet: `manage.py campaign apply FILE.json` makes one." in said


def test_a_failed_message_has_the_code_of_its_last_try(capsys):
    market()
    ready_account()
    launched(holdout_percent=None)
    Message.objects.update(state=Message.State.FAILED)
    message = Message.objects.get()
    for number, code in ((1, "429"), (2, "21614")):
        DeliveryAttempt.objects.create(message=message, number=number, code=code, started_at=clock.wall_now())

    call_command("ledger", "seats-80", "--messages")

    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["reason"]) == ("FAILED", "21614")
    call_command("ledger", "seats-80", "--messages", "--words")
    assert json.loads(capsys.readouterr().out)["why"] == "The provider refused it: 21614"


def test_its_codes_are_told_in_words(capsys):
    market()
    ready_account()
    launched(holdout_percent=None)
    Message.objects.update(state=Message.State.SKIPPED, reason=Message.Reason.OPTED_OUT)

    call_command("ledger", "seats-80", "--words")

    assert capsys.readouterr().out.splitlines() == [
        "1 account has come up so far, also counting those that left the audience since:",
        "  1 taken in to be written to",
        "Messages:",
        "  Skipped: 1",
        "    opted out: 1",
    ]


def test_the_parts_of_the_audience_sum_to_those_who_came_up():
    reasons = {"critical_ticket": 1, "no_reachable_contact": 3}
    said = list(ledger_words.place_lines({"audience": 74, "enrolled": 60, "holdout": 10, "not_enrolled": reasons}))
    assert said == [
        "74 accounts have come up so far, also counting those that left the audience since:",
        "60 taken in to be written to",
        "10 held out to compare with",
        "3 not taken in: nobody there may be written to",
        "1 not taken in: an urgent support ticket is open",
    ]


def test_the_code_of_a_try_that_was_put_off_is_no_reason(capsys):
    market()
    ready_account()
    launched(holdout_percent=None)
    DeliveryAttempt.objects.create(message=Message.objects.get(), number=1, code="429", started_at=clock.wall_now())

    call_command("ledger", "seats-80", "--messages")

    assert json.loads(capsys.readouterr().out)["reason"] == ""


def test_each_reason_stands_beneath_its_own_state():
    accounts = {"audience": 0, "enrolled": 0, "holdout": 0, "not_enrolled": {}}
    messages = {"SKIPPED": 5, "EXPIRED": 2}
    said = list(ledger_words.tell({"accounts": accounts, "messages": messages, "skips": {"HELD": 1, "CAPPED": 4}}))
    assert said[2:] == [
        "  Skipped: 5",
        "    at the limit of messages per person or account: 4",
        "    may have said no: their reply waits for a person: 1",
        "  Expired: 2",
        "    came too late: not sent within the campaign’s limit",
    ]
