"""Reports of providers, repeated, mixed up and in parallel, leave what they leave one by one and in order.

The requests are signed and go through the views, as SendGrid and Twilio send them.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import feedback
from campaigns.delivery.models import Message, ProviderEvent
from orchestrator import clock
from tests.campaigns.delivery import twilio
from tests.connections import run_together
from tests.factories.delivery import NOW, MessageFactory, SendGateFactory, TemplateVersionFactory
from tests.factories.profiles import AccountFactory
from tests.scale import examples, is_full

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
BROWSER = "Mozilla/5.0 (Windows NT 10.0) Chrome/140"
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("processed", {}),
    ("deferred", {"response": "try later"}),
    ("delivered", {}),
    ("open", {"useragent": BROWSER}),
    ("open", {"useragent": BROWSER, "sg_machine_open": True}),
    ("click", {"useragent": BROWSER, "url": "https://acme.example/offer"}),
    ("click", {"useragent": "Barracuda Sentinel", "url": "https://acme.example/else"}),
    ("bounce", {"type": "bounce", "reason": "550 no such user"}),
    ("bounce", {"type": "blocked", "reason": "421 try later"}),
    ("dropped", {"reason": "Bounced Address"}),
    ("unsubscribe", {}),
    ("group_unsubscribe", {"asm_group_id": 7}),
    ("spamreport", {}),
    ("something_new", {}),
)
STATUSES = (("queued", ""), ("sent", ""), ("delivered", ""), ("undelivered", "30005"), ("failed", "21610"))
FEW = 90
SEED = 1_404_809_328  # a person and a machine open a mail in one second
REPEATS = 3
SECONDS_FROM = 1_764_000_000


@dataclass(frozen=True)
class Request:
    """One signed POST."""

    path: str
    body: Any

    def send(self, client: Client) -> int:
        if isinstance(self.body, dict):
            return int(twilio.post(client, self.path, self.body).status_code)
        raw = json.dumps(self.body).encode() + b"\r\n"
        stamp = str(SECONDS_FROM)
        signature = base64.b64encode(KEY.sign(stamp.encode() + raw, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
        response = client.post(self.path, data=raw, content_type="application/json", headers=headers)
        return int(response.status_code)


@pytest.fixture(autouse=True)
def _settings(settings, monkeypatch):
    settings.SENDGRID_WEBHOOK_PUBLIC_KEY = PUBLIC
    settings.TWILIO_AUTH_TOKEN = twilio.TOKEN
    monkeypatch.setattr(clock, "utcnow", lambda: NOW)


def make_world(name: str, number: int) -> list[Message]:
    gate, version, account = SendGateFactory(), TemplateVersionFactory(), AccountFactory()
    shared = {"gate": gate, "template_version": version, "account": account, "state": Message.State.ACCEPTED}
    mails: list[Any] = [
        MessageFactory(contact__email=f"{name}-{n}@acme.example", accepted_at=NOW, **shared) for n in range(number)
    ]
    texts: list[Any] = [
        MessageFactory(
            channel="sms", contact__phone=f"+97250{ord(name)}{n:05}", accepted_at=NOW - timedelta(hours=1), **shared
        )
        for n in range(number // 2)
    ]
    return mails + texts


def requests_of(name: str, messages: Sequence[Message], seed: int) -> list[Request]:
    """The same for two worlds but for names and ids."""
    chance = random.Random(seed)
    reports: list[dict[str, Any]] = []
    made: list[Request] = []
    for place, message in enumerate(messages):
        if message.channel == "sms":
            path = f"/webhooks/twilio/status/{message.uuid}"
            for status, code in chance.sample(STATUSES, chance.randint(1, 4)):
                fields = {"MessageSid": f"SM{name}{place}", "MessageStatus": status, "To": message.contact.phone}
                made.append(Request(path, fields | ({"ErrorCode": code} if code else {})))
            if chance.random() < 0.4:
                words = {"MessageSid": f"SM{name}in{place}", "From": message.contact.phone, "NumMedia": "0"}
                text = chance.choice(["STOP", "what does it cost?", "please stop texting me"])
                made.append(Request("/webhooks/twilio/inbound", words | {"To": "+15005550006", "Body": text}))
            continue
        for number, (kind, more) in enumerate(chance.sample(KINDS, chance.randint(2, 8))):
            reports.append(
                {
                    "event": kind,
                    "email": message.contact.email,
                    "timestamp": SECONDS_FROM + number * chance.randint(0, 30),
                    "sg_event_id": f"{name}-{place}-{number}",
                    "crescendo_message": str(message.uuid),
                    "crescendo_attempt": "1",
                    **more,
                }
            )
    size = 7
    made += [Request("/webhooks/sendgrid/events", reports[at : at + size]) for at in range(0, len(reports), size)]
    return made


def mixed(requests: Sequence[Request], seed: int) -> Iterator[Request]:
    """Each several times, in any order; SendGrid puts events together anew each time."""
    chance = random.Random(seed)
    reports = [one for request in requests if isinstance(request.body, list) for one in request.body] * REPEATS
    chance.shuffle(reports)
    again = [request for request in requests if isinstance(request.body, dict)] * REPEATS
    while reports:
        size = chance.randint(1, 12)
        again.append(Request("/webhooks/sendgrid/events", reports[:size]))
        del reports[:size]
    chance.shuffle(again)
    return iter(again)


def take(requests: Sequence[Request]) -> None:
    client = Client(raise_request_exception=False)
    answers: set[int] = set()
    for number, request in enumerate(requests):
        answers.add(request.send(client))
        if number % 5 == 0:
            feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())
    assert answers <= {200}


def state_of(messages: Sequence[Message]) -> str:
    """What the reports left, without names, ids and the time of the request."""
    rows: list[Any] = []
    for message in messages:
        message.refresh_from_db()
        point = ContactPoint.objects.get(pk=message.point_id)
        facts = ("delivered", "bounced", "opened", "clicked", "replied", "complained", "unsubscribed")
        events = ProviderEvent.objects.filter(message=message.uuid)
        records = ConsentRecord.objects.filter(point=point)
        rows.append(
            [
                message.state,
                [str(getattr(message, f"{fact}_at")) for fact in facts],
                sorted(map(str, events.values_list("provider", "type", "grade", "at", "reason", "url"))),
                [point.is_blocked, point.reason, str(point.blocked_at), point.topics],
                sorted(map(str, records.values_list("channel", "topic", "state", "source", "at"))),
            ]
        )
    return sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def test_reports_repeated_mixed_up_and_in_parallel_leave_the_state_of_one_run_in_order():
    number = max(12, examples(FEW) // 6)
    seed = random.SystemRandom().randrange(2**32) if is_full() else SEED
    ordered, disordered = make_world("a", number), make_world("b", number)

    take(requests_of("a", ordered, seed))
    everything = requests_of("b", disordered, seed)
    run_together(*[partial(take, list(mixed(everything, seed + part))) for part in range(4)])
    for _ in range(2):
        feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())

    assert not ProviderEvent.objects.filter(applied_at__isnull=True).exists()
    assert state_of(disordered) == state_of(ordered), f"Seed {seed}."
