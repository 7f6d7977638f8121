from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.crm import connect, sync
from campaigns.crm.models import CrmConnection, FieldMapping, SyncCursor, SyncRun
from campaigns.profiles.models import Account, AccountAlias, Contact, Membership, SupportTicket
from campaigns.segments import preview
from campaigns.usage import crossings
from campaigns.usage.models import ThresholdCrossing, UsageDaily, UsageEvent
from orchestrator.connectors.hubspot.client import HubSpotCrm
from tests.contracts import provider
from tests.factories.billing import PlanFactory, QuotaFactory, SubscriptionFactory
from tests.factories.crm import FieldMappingFactory
from tests.factories.usage import MeterFactory
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake
from tests.settled import wait_until_settled

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
    assert list(dict(taken)) == ["account", "contact", "ticket"]


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


def add_ticket(hubspot, id="601", *, ms=MS, **properties):
    told = {"subject": "No login", "hs_ticket_priority": "URGENT", "createdate": str(MS), **properties}
    hubspot.add("tickets", id, ms=ms, companies=["701"], contacts=["801"], **told)


def test_tickets_reach_profiles_with_their_account_and_contact(connection, hubspot):
    add_ticket(hubspot)
    counts = pull(connection).counts
    ticket = SupportTicket.objects.get()
    assert (ticket.source, ticket.external_id, ticket.subject, ticket.priority) == (
        "hubspot", "601", "No login", "URGENT",
    )  # fmt: skip
    owners = SupportTicket.objects.values_list("account__external_id", "contact__external_id", "closed_at").get()
    assert owners == ("701", "801", None)
    assert counts["tickets"] == {"created": 1, "updated": 0, "unchanged": 0, "archived": 0, "without_account": 0}


def test_a_ticket_is_announced_as_a_usage_event_once_and_without_its_subject(connection, hubspot):
    add_ticket(hubspot)
    pull(connection)
    add_ticket(hubspot, ms=MS + 86_400_000, closed_date=str(MS + 86_400_000))
    pull(connection)
    event = UsageEvent.objects.get()
    assert event.account is not None
    assert (event.name, event.account.external_id, event.properties) == (
        "crescendo.ticket_opened", "701", {"priority": "URGENT"},
    )  # fmt: skip
    assert event.at == datetime(2026, 3, 1, tzinfo=UTC)
    assert SupportTicket.objects.get().closed_at is not None


def test_segments_can_ask_for_tickets(connection, hubspot):
    add_ticket(hubspot)
    pull(connection)
    where = [{"property": "priority", "op": "in", "value": ["HIGH", "URGENT"]}]
    definition = {"event": "crescendo.ticket_opened", "window": "30d", "where": where}
    assert preview.ids(document=definition, now=NOW) == ["701"]


def test_a_ticket_without_a_company_is_left_out_and_counted(connection, hubspot):
    hubspot.add("tickets", "602", ms=MS, subject="Whose?", createdate=str(MS))
    hubspot.add("tickets", "603", ms=MS, companies=["701"], subject="When?")
    counts = pull(connection).counts
    assert (counts["tickets"]["without_account"], SupportTicket.objects.count()) == (1, 0)
    assert counts["problems"]["opened_at: is missing, so the ticket is left out"] == 1


def test_a_ticket_archived_in_the_crm_is_closed_by_the_next_full_pull(connection, hubspot):
    add_ticket(hubspot)
    pull(connection)
    hubspot.records["tickets"]["601"]["archived"] = True
    counts = pull(connection, full=True).counts
    assert (counts["tickets"]["archived"], SupportTicket.objects.get().closed_at is None) == (1, False)


def test_a_kind_whose_mapping_was_emptied_is_not_pulled_and_stays_empty(connection, hubspot):
    add_ticket(hubspot)
    pull(connection)
    connection.mappings.filter(kind="ticket").delete()
    connect.ensure_connections()
    assert "tickets" not in pull(connection, full=True).counts


def test_a_connection_from_before_tickets_gets_their_default_mapping(connection):
    connection.mappings.filter(kind="ticket").delete()
    connect.ensure_connections()
    assert set(connection.mappings.filter(kind="ticket").values_list("target", flat=True)) == {
        "subject", "priority", "opened_at", "closed_at",
    }  # fmt: skip


def measured(connection, target="usage.seats_used", property="seats_in_use"):
    MeterFactory()
    FieldMappingFactory(connection=connection, property=property, target=target)


def test_a_mapped_number_is_the_meters_value_of_the_day(connection, hubspot):
    measured(connection)
    hubspot.add("companies", "701", ms=MS, name="Acme", seats_in_use="9")
    run = pull(connection)
    daily = UsageDaily.objects.get()
    assert (daily.account.external_id, daily.meter.code, daily.day, daily.value) == (
        "701", "seats_used", NOW.date(), Decimal(9),
    )  # fmt: skip
    assert (run.counts["usage"], sync.has_news(run=run)) == (1, True)


def test_pulling_the_same_number_again_changes_no_value_and_another_one_stands(connection, hubspot):
    measured(connection)
    for value in ("9", "9", "7"):
        hubspot.add("companies", "701", ms=MS, name="Acme", seats_in_use=value)
        pull(connection, full=True)
    assert [row.value for row in UsageDaily.objects.all()] == [Decimal(7)]


def test_each_day_of_pulls_has_a_value_of_its_own(connection, hubspot):
    measured(connection)
    hubspot.add("companies", "701", ms=MS, name="Acme", seats_in_use="9")
    for day in (0, 1):
        sync.sync_connection(connection=connection, full=True, now=NOW + timedelta(days=day))
    assert UsageDaily.objects.count() == 2


def test_what_is_no_number_is_left_out_in_words_and_the_record_is_taken(connection, hubspot):
    measured(connection)
    hubspot.add("companies", "701", ms=MS, name="Acme", seats_in_use="nine")
    run = pull(connection)
    assert (run.state, UsageDaily.objects.count(), Account.objects.count()) == (SyncRun.State.DONE, 0, 2)
    assert run.counts["problems"]["usage.seats_used: must be a number such as 1234.5"] == 1


def test_a_meter_that_is_unknown_or_counted_from_events_fails_the_run_in_words(connection):
    MeterFactory(code="logins", kind="EVENT", event_name="login")
    row = FieldMappingFactory(connection=connection, property="n", target="usage.nothing")
    assert "columns.n: there is no meter nothing" in pull(connection).error
    FieldMapping.objects.filter(pk=row.pk).update(target="usage.logins")
    assert "columns.n: the meter logins is counted from events" in pull(connection).error


@pytest.mark.django_db(transaction=True)
def test_a_property_of_the_crm_crosses_a_quota(connection, hubspot):
    measured(connection)
    plan = PlanFactory()
    QuotaFactory(plan=plan, limit=Decimal(10))
    pull(connection)
    SubscriptionFactory(account=Account.objects.get(external_id="701"), plan=plan)
    hubspot.add("companies", "701", ms=MS + 86_400_000, name="Acme", seats_in_use="9")
    pull(connection)
    wait_until_settled()
    assert crossings.notice_crossings(now=NOW) == 1
    crossing = ThresholdCrossing.objects.get()
    assert (crossing.account.external_id, crossing.level, crossing.evidence["value"]) == ("701", 80, 9)
