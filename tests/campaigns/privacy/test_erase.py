from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from campaigns.consent import hold, on_behalf, opt_out, record
from campaigns.consent.models import ConsentRecord, ContactPoint, ListEntry
from campaigns.consent.selectors import reachable_contacts
from campaigns.crm import connect, opt_outs, sync
from campaigns.delivery import feedback, links
from campaigns.delivery.models import CsmTask, DeliveryAttempt, InAppMessage, Message, ProviderEvent
from campaigns.operations.models import AuditEntry
from campaigns.privacy import erase, export, jobs
from campaigns.profiles import identify
from campaigns.profiles.models import Contact
from campaigns.usage.models import UsageEvent
from orchestrator.channels.events import DeliveryEvent, EventType
from tests.contracts import provider
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.crm import WriteBackFactory
from tests.factories.delivery import CsmTaskFactory, MessageFactory
from tests.factories.intake import InboundEventFactory, SourceFactory
from tests.factories.profiles import (
    AccountFactory,
    ContactAliasFactory,
    ContactFactory,
    MembershipFactory,
    SupportTicketFactory,
)
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
EMAIL, PHONE, NAME = "dana.levi@galil.example", "+972502345678", "Danalevina"


@pytest.fixture(scope="module")
def scene(shared_rows):
    """Somebody of whom every room holds something."""
    ConsentTopicFactory()
    contact = ContactFactory(
        external_id="u-1", email=EMAIL, phone=PHONE, first_name=NAME, last_name=NAME, traits={"nick": NAME}
    )
    ContactAliasFactory(contact=contact, value="801")
    MembershipFactory(contact=contact)
    point = ContactPointFactory(contact=contact)
    ContactPointFactory(contact=contact, channel="sms")
    mail = MessageFactory(contact=contact, context={"who": NAME, "account": {"name": "Galil"}})
    DeliveryAttempt.objects.create(message=mail, number=1, started_at=NOW, detail=f"said {EMAIL}")
    banner = MessageFactory(contact=contact, channel="in_app", state="ACCEPTED", accepted_at=NOW)
    InAppMessage.objects.create(message=banner, contact=contact, html=f"<p>{NAME}</p>", shown_from=NOW, expires_at=NOW)
    CsmTaskFactory(message__contact=contact, title=f"Call {NAME}", body=f"Ask {NAME}", note=f"{NAME} was in a hurry")
    SupportTicketFactory(contact=contact, subject=f"{NAME} cannot log in")
    ProviderEvent.objects.create(
        received_at=NOW, provider="sendgrid", key=b"k" * 16, type="DEFERRED", at=NOW, message=mail.uuid,
        reason=f"450 {EMAIL}", url=f"https://acme.example/?e={EMAIL}", applied_at=NOW,
    )  # fmt: skip
    UsageEvent.objects.create(
        at=NOW, account=AccountFactory(), contact=contact, name="invited", source="app", message_id="m",
        received_at=NOW, properties={"to": EMAIL, "seats": 3},
    )  # fmt: skip
    source = SourceFactory(slug="app")
    for name, state in (("m-1", "DONE"), ("m-2", "PENDING"), ("m-3", "QUARANTINED")):
        InboundEventFactory(
            source=source, kind="identify", message_id=name, state=state, at=NOW,
            payload={"userId": "u-1", "traits": {"email": EMAIL, "name": NAME}, "context": {"ip": "192.0.2.1"}},
        )  # fmt: skip
    WriteBackFactory(kind="TASK", payload={"task_id": "t", "contact": "u-1", "title": NAME, "body": NAME})
    on_behalf.record_opt_out(
        contact_id=contact.pk, channel="email", by="maria", how="PHONE", note=f"{NAME} was angry", now=NOW
    )
    opt_out.opt_in(
        point_id=point.pk, topic="offers", source="page", evidence={"ip": "192.0.2.7", "shown": "v1"}, at=NOW, now=NOW
    )
    hold.hold(
        point_id=point.pk, message=None, text=f"{NAME} is fed up, {PHONE}", rule="en.tired", source="twilio", at=NOW
    )
    return contact.pk


@pytest.fixture
def dana(scene, db):
    return Contact.objects.get(pk=scene)


def erase_her(contact):
    return erase.erase_contact(contact_id=contact.pk, by="maria", now=NOW)


def tables_that_say(needle: str) -> list[str]:
    found = []
    with connection.cursor() as cursor:
        for model in (one for one in apps.get_models() if one._meta.managed):
            table = model._meta.db_table
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS one WHERE strpos(lower(one::text), %s) > 0', [needle.lower()]
            )
            found += [table] if cursor.fetchone()[0] else []
    return found


@pytest.mark.parametrize("needle", [EMAIL, PHONE, NAME, "192.0.2."])
def test_no_table_says_who_it_was(dana, needle):
    assert tables_that_say(needle)

    erase_her(dana)

    assert tables_that_say(needle) == []


def test_the_addresses_stay_blocked_by_their_hashes_alone(dana):
    before = {bytes(one.address_hash) for one in ContactPoint.objects.filter(channel__in=["email", "sms"])}

    erase_her(dana)

    points = ContactPoint.objects.filter(channel__in=["email", "sms"])
    assert {bytes(one.address_hash) for one in points} == before
    assert {(one.is_blocked, one.reason) for one in points} == {(True, "ERASED")}


def test_the_same_address_imported_again_is_not_written_to(dana):
    erase_her(dana)

    made = identify.upsert_contacts(
        records=[identify.ContactRecord("u-2", NOW, {"email": EMAIL, "phone": PHONE})], now=NOW
    )
    item = record.ConsentItem(made.ids["u-2"], "email", "offers", "GRANTED", "explicit", "import", NOW)
    record.record_consents(items=[item], now=NOW)

    assert reachable_contacts(contact_ids=[made.ids["u-2"]], channel="email", topic="offers") == set()
    assert reachable_contacts(contact_ids=[made.ids["u-2"]], channel="sms", topic="offers") == set()


@pytest.mark.parametrize("names_message", [True, False])
def test_of_a_report_that_comes_after_the_erasure_no_words_are_kept(dana, names_message):
    erase_her(dana)
    message = Message.objects.filter(contact=dana).earliest("pk").uuid if names_message else None
    late = DeliveryEvent(
        provider="sendgrid", key=b"l" * 16, type=EventType.BOUNCED, at=NOW, message_id=message, attempt=None,
        address="" if names_message else EMAIL, reason=f"550 {NAME} <{EMAIL}> left", url="https://acme.example/noa",
    )  # fmt: skip

    feedback.store_events(events=[late], now=NOW, wall_now=NOW)

    kept = ProviderEvent.objects.get(key=b"l" * 16)
    assert (kept.type, kept.reason, kept.url) == ("BOUNCED", "", "")


def test_a_pull_from_the_crm_brings_nobody_back(dana, settings):
    erase_her(dana)
    fake = HubSpotFake()
    fake.add("contacts", "801", ms=int(NOW.timestamp() * 1000), email=EMAIL, firstname=NAME)
    with provider.running(fake) as server:
        settings.HUBSPOT_ACCESS_TOKEN, settings.HUBSPOT_API_BASE = "pat-test", server.url
        sync.sync_connection(connection=connect.find_connection(slug="hubspot"), full=True, now=NOW)

    assert tables_that_say(EMAIL) == []
    assert Contact.objects.get(pk=dana.pk).erased_at == NOW


def test_what_waits_to_be_sent_never_goes_and_the_ledger_still_sums(dana):
    messages = Message.objects.count()

    erase_her(dana)

    assert Message.objects.count() == messages
    assert not Message.objects.open().exists()
    assert Message.objects.get(contact=dana, channel="email").reason == "SUPPRESSED"
    assert CsmTask.objects.get().state == "CANCELLED"
    assert InAppMessage.objects.get().dismissed_at == NOW


def test_a_call_about_her_that_somebody_else_asked_for_since_says_nothing_of_her(dana):
    CsmTask.objects.update(contact=ContactFactory())

    erase_her(dana)

    task = CsmTask.objects.get()
    assert (task.state, task.title, task.body, task.note) == ("OPEN", "–", "", "")


def test_that_there_was_a_no_and_a_yes_stays_without_who_said_it(dana):
    erase_her(dana)

    yes = ConsentRecord.objects.get(source="page")
    assert (yes.state, yes.evidence) == ("GRANTED", {"shown": "v1"})
    assert ConsentRecord.objects.get(source="staff").evidence["how"] == "PHONE"


def test_evidence_stays_append_only_for_everybody_else(dana):
    erase_her(dana)

    with pytest.raises(Exception, match="append-only"):
        ConsentRecord.objects.update(source="forged")


def test_it_is_in_the_audit_and_once(dana):
    assert erase_her(dana)
    assert not erase_her(dana)

    entry = AuditEntry.objects.get(action="privacy.erase")
    assert (entry.actor, entry.subject) == ("maria", "contact:u-1")


def test_an_id_that_is_an_address_goes_too():
    contact = ContactFactory(external_id="noa@galil.example", email="noa@galil.example")

    erase_her(contact)

    assert tables_that_say("noa@galil.example") == []


def test_nothing_more_is_told_about_somebody_erased(dana):
    erase_her(dana)

    assert ListEntry.objects.filter(point__reason="ERASED", version=1, is_wanted=True).count() <= 1


def test_their_mail_is_not_shown_in_a_browser_any_more(dana, client):
    message = Message.objects.get(contact=dana, channel="email")
    erase_her(dana)

    response = client.get(links.view_url(message_uuid=message.uuid).removeprefix("http://127.0.0.1:8000"))

    assert response.status_code == 404


def test_whom_another_system_erased_is_erased_here_by_the_job(dana):
    point = ContactPoint.objects.get(contact=dana, channel="email")
    opt_out.opt_out(
        point_id=point.pk, reason="ERASED", source="crm:privacy_deletion", at=NOW, now=NOW, all_channels=True
    )

    jobs.erase_marked()

    assert tables_that_say(EMAIL) == []


def test_an_export_holds_what_every_room_holds(dana):
    document = export.export_contact(contact_id=dana.pk, now=NOW)

    assert [name for name, rows in document.items() if rows == []] == [
        "messages_no_longer_kept", "offers_answered", "refusals", "campaigns", "segments",
    ]  # fmt: skip
    assert document["contact"][0]["email"] == EMAIL
    assert {row["userId"] for row in (one["payload"] for one in document["received_events"])} == {"u-1"}
    json.dumps(document)


def test_an_export_holds_nobody_else(dana):
    ContactPointFactory(contact=ContactFactory(email="somebody@else.example"))

    assert "somebody@else.example" not in json.dumps(export.export_contact(contact_id=dana.pk, now=NOW))


def test_the_command_exports_objects_and_erases(dana):
    out = io.StringIO()
    call_command("privacy", "export", "u-1", stdout=out)
    assert json.loads(out.getvalue())["contact"][0]["external_id"] == "u-1"

    call_command("privacy", "object", "u-1", stdout=io.StringIO())
    assert not ContactPoint.objects.filter(is_blocked=False).exists()

    call_command("privacy", "erase", "u-1", "--yes", stdout=io.StringIO())
    assert Contact.objects.get(pk=dana.pk).erased_at is not None


def test_the_command_erases_nobody_who_is_not_named_again(dana, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))

    call_command("privacy", "erase", "u-1", stdout=io.StringIO())

    assert Contact.objects.get(pk=dana.pk).erased_at is None


def test_the_command_knows_nobody_by_another_name(dana):
    with pytest.raises(SystemExit) as stopped:
        call_command("privacy", "erase", "u-9", stderr=io.StringIO())

    assert stopped.value.code == 2


def test_the_crm_hears_that_nothing_may_go_to_somebody_erased(dana):
    erase_her(dana)

    assert opt_outs.standing(contact_ids=[dana.pk]) == {dana.pk: "email;in_app;sms"}


def test_an_erasure_that_died_halfway_is_taken_up(dana, monkeypatch):
    def dies(*_):
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(erase, "_forget", dies)
        with pytest.raises(MemoryError):
            erase_her(dana)
    assert ContactPoint.objects.get(contact=dana, channel="email").reason == "ERASED"

    jobs.erase_marked()

    assert tables_that_say(EMAIL) == []
