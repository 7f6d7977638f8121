"""Everything that means no, whoever brings it, arrives in one place before it is answered: one row a source."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection

from campaigns.consent import compare, on_behalf
from campaigns.consent.models import ConsentRecord, ContactPoint, ListEntry
from campaigns.crm import connect, sync
from campaigns.crm.models import CrmConnection
from campaigns.delivery import dispatch, links
from campaigns.delivery.models import Message, ProviderEvent
from campaigns.intake import process
from campaigns.intake.models import Source
from campaigns.privacy import erase
from tests.campaigns.delivery.twilio import PHONE, TOKEN, post
from tests.contracts import provider
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.crm import CrmConnectionFactory
from tests.factories.delivery import MessageFactory, ReadyMessageFactory, TemplateVersionFactory
from tests.factories.intake import InboundEventFactory, SourceFactory
from tests.factories.profiles import ContactAliasFactory, ContactFactory
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
EMAIL = "dana@galil.example"


@dataclass
class Scene:
    """Dana, who said yes by mail and phone, and one message of each kind to her."""

    client: object
    settings: object
    mail: Message
    text: Message


@pytest.fixture
def scene(client, settings):
    settings.SENDGRID_WEBHOOK_PUBLIC_KEY = PUBLIC
    settings.TWILIO_AUTH_TOKEN = TOKEN
    ConsentTopicFactory()
    contact = ContactFactory(external_id="u-1", email=EMAIL, phone=PHONE)
    ContactAliasFactory(source="hubspot", value="801", contact=contact)
    for channel in ("email", "sms"):
        ContactPointFactory(contact=contact, channel=channel)
    mail = MessageFactory(contact=contact, state="ACCEPTED", accepted_at=NOW)
    text = MessageFactory(contact=contact, channel="sms", state="ACCEPTED", accepted_at=NOW)
    return Scene(client, settings, mail, text)


def sendgrid(event: str, **fields) -> Callable[[Scene], object]:
    def act(scene):
        row = {"event": event, "email": EMAIL, "timestamp": 1764000000, "crescendo_message": str(scene.mail.uuid)}
        raw = json.dumps([row | fields]).encode() + b"\r\n"
        stamp = "1764000000"
        signature = base64.b64encode(KEY.sign(stamp.encode() + raw, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
        path = "/webhooks/sendgrid/events"
        return scene.client.post(path, data=raw, content_type="application/json", headers=headers)

    return act


def twilio_status(code: int) -> Callable[[Scene], object]:
    def act(scene):
        fields = {"MessageSid": "SM1", "MessageStatus": "undelivered", "To": PHONE, "ErrorCode": str(code)}
        return post(scene.client, f"/webhooks/twilio/status/{scene.text.uuid}", fields)

    return act


def twilio_answer(code: int) -> Callable[[Scene], object]:
    def act(scene):
        version = TemplateVersionFactory(template__channel="sms", content={"en": {"text": "Hello"}})
        ReadyMessageFactory(channel="sms", contact=scene.text.contact, template_version=version)
        said = {"code": code, "message": "No.", "more_info": "", "status": 400}
        with provider.running(provider.Reply.of_json(said, 400)) as server:
            scene.settings.TWILIO_ACCOUNT_SID, scene.settings.TWILIO_FROM = "AC" + "0" * 32, "+15005550006"
            scene.settings.TWILIO_API_BASE = server.url
            dispatch.dispatch_due(channel="sms", now=NOW, worker="test", seconds=5)

    return act


def wrote(words: str) -> Callable[[Scene], object]:
    def act(scene):
        return post(scene.client, "/webhooks/twilio/inbound", {"MessageSid": "SM9", "From": PHONE, "Body": words})

    return act


def link(**form) -> Callable[[Scene], object]:
    def act(scene):
        address = links.unsubscribe_url(message_uuid=scene.mail.uuid)
        return scene.client.post(address.removeprefix(scene.settings.PUBLIC_BASE_URL), form)

    return act


def preference_page(**form) -> Callable[[Scene], object]:
    def act(scene):
        address = links.preferences_url(message_uuid=scene.mail.uuid)
        return scene.client.post(address.removeprefix(scene.settings.PUBLIC_BASE_URL), form)

    return act


def crm_pull(**properties) -> Callable[[Scene], object]:
    def act(scene):
        fake = HubSpotFake()
        ms = int(NOW.timestamp() * 1000)
        fake.add("contacts", "801", ms=ms, email=EMAIL, phone=PHONE, **properties)
        with provider.running(fake) as server:
            scene.settings.HUBSPOT_ACCESS_TOKEN, scene.settings.HUBSPOT_API_BASE = "pat-test", server.url
            sync.sync_connection(connection=connect.find_connection(slug="hubspot"), full=False, now=NOW)

    return act


def crm_erases(scene):
    CrmConnection.objects.exists() or CrmConnectionFactory()
    payload = {"objectId": 801, "properties": {}, "traits": {}, "context": {}}
    source = Source.objects.filter(slug="hubspot").first() or SourceFactory(slug="hubspot", kind="hubspot")
    InboundEventFactory(source=source, kind="hubspot.contact.privacyDeletion", payload=payload, at=NOW, message_id="p")
    process.process_inbound(now=NOW)


def on_sendgrids_list(name: str) -> Callable[[Scene], object]:
    def act(scene):
        def answer(request):
            if request.path == "/v3/asm/groups":
                return provider.Reply.of_json([{"id": 1, "name": scene.settings.SENDGRID_UNSUBSCRIBE_GROUP}])
            rows = [{"created": 1764000000, "email": EMAIL}]
            is_it = request.path.startswith(f"/v3/suppression/{name}?")
            if name == "group" and request.path == "/v3/asm/groups/1/suppressions":
                return provider.Reply.of_json([EMAIL])
            return provider.Reply.of_json(rows if is_it else [])

        with provider.running(answer) as server:
            scene.settings.SENDGRID_API_KEY, scene.settings.SENDGRID_API_BASE = "SG.key", server.url
            compare.compare_lists(channel="email", now=NOW)

    return act


def told_a_colleague(**fields) -> Callable[[Scene], object]:
    def act(scene):
        on_behalf.record_opt_out(contact_id=scene.mail.contact_id, by="maria", how="PHONE", now=NOW, **fields)

    return act


def erased(scene):
    erase.erase_contact(contact_id=scene.mail.contact_id, by="maria", now=NOW)


# name: (what happens, channel, reason on the point, source of the record or "" where a report is the evidence)
NOES = {
    "hard bounce": (sendgrid("bounce", type="bounce", reason="550"), "email", "BOUNCED", ""),
    "spam complaint": (sendgrid("spamreport"), "email", "COMPLAINED", "sendgrid:complained"),
    "unsubscribe event": (sendgrid("unsubscribe"), "email", "UNSUBSCRIBED", "sendgrid:unsubscribed"),
    "group unsubscribe event": (sendgrid("group_unsubscribe"), "email", "UNSUBSCRIBED", "sendgrid:unsubscribed"),
    "dropped, unsubscribed": (
        sendgrid("dropped", reason="Unsubscribed Address"), "email", "UNSUBSCRIBED", "sendgrid:dropped",
    ),
    "dropped, complained": (
        sendgrid("dropped", reason="Spam Reporting Address"), "email", "COMPLAINED", "sendgrid:dropped",
    ),
    "dropped, bounced": (sendgrid("dropped", reason="Bounced Address"), "email", "BOUNCED", ""),
    "dropped, no address": (sendgrid("dropped", reason="Invalid"), "email", "BOUNCED", ""),
    "unsubscribe link": (link(), "email", "UNSUBSCRIBED", "unsubscribe_page"),
    "one click": (link(**{"List-Unsubscribe": "One-Click"}), "email", "UNSUBSCRIBED", "one_click"),
    "preference page, everything": (preference_page(action="stop"), "email", "UNSUBSCRIBED", "preference_page"),
    "STOP": (wrote("STOP"), "sms", "UNSUBSCRIBED", "twilio:stop"),
    "a no in own words": (wrote("please stop texting me"), "sms", "UNSUBSCRIBED", "twilio:free_text"),
    "21610 in the answer": (twilio_answer(21610), "sms", "UNSUBSCRIBED", "twilio:21610"),
    "21614 in the answer": (twilio_answer(21614), "sms", "BOUNCED", ""),
    "30004 in the report": (twilio_status(30004), "sms", "UNSUBSCRIBED", "twilio:30004"),
    "30005 in the report": (twilio_status(30005), "sms", "BOUNCED", ""),
    "30006 in the report": (twilio_status(30006), "sms", "BOUNCED", ""),
    "21610 in the report": (twilio_status(21610), "sms", "UNSUBSCRIBED", "twilio:21610"),
    "the CRM's flag": (crm_pull(hs_email_optout="true"), "email", "UNSUBSCRIBED", "crm"),
    "the CRM's privacy deletion": (crm_erases, "email", "ERASED", "crm:privacy_deletion"),
    "SendGrid's group": (on_sendgrids_list("group"), "email", "UNSUBSCRIBED", "sendgrid:list"),
    "SendGrid's global list": (on_sendgrids_list("unsubscribes"), "email", "UNSUBSCRIBED", "sendgrid:list"),
    "SendGrid's complaints": (on_sendgrids_list("spam_reports"), "email", "COMPLAINED", "sendgrid:list"),
    "SendGrid's bounces": (on_sendgrids_list("bounces"), "email", "BOUNCED", ""),
    "told a colleague": (told_a_colleague(channel="email"), "email", "UNSUBSCRIBED", "staff"),
    "objection": (told_a_colleague(), "email", "OBJECTED", "staff"),
    "erasure": (erased, "email", "ERASED", "erasure"),
}  # fmt: skip


def written_by(table: str, pk: int) -> str:
    """The transaction that wrote the row as it stands."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT xmin::text FROM {table} WHERE id = %s", [pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("name", NOES)
def test_a_no_blocks_the_address_and_leaves_its_record_in_one_transaction(scene, name):
    act, channel, reason, source = NOES[name]

    response = act(scene)

    assert getattr(response, "status_code", 200) == 200
    message = scene.text if channel == "sms" else scene.mail
    point = ContactPoint.objects.get(pk=message.point_id)
    assert (point.is_blocked, point.reason) == (True, reason)
    records = ConsentRecord.objects.filter(point=point, topic="", state="WITHDRAWN")
    if not source:
        assert not records.exists()
        return
    record = records.get()
    assert (record.source, record.evidence["reason"]) == (source, reason)
    assert written_by("consent_contactpoint", point.pk) == written_by("consent_consentrecord", record.pk)


@pytest.mark.parametrize("name", [name for name, row in NOES.items() if row[3] and row[2] != "ERASED"])
def test_what_a_person_said_is_to_be_told_to_the_providers_list(scene, name):
    act, channel, _, _ = NOES[name]

    act(scene)

    entry = ListEntry.objects.get(point__channel=channel)
    assert (entry.is_wanted, entry.state) == (True, "PENDING")


@pytest.mark.parametrize("name", ["hard bounce", "dropped, bounced", "30005 in the report", "30006 in the report"])
def test_a_dead_address_has_the_providers_report_as_its_evidence(scene, name):
    NOES[name][0](scene)

    assert ProviderEvent.objects.exists()


@pytest.mark.parametrize("name", ["spam complaint", "objection", "erasure", "the CRM's privacy deletion"])
def test_some_noes_reach_every_channel(scene, name):
    NOES[name][0](scene)

    open_ones = ContactPoint.objects.filter(is_blocked=False)
    assert not open_ones.exists()


@pytest.mark.parametrize("name", NOES)
def test_the_same_no_again_adds_nothing(scene, name):
    act = NOES[name][0]
    act(scene)
    records = ConsentRecord.objects.count()

    act(scene)

    again = 1 if name in ("told a colleague", "objection") else 0  # a colleague's second entry is a second call
    if not again:
        assert ConsentRecord.objects.count() == records


def test_a_topic_refused_on_the_preference_page_leaves_the_others(scene):
    ConsentTopicFactory(slug="tips", name="Tips")

    preference_page(**{"shown.offers.email": "on"})(scene)

    point = ContactPoint.objects.get(channel="email")
    assert (point.is_blocked, point.topics) == (False, {"offers": "WITHDRAWN"})
