"""Four ways to say no, each after the first message has arrived: the next one stays here, and the ledger says why.

The official clients talk to the sandbox, real RQ workers answer the bells, the providers' reports come in signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import django_rq
import pytest
from django.test import Client

from campaigns.consent.models import ContactPoint
from campaigns.delivery import links
from campaigns.delivery.models import Message
from campaigns.profiles.models import Contact
from campaigns.sequences.models import StepRun
from orchestrator import clock
from orchestrator.jobs import bells, queues
from orchestrator.sandbox.company import generate
from orchestrator.sandbox.sendgrid_events import SigningKey
from orchestrator.sandbox.server import Sandbox, start_in_thread
from tests.campaigns.delivery import twilio
from tests.factories import sequences as make
from tests.factories.consent import ContactPointFactory
from tests.factories.usage import UsageDailyFactory

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

BODY = "Hello {{ contact.first_name }}. {{ links.unsubscribe }}"
MAIL = {"a": {"content": {"en": {"subject": "Seats run out", "mjml": make.MJML.format(BODY)}}}}
TEXT = {"a": {"content": {"en": {"text": "{{ offer.plan_to }}: {{ links.offer }}"}}}}
# Two days between two messages and four before the last: the caps on all campaigns stay out of it.
STEPS = [
    {"key": "mail-1", "kind": "MESSAGE", "channel": "email", "variants": MAIL},
    {"key": "wait-1", "kind": "WAIT", "for": "2d"},
    {"key": "sms-1", "kind": "MESSAGE", "channel": "sms", "variants": TEXT},
    {"key": "wait-2", "kind": "WAIT", "for": "2d"},
    {"key": "mail-2", "kind": "MESSAGE", "channel": "email", "variants": MAIL},
    {"key": "wait-3", "kind": "WAIT", "for": "4d"},
    {"key": "sms-2", "kind": "MESSAGE", "channel": "sms", "variants": TEXT},
]
KEY = SigningKey(None)


@pytest.fixture
def sandbox(settings) -> Iterator[Sandbox]:
    box = start_in_thread(
        product_base="http://127.0.0.1:9",
        company=generate(seed=1, accounts=1, days=1, until=date(2026, 3, 1)),
        stripe_webhook_secret="whsec_test",
        twilio_auth_token=twilio.TOKEN,
        sink=True,
    )
    settings.SENDGRID_API_KEY = "SG.sandbox"
    settings.SENDGRID_API_BASE = f"{box.base_url}/sendgrid"
    settings.SENDGRID_WEBHOOK_PUBLIC_KEY = KEY.public_key
    settings.SENDGRID_FROM_EMAIL = "hello@harbourline.example"
    settings.TWILIO_ACCOUNT_SID = "AC" + "5a" * 16
    settings.TWILIO_AUTH_TOKEN = twilio.TOKEN
    settings.TWILIO_MESSAGING_SERVICE_SID = "MG" + "5a" * 16
    settings.TWILIO_API_BASE = f"{box.base_url}/twilio"
    settings.SENDER_NAME, settings.SENDER_POSTAL_ADDRESS = "Harbourline Ltd", "12 Harbour Street, Haifa"
    yield box
    box.stop()


@pytest.fixture
def reader(sandbox, business_clock, empty_redis) -> Contact:
    """Somebody who said yes to mail and to text messages, and whose first mail and first text are out."""
    clock.advance(to=clock.utcnow().replace(hour=9) + timedelta(days=1))
    make.market()
    account = make.account_near_limit()
    contact = make.reader(account, first_name="Dana", phone="+40723456789", locale="en")
    ContactPointFactory(contact=contact, channel="sms", topics={"offers": "GRANTED"})
    UsageDailyFactory(account=account, day=clock.utcnow().date(), value=9)
    make.launched(now=clock.utcnow(), holdout_percent=0, steps=STEPS, exit_on=["CONVERTED"])
    work()
    pass_days(2)
    assert sent(sandbox) == ["email", "sms"]
    return contact


def work() -> None:
    """What the timetable rings, answered by a real worker until its queue is empty."""
    for bell in ("feedback_stored", "enrolments_due", "messages_due"):
        bells.ring(bell)
    django_rq.get_worker(queues.NOW).work(burst=True)


def pass_days(days: int) -> None:
    clock.advance(to=clock.utcnow() + timedelta(days=days, minutes=1))
    work()


def sent(sandbox: Sandbox) -> list[str]:
    """Channels of what the providers took, mails first."""
    return ["email"] * len(sandbox.sendgrid.accepted) + ["sms"] * len(sandbox.twilio.accepted)


def fate(step: str) -> str:
    """What became of a step: the state of its message, or why none was planned."""
    run = StepRun.objects.select_related("message").get(step_key=step)
    return run.message.state if run.message else run.reason


def link(kind: str) -> str:
    message = Message.objects.get(origin_step="mail-1")
    return links.links_of(messages=[(message.pk, message.uuid)])[message.pk][kind].split("/", 3)[3]


def by_the_link(client: Client, contact: Contact) -> None:
    assert client.post(f"/{link('unsubscribe')}").status_code == 200


def by_stop(client: Client, contact: Contact) -> None:
    fields = {"MessageSid": "SM" + "1" * 32, "From": contact.phone, "To": "+15005550006", "Body": "STOP"}
    assert twilio.post(client, "/webhooks/twilio/inbound", fields).status_code == 200


def by_complaint(client: Client, contact: Contact) -> None:
    message = Message.objects.get(origin_step="mail-1")
    event = {
        "event": "spamreport",
        "email": contact.email,
        "timestamp": int(clock.wall_now().timestamp()),
        "sg_event_id": "complaint-1",
        "crescendo_message": str(message.uuid),
        "crescendo_attempt": "1",
    }
    body = json.dumps([event]).encode()
    signed = dict(KEY.headers(body))
    answer = client.post("/webhooks/sendgrid/events", body, content_type="application/json", headers=signed)
    assert answer.status_code == 200


def by_the_preference_page(client: Client, contact: Contact) -> None:
    """No box is ticked any more."""
    assert client.post(f"/{link('preferences')}", {"action": "save"}).status_code == 200


@pytest.mark.parametrize(
    ("say_no", "mail", "text"),
    [
        # A no to mail is one to mail, a no to text messages one to text messages; the other two are to everything.
        (by_the_link, False, True),
        (by_stop, True, False),
        (by_complaint, False, False),
        (by_the_preference_page, False, False),
    ],
)
def test_after_a_no_the_next_message_stays_here(
    client: Client,
    reader: Contact,
    sandbox: Sandbox,
    say_no: Callable[[Client, Contact], None],
    mail: bool,
    text: bool,
) -> None:
    say_no(client, reader)
    pass_days(2)
    pass_days(4)

    expected = {True: "ACCEPTED", False: "OPTED_OUT"}
    assert (fate("mail-2"), fate("sms-2")) == (expected[mail], expected[text])
    assert sent(sandbox) == ["email"] * (1 + mail) + ["sms"] * (1 + text)


def test_without_a_no_all_four_messages_go_out(reader: Contact, sandbox: Sandbox) -> None:
    pass_days(2)
    pass_days(4)

    assert sent(sandbox) == ["email", "email", "sms", "sms"]
    assert not ContactPoint.objects.filter(is_blocked=True).exists()
