from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from campaigns.intake import sources
from campaigns.intake.models import Source
from tests.factories.intake import InboundEventFactory, ParkedFactory, QuarantinedFactory, SourceFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_a_new_source_shows_its_keys_once_and_keeps_a_hash():
    created = sources.create_source(name="Acme App", now=NOW)

    stored = Source.objects.get(slug="acme-app")
    assert created.signing_secret.startswith("whsec_")
    assert created.write_key.encode() not in bytes(stored.write_key_hash or b"")
    assert sources.find_by_key(write_key=created.write_key) == stored


@pytest.mark.django_db
def test_the_command_prints_the_keys_it_was_given(capsys):
    call_command("create_source", "Acme App", "--write-key", "wk", "--signing-secret", "whsec_c2VjcmV0")

    assert json.loads(capsys.readouterr().out) == {
        "source": "acme-app",
        "write_key": "wk",
        "signing_secret": "whsec_c2VjcmV0",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "key"), [("Acme App", "other"), ("Other", "wk"), ("!!", "other")])
def test_a_source_that_cannot_be_made_changes_nothing(name, key):
    sources.create_source(name="Acme App", now=NOW, write_key="wk")

    with pytest.raises(CommandError) as refused:
        call_command("create_source", name, "--write-key", key)

    assert (refused.value.returncode, Source.objects.count()) == (2, 1)


@pytest.mark.django_db
def test_the_statistics_say_what_became_of_what_came(capsys):
    source = SourceFactory(slug="app", duplicates=4)
    InboundEventFactory(source=source)
    InboundEventFactory(source=source, state="DONE")
    ParkedFactory(source=source)
    QuarantinedFactory(source=source)
    InboundEventFactory(source=SourceFactory(write_key="other"))
    call_command("intake_stats", "--source", "app")
    call_command("intake_stats")

    one, both = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert one == {"stored": 2, "duplicates": 4, "quarantined": 1, "parked": 1, "pending": 1}
    assert both["stored"] == 3


@pytest.mark.django_db
def test_statistics_of_an_unknown_source_are_refused():
    with pytest.raises(CommandError) as refused:
        call_command("intake_stats", "--source", "nobody")

    assert refused.value.returncode == 2
