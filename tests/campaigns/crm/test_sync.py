from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.crm import connect, sync
from campaigns.crm.models import CrmConnection, FieldMapping, SyncCursor, SyncRun
from campaigns.profiles.models import Account, AccountAlias, Contact, Membership
from orchestrator.connectors.hubspot.client import HubSpotCrm
from tests.contracts import provider
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MS = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def hubspot():
    fake = HubSpotFake()
    fake.add("companies", "701", ms=MS, name="Acme", domain="acme.example", country="IL", numberofemployees="40")
    fake.add("companies", "702", ms=MS + 1000, name="Beta", industry="Retail")
    fake.add(
        "contacts", "801", ms=MS, companies=["701"], email="Noa@Acme.example", firstname="Noa", hs_language="he",
        account_role="billing", email_consent="granted", email_consent_basis="explicit",
        email_consent_source="trial form", email_consent_at="2026-02-01T10:00:00Z",
    )  # fmt: skip
    fake.add("contacts", "802", ms=MS, companies=["999"], email="dan@else.example", phone="no number")
    return fake


@pytest.fixture
def connection(db, settings, hubspot):
    with provider.running(hubspot) as server:
        settings.HUBSPOT_ACCESS_TOKEN = "pat-test"
        settings.HUBSPOT_API_BASE = server.url
        yield connect.find_connection(slug="hubspot")


def pull(connection, *, full=False, progress=None):
    return sync.sync_connection(connection=connection, full=full, now=NOW, progress=progress)


def test_a_key_makes_a_connection_with_the_default_mapping(connection):
    again = connect.ensure_connections()

    assert [one.slug for one in again] == ["hubspot"]
    assert connection.mappings.get(property="numberofemployees").type == "number"


def test_without_a_key_there_is_no_connection(db, settings):
    settings.HUBSPOT_ACCESS_TOKEN = ""

    with pytest.raises(CrmConnection.DoesNotExist):
        connect.find_connection(slug="hubspot")


def test_a_pull_fills_accounts_contacts_memberships_and_consents(connection):
    run = pull(connection)

    assert run.state == SyncRun.State.DONE, run.error
    acme = Account.objects.get(external_id="701")
    noa = Contact.objects.get(external_id="801")
    assert (acme.name, acme.domain, acme.country, acme.traits) == (
        "Acme",
        "acme.example",
        "IL",
        {"numberofemployees": 40},
    )
    assert (noa.email, noa.first_name, noa.locale) == ("noa@acme.example", "Noa", "he")
    assert Membership.objects.get().role == "BILLING"
    assert ContactPoint.objects.get(channel="email", contact=noa).topics == {"offers": "GRANTED"}
    record = ConsentRecord.objects.get()
    assert (record.basis, record.source, record.at.day) == ("EXPLICIT", "crm", 1)
    assert AccountAlias.objects.get(account=acme).source == "hubspot"


def test_the_counts_of_a_run_say_what_happened_and_what_could_not_be_read(connection):
    counts = pull(connection).counts

    assert counts["accounts"] == {"created": 2, "updated": 0, "unchanged": 0, "archived": 0}
    assert counts["contacts"]["created"] == 2
    assert (counts["memberships"], counts["without_account"], counts["consents"]) == (1, 1, 1)
    assert [words.partition(":")[0] for words in counts["problems"]] == ["phone"]


def test_a_full_pull_again_changes_nothing(connection):
    pull(connection)
    counts = pull(connection, full=True).counts

    assert counts["accounts"] == {"created": 0, "updated": 0, "unchanged": 2, "archived": 0}
    assert (counts["memberships"], counts["consents"], ConsentRecord.objects.count()) == (0, 0, 1)


def test_the_next_pull_reads_what_changed_since(connection, hubspot):
    pull(connection)
    hubspot.add("companies", "702", ms=MS + 86_400_000, name="Beta Ltd")
    taken = []
    run = pull(connection, progress=lambda kind, count: taken.append((kind, count)))

    assert run.counts["accounts"]["updated"] == 1
    assert Account.objects.get(external_id="702").name == "Beta Ltd"
    assert [kind for kind, _ in taken] == ["account", "contact"]


def test_an_archived_record_is_counted_and_left_alone(connection, hubspot):
    hubspot.add("companies", "703", ms=MS, archived=True, name="Gone")

    assert pull(connection).counts["accounts"]["archived"] == 1
    assert not Account.objects.filter(external_id="703").exists()


def test_a_failed_pull_says_why_and_keeps_what_was_committed(connection, hubspot, monkeypatch):
    original = HubSpotFake._page

    def fail_on_contacts(self, name, query):
        return provider.Reply(401, body=b"{}") if name == "contacts" else original(self, name, query)

    monkeypatch.setattr(HubSpotFake, "_page", fail_on_contacts)
    run = pull(connection)

    assert (run.state, bool(run.error)) == (SyncRun.State.FAILED, True)
    assert Account.objects.count() == 2
    assert SyncCursor.objects.get(kind="contact").watermark is None


def test_a_wrong_mapping_fails_the_run_with_its_place(connection):
    FieldMapping.objects.filter(property="name").update(target="shoe_size")

    assert "columns.name" in pull(connection).error


def test_a_change_the_crm_tells_of_moves_the_watermark_back(connection):
    pull(connection)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    sync.reread_since(connections=[connection], kind="account", at=at)
    sync.reread_since(connections=[connection], kind="account", at=at + timedelta(days=9))

    assert SyncCursor.objects.get(kind="account").watermark == at


def test_the_command_prints_json_and_makes_our_properties_on_request(connection, hubspot, capsys):
    call_command("sync_crm", "hubspot", "--setup")

    answer = json.loads(capsys.readouterr().out)
    assert (answer["state"], answer["accounts"]["created"]) == ("DONE", 2)
    assert "deals.upsell_conversion_id" in answer["created_properties"]


def test_the_command_refuses_an_unknown_connection(db):
    with pytest.raises(CommandError) as refused:
        call_command("sync_crm", "pipedrive")

    assert refused.value.returncode == 2


def test_the_client_is_the_official_one(connection):
    from orchestrator.connectors import registry

    assert isinstance(registry.crm("hubspot"), HubSpotCrm)
