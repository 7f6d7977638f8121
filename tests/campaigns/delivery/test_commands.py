from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from campaigns.operations.models import AuditEntry, SendSwitch
from tests.factories.delivery import MessageFactory

pytestmark = pytest.mark.django_db


def run(*words):
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_sending_is_on_until_somebody_switches_it_off():
    assert run("sending", "status")["sending"] == "on"

    assert run("sending", "off", "--by", "Noa", "--reason", "restore")["sending"] == "off"

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == ("Noa", "sending.off", "restore")
    assert run("sending", "on", "--by", "Noa")["sending"] == "on"


def test_the_switch_wants_to_know_who_decides():
    with pytest.raises(SystemExit) as stopped:
        run("sending", "off")

    assert stopped.value.code == 2
    assert not SendSwitch.objects.filter(is_on=False).exists()


def test_a_messages_links_are_printed_by_name():
    message = MessageFactory()
    message.links.create(kind="offer", target="http://127.0.0.1:8000/o/x")

    found = run("links", str(message.uuid))

    assert set(found) == {"unsubscribe", "preferences", "view", "offer"}


@pytest.mark.parametrize("wrong", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_message_is_wrong_input(wrong):
    with pytest.raises(SystemExit) as stopped:
        run("links", wrong)

    assert stopped.value.code == 2
