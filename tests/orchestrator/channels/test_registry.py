from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.channels import registry
from orchestrator.channels.memory import MemoryChannel
from orchestrator.channels.sendgrid.channel import SendGridChannel
from tests.contracts.channel_cases import message


def test_a_channel_without_a_key_is_the_outbox(settings):
    settings.SENDGRID_API_KEY = ""
    channel = registry.get("email")
    assert isinstance(channel, MemoryChannel)
    assert (channel.kind, channel.is_live) == ("email", False)
    assert registry.get("email") is channel is registry.outbox("email")


def test_a_channel_with_a_key_is_live_and_built_once(settings):
    settings.SENDGRID_API_KEY = "SG.key"
    channel = registry.get("email")
    assert isinstance(channel, SendGridChannel)
    assert channel.is_live is True
    assert registry.get("email") is channel


def test_a_changed_setting_builds_the_channel_anew(settings):
    settings.SENDGRID_API_KEY = "SG.one"
    before = registry.get("email")
    settings.SENDGRID_API_KEY = "SG.two"
    assert registry.get("email") is not before


def test_an_unknown_kind_is_named(settings):
    with pytest.raises(registry.UnknownChannel, match="carrier_pigeon"):
        registry.get("carrier_pigeon")


def test_every_kind_of_the_settings_can_be_had(settings):
    for kind in registry.channel_kinds():
        assert registry.get(kind).kind == kind


def test_the_outbox_forgets_the_oldest():
    outbox = MemoryChannel(kind="email", keep=2)
    sent = [message() for _ in range(3)]
    for one in sent:
        outbox.send(one)
    assert outbox.sent == sent[1:]


def test_starting_up_does_not_load_the_providers_libraries():
    code = (
        "import sys, orchestrator.channels.registry, orchestrator.channels.sendgrid.channel, "
        "orchestrator.connectors.registry; "
        "print(sorted({'sendgrid', 'stripe', 'hubspot', 'twilio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
