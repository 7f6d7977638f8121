"""Bad input: no endpoint answers 500 or hangs, and no job behind it breaks, whatever comes in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from campaigns.delivery import content, feedback, links
from campaigns.delivery.models import Message
from campaigns.intake import process
from campaigns.offers import links as offer_links
from campaigns.segments import grammar
from campaigns.segments.errors import DefinitionError
from campaigns.sequences import apply
from campaigns.sequences.campaign_file import CampaignFileError
from orchestrator import clock
from orchestrator.templating import message as rendering
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent
from tests.campaigns.delivery.twilio import TOKEN
from tests.factories import sequences as make
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import BANNER, MAIL, NOW, MessageFactory
from tests.factories.intake import SIGNING_SECRET, WRITE_KEY, SourceFactory
from tests.factories.offers import quote_with_reader
from tests.faults.hostile import as_json, bodies, leaves, raw_bodies, spoilt, trees
from tests.faults.test_feedback_order import KEY, PUBLIC
from tests.faults.toll import answered, in_time
from tests.scale import examples

pytestmark = pytest.mark.faults
FEW = 10
some = settings(max_examples=examples(FEW), deadline=None, suppress_health_check=list(HealthCheck))

BASIC = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
AT = "2026-11-24T10:00:00Z"
TRACK = {"type": "track", "userId": "c1", "event": "opened", "messageId": "m1", "timestamp": AT, "sentAt": AT,
         "properties": {"groupId": "a1", "n": 1, "seats": {"used": 3}}, "context": {"groupId": "a1"}}  # fmt: skip
IDENTIFY = {"type": "identify", "userId": "c1", "traits": {"email": "a@b.example", "phone": "+972501234567",
            "firstName": "Dana", "createdAt": AT, "timezone": "Asia/Jerusalem", "locale": "he-IL"}}  # fmt: skip
GROUP = {"type": "group", "groupId": "a1", "userId": "c1", "traits": {"name": "Acme", "employees": 5, "plan": "x"}}
ALIAS = {"type": "alias", "userId": "c2", "previousId": "c1"}
BATCH = {"batch": [TRACK, IDENTIFY, GROUP, ALIAS], "sentAt": AT, "writeKey": WRITE_KEY}
CLOUD = {"specversion": "1.0", "id": "e1", "source": "/meters", "type": "seat.added", "time": AT,
         "data": {"groupId": "a1", "n": 1}}  # fmt: skip
STANDARD = {"type": "usage.limit", "timestamp": AT, "data": {"user_id": "c1", "account_id": "a1", "n": 3}}
STRIPE = {"id": "evt_1", "object": "event", "type": "customer.subscription.updated", "created": 1764000000,
          "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
                   "items": {"data": [{"id": "si_1", "quantity": 2, "current_period_end": 1764900000,
                             "price": {"id": "price_1", "lookup_key": "basic", "unit_amount": 100, "currency": "usd",
                                       "recurring": {"interval": "month"}}}]},
                   "metadata": {"account_external_id": "a1"}, "start_date": 1764000000, "created": 1764000000}},
          }  # fmt: skip
HUBSPOT = [{"eventId": 1, "subscriptionType": "company.propertyChange", "objectId": 7, "propertyName": "name",
            "propertyValue": "x", "occurredAt": 1764000000000, "attemptNumber": 0, "portalId": 1}]  # fmt: skip
REPORT = {"event": "click", "email": "a@b.example", "timestamp": 1764000000, "sg_event_id": "e", "url": "https://a.b",
          "useragent": "x", "crescendo_message": "0" * 32, "crescendo_attempt": "1", "reason": "x",
          "type": "bounce", "asm_group_id": 3}  # fmt: skip
SEGMENT_TEXT = {"field": "account.name", "op": "contains", "value": "x"}
SEGMENT_EVENT = {"event": "opened", "window": "14d", "where": [{"property": "n", "op": "=", "value": 1}],
                 "count": {"op": ">=", "value": 3}}  # fmt: skip
SEGMENT_DATE = {"field": "account.created_at", "op": "within", "value": "30d"}
RENDER = {"email": rendering.render_email, "in_app": rendering.render_in_app, "sms": rendering.render_text}
FORMS = st.dictionaries(
    st.sampled_from(["action", "reason", "quantity", "nonce", "offers.email", "all", "List-Unsubscribe", "language"])
    | st.text(max_size=8),
    st.text(max_size=40) | st.sampled_from(["accept", "decline", "call", "\x00", "-1", "9" * 400, "on"]),
    max_size=5,
)


@override_settings(
    TWILIO_AUTH_TOKEN=TOKEN,
    SENDGRID_WEBHOOK_PUBLIC_KEY=PUBLIC,
    STRIPE_WEBHOOK_SECRET="whsec_stripe",
    HUBSPOT_CLIENT_SECRET="client-secret",
)
class FrontDoors(TestCase):
    """Whatever machines post; what was taken is understood, parked or quarantined afterwards."""

    def setup_example(self) -> None:
        super().setup_example()
        self.open_doors()

    def open_doors(self) -> None:
        SourceFactory(slug="crm-sync")
        ConsentTopicFactory()
        self.client = Client(raise_request_exception=False)

    def post(self, path: str, raw: bytes, *, kind: str = "application/json", **headers: str) -> int:
        with in_time():
            status = answered(self.client.post(path, raw, content_type=kind, headers=headers))
        with in_time(is_case=False):
            process.process_inbound(now=clock.utcnow(), limit=process.BATCH)
            feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())
        assert status not in {404, 405} or "nobody" in path or "not-a-uuid" in path, f"No door at {path}."
        return status

    def test_what_is_well_formed_and_signed_is_taken(self):
        """Else hostile input would be refused at the door for another reason than its own."""
        self.open_doors()
        taken = {"track": self.post("/v1/track", as_json(TRACK), Authorization=BASIC)}
        taken["cloud events"] = self.post(
            "/webhooks/usage/crm-sync", as_json(CLOUD), kind="application/cloudevents+json",
            Authorization=f"Bearer {SIGNING_SECRET}",
        )  # fmt: skip
        taken["standard webhooks"] = self.post_standard(STANDARD, "msg_1")
        taken["stripe"] = self.post_stripe(as_json(STRIPE))
        taken["hubspot"] = self.post_hubspot(as_json(HUBSPOT))
        taken["sendgrid"] = self.post_sendgrid(as_json([REPORT, REPORT]))
        taken["twilio"] = self.post_twilio("inbound", {"MessageSid": "SM1", "From": "+972501234567", "Body": "hello"})
        assert {name: status // 100 for name, status in taken.items()} == dict.fromkeys(taken, 2)

    @some
    @given(
        route=st.sampled_from(["identify", "track", "group", "page", "screen", "alias", "batch", "import"]),
        raw=bodies((TRACK, IDENTIFY, GROUP, ALIAS, BATCH, BATCH)),
        headers=st.sampled_from([{}, {"Content-Encoding": "gzip"}, {"Content-Length": "-1"}]),
        authorization=st.sampled_from([BASIC, BASIC, BASIC, "Basic \x7f", "Basic ====", "Bearer x"]),
    )
    def test_tracking(self, route, raw, headers, authorization):
        self.post(f"/v1/{route}", raw, Authorization=authorization, **headers)

    @some
    @given(
        raw=bodies((CLOUD, [CLOUD, CLOUD], STANDARD)),
        kind=st.sampled_from(["application/cloudevents+json", "application/cloudevents-batch+json", "text/x;=", ""]),
        extra=st.dictionaries(
            st.sampled_from(["ce-id", "ce-type", "ce-time", "ce-source", "ce-specversion"]),
            st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
        ),
        slug=st.sampled_from(["crm-sync", "nobody"]),
    )
    def test_cloud_events(self, raw, kind, extra, slug):
        self.post(f"/webhooks/usage/{slug}", raw, kind=kind, Authorization=f"Bearer {SIGNING_SECRET}", **extra)

    @some
    @given(document=spoilt((STANDARD, CLOUD)) | trees, message_id=st.sampled_from(["msg_1", "", "x" * 3000, "מזהה"]))
    def test_standard_webhooks(self, document, message_id):
        self.post_standard(document, message_id)

    def post_standard(self, document: Any, message_id: str) -> int:
        at, raw = datetime.now(UTC), json.dumps(document)
        signature = Webhook(SIGNING_SECRET).sign(message_id, at, raw)
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp()))}
        return self.post("/webhooks/usage/crm-sync", raw.encode(), **headers, **{"webhook-signature": signature})

    @some
    @given(raw=bodies((STRIPE,)))
    def test_stripe(self, raw):
        self.post_stripe(raw)

    def post_stripe(self, raw: bytes) -> int:
        stamp = str(int(time.time()))
        signature = hmac.new(b"whsec_stripe", stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
        return self.post("/webhooks/stripe", raw, **{"Stripe-Signature": f"t={stamp},v1={signature}"})

    @some
    @given(raw=bodies((HUBSPOT,)))
    def test_hubspot(self, raw):
        self.post_hubspot(raw)

    def post_hubspot(self, raw: bytes) -> int:
        stamp = str(int(time.time() * 1000))
        signed = f"POST{django_settings.PUBLIC_BASE_URL}/webhooks/hubspot".encode() + raw + stamp.encode()
        signature = base64.b64encode(hmac.new(b"client-secret", signed, hashlib.sha256).digest()).decode()
        headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
        return self.post("/webhooks/hubspot", raw, **headers)

    @some
    @given(raw=bodies(([REPORT, REPORT],)))
    def test_sendgrid(self, raw):
        self.post_sendgrid(raw)

    def post_sendgrid(self, raw: bytes) -> int:
        signature = base64.b64encode(KEY.sign(b"1764000000" + raw, ec.ECDSA(hashes.SHA256()))).decode()
        name = "X-Twilio-Email-Event-Webhook"
        return self.post(
            "/webhooks/sendgrid/events", raw, **{f"{name}-Signature": signature, f"{name}-Timestamp": "1764000000"}
        )

    @some
    @given(
        path=st.sampled_from(["inbound", "status/not-a-uuid", "status/" + "0" * 32]),
        fields=st.dictionaries(
            st.sampled_from(["MessageSid", "MessageStatus", "To", "From", "Body", "ErrorCode", "OptOutType", "x"]),
            st.text(max_size=40) | st.sampled_from(["delivered", "STOP", "START", "\x00", "9" * 5000, "+97250"]),
        ),
    )
    def test_twilio(self, path, fields):
        self.post_twilio(path, fields)

    def post_twilio(self, path: str, fields: dict[str, str]) -> int:
        path = f"/webhooks/twilio/{path}"
        fields = {name: value.encode(errors="replace").decode() for name, value in fields.items()}
        signature = RequestValidator(TOKEN).compute_signature(django_settings.PUBLIC_BASE_URL + path, fields)
        kind = "application/x-www-form-urlencoded"
        return self.post(path, urlencode(fields).encode(), kind=kind, **{"X-Twilio-Signature": signature})

    @some
    @given(
        path=st.sampled_from(["stripe", "hubspot", "sendgrid/events", "twilio/inbound", "usage/crm-sync"]),
        raw=raw_bodies,
        value=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=60),
    )
    def test_signatures_that_are_none(self, path, raw, value):
        names = (
            "Stripe-Signature", "X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp", "X-Twilio-Signature",
            "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp", "webhook-signature",
            "webhook-id", "webhook-timestamp", "Authorization",
        )  # fmt: skip
        assert self.post(f"/webhooks/{path}", raw, **dict.fromkeys(names, value)) in {400, 401, 413}


class Doorsteps(TestCase):
    """What contacts' browsers, mail scanners and the host application send."""

    paths: ClassVar[list[str]]

    @classmethod
    def setUpTestData(cls) -> None:
        message = MessageFactory(state=Message.State.ACCEPTED, accepted_at=NOW)
        quote_row, _ = quote_with_reader()
        SourceFactory()
        cls.paths = [
            links.unsubscribe_url(message_uuid=message.uuid),
            links.preferences_url(message_uuid=message.uuid),
            links.view_url(message_uuid=message.uuid),
            offer_links.offer_url(quote_uuid=quote_row.uuid, contact_id=message.contact_id),
        ]

    def setup_example(self) -> None:
        super().setup_example()
        self.client = Client(raise_request_exception=False)

    @some
    @given(data=st.data(), form=FORMS, kind=st.sampled_from(["form", "json", "raw"]), raw=raw_bodies)
    def test_pages_behind_links(self, data, form, kind, raw):
        path = data.draw(st.sampled_from(self.paths)).removeprefix(django_settings.PUBLIC_BASE_URL)
        if data.draw(st.integers(0, 2)) == 0:
            path = path[:3] + quote(
                data.draw(st.text(min_size=1, max_size=80)).replace("/", "").encode(errors="ignore") or b"x"
            )
        with in_time():
            answered(
                self.client.get(path, headers={"Accept-Language": data.draw(st.sampled_from(["he", "\xff", "*"]))})
            )
            if kind == "form":
                pairs = {name.encode(errors="replace"): value.encode(errors="replace") for name, value in form.items()}
                kind_of = "application/x-www-form-urlencoded"
                answered(self.client.post(path, urlencode(pairs), content_type=kind_of))
            else:
                answered(self.client.post(path, raw, content_type="application/json" if kind == "json" else "x/y"))

    @some
    @given(token=st.text(max_size=60))
    def test_click_links_that_are_none(self, token):
        token = quote(token.replace("/", "").encode(errors="ignore")) or "x"
        with in_time():
            assert answered(self.client.get(f"/c/{token}")) in {302, 404}

    @some
    @given(
        events=bodies(({"events": [{"id": "e", "message": "0" * 32, "type": "click", "at": AT}]},)),
        claims=spoilt(({"sub": "c1", "acc": "a1", "exp": 4102444800},)),
        query=st.dictionaries(st.sampled_from(["page", "feature", "t", "limit"]), st.text(max_size=30), max_size=3),
    )
    def test_the_in_app_feed(self, events, claims, query):
        try:
            token = jwt.encode(claims if isinstance(claims, dict) else {}, SIGNING_SECRET, algorithm="HS256")
        except (TypeError, ValueError):
            token = "none.none.none"
        headers = {"Authorization": f"Bearer {token}"}
        pairs = {name: value.encode(errors="replace") for name, value in query.items()}
        with in_time():
            answered(self.client.get(f"/inapp/v1/feed?{urlencode(pairs)}", headers=headers))
            answered(self.client.post("/inapp/v1/events", events, content_type="application/json", headers=headers))


class Documents(TestCase):
    """What marketers write: refused in words, or taken."""

    @classmethod
    def setUpTestData(cls) -> None:
        make.market()
        make.ready_account()

    @some
    @given(document=spoilt((make.document(), make.document(entry={"reentry": "ALWAYS", "cooldown_days": 3}))) | trees)
    def test_a_campaign_file(self, document):
        with in_time(), transaction.atomic():
            try:
                apply.apply_campaign(document=json.loads(as_json(document)), by="tests", now=make.NOW)
            except CampaignFileError as error:
                assert str(error)

    @some
    @given(document=spoilt(({"all": [make.SEATS, {"any": [SEGMENT_TEXT, SEGMENT_EVENT]}, {"not": SEGMENT_DATE}]},)))
    def test_a_segment_definition(self, document):
        with in_time():
            try:
                grammar.read_definition(json.loads(as_json(document)))
            except DefinitionError as error:
                assert str(error)

    @some
    @given(
        kind=st.sampled_from(["email", "in_app", "sms"]),
        typed=st.lists(
            st.sampled_from(["{{", "}}", "{%", "%}", "for x in (1..9999999)", " endfor ", " if ", "| times: 9e99", "<",
                             "contact.first_name", "account", "| date: '%'", "<mj-text>", "</mj-text>", "\x00",
                             "\ud800"])
            | st.text(max_size=12), max_size=12),
    )  # fmt: skip
    def test_a_template_preview(self, kind, typed):
        text = "".join(typed)
        mjml = MAIL["en"]["mjml"].replace("Hello", text)
        texts = {
            "email": {"subject": text, "mjml": mjml},
            "in_app": {**BANNER["en"], "body": text},
            "sms": {"text": text},
        }
        facts = {"contact": {"first_name": text}, "account": {"name": "Acme"}}
        with in_time():
            try:
                made = content.compile_content(channel=kind, content={"en": texts[kind]})["en"]
                RENDER[kind](CompiledContent(**made), facts)
            except TemplateError as error:
                assert error.message


class Studio(TestCase):
    """The forms of the marketers' pages, filled in by no browser."""

    cookies: ClassVar[SimpleCookie]

    @classmethod
    def setUpTestData(cls) -> None:
        make.launched()
        client = Client()
        client.force_login(get_user_model().objects.create_superuser("maria"))
        cls.cookies = client.cookies

    def setup_example(self) -> None:
        super().setup_example()
        self.client = Client(raise_request_exception=False)
        self.client.cookies = self.cookies

    @some
    @given(
        form=st.dictionaries(st.text(max_size=12) | st.sampled_from(["tree", "rules", "json", "name"]), leaves.map(str))
    )
    def test_the_count_of_a_segment(self, form):
        pairs = {name.encode(errors="replace"): value.encode(errors="replace") for name, value in form.items()}
        with in_time():
            answered(
                self.client.post(
                    reverse("admin:studio-segment-count"),
                    urlencode(pairs),
                    content_type="application/x-www-form-urlencoded",
                )
            )

    @some
    @given(
        subject=leaves.map(str),
        query=st.dictionaries(st.sampled_from(["part", "language", "contact", "tab", "screen"]), st.text(max_size=9)),
    )
    def test_the_preview_of_a_message(self, subject, query):
        path = reverse("admin:studio-campaign-preview", args=["seats-80", "mail-1", "a"])
        pairs = {name: value.encode(errors="replace") for name, value in query.items()}
        with in_time():
            answered(self.client.get(f"{path}?{urlencode(pairs)}"))
            answered(self.client.post(f"{path}?part=subject", {"subject": subject.encode(errors="replace").decode()}))
