from __future__ import annotations

import json
import logging
import tracemalloc
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import override_settings

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentRecord, ContactPoint, DoubtfulReply
from campaigns.delivery import claim, feedback, mailboxes, render
from campaigns.delivery.models import Message, ProviderEvent
from orchestrator import clock
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory

pytestmark = pytest.mark.django_db

SECRET, DOMAIN = "a-long-secret", "in.acme.example"
PATH = f"/webhooks/sendgrid/inbound/{SECRET}"
OURS = "\n\nOn Tue, 24 Nov 2026 Acme wrote:\n> To get no more of these, unsubscribe here.\n"


@pytest.fixture(autouse=True)
def _settings():
    with override_settings(SENDGRID_INBOUND_SECRET=SECRET, INBOUND_MAIL_DOMAIN=DOMAIN):
        yield


@pytest.fixture(scope="module")
def scene(shared_rows):
    return MessageFactory(state="ACCEPTED", accepted_at=NOW).pk


@pytest.fixture
def message(scene, db):
    return Message.objects.get(pk=scene)


def write(client, message, text, *, to=f"reply@{DOMAIN}", sender="", subject="Re: Close to the limit", **fields):
    name = fields.pop("name", f"<{abs(hash((text, to, subject)))}@mail.example>")
    sender = sender or message.contact.email
    form = {
        "headers": f"Message-ID: {name}\n" + fields.pop("headers", ""),
        "from": f"Dana Levi <{sender}>",
        "to": to,
        "envelope": json.dumps({"to": [to], "from": sender}),
        "subject": subject,
        "text": text,
        "charsets": json.dumps({"text": "utf-8", "subject": "utf-8"}),
    }
    return client.post(fields.pop("path", PATH), form | fields)


def state_of(message):
    point = ContactPoint.objects.get(pk=message.point_id)
    return point.is_blocked, point.reason


def replied(message):
    feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())
    message.refresh_from_db()
    return message.replied_at is not None


@pytest.mark.parametrize(
    "text",
    ["unsubscribe", "Please stop sending me these.", "הסירו אותי בבקשה", "Va rog sa ma dezabonati", "STOP" + OURS],
)
def test_a_no_in_any_words_is_in_force_when_it_is_answered(client, message, text):
    assert write(client, message, text).status_code == 200

    assert state_of(message) == (True, "UNSUBSCRIBED")
    record = ConsentRecord.objects.get()
    assert record.source in ("sendgrid_inbound:stop", "sendgrid_inbound:free_text")
    assert record.evidence["message"] == str(message.uuid)


@pytest.mark.parametrize(
    "text", ["Please don't stop sending these.", "Thanks, tell me more." + OURS, "Yes", "How much is it?", "info", ""]
)
def test_what_is_no_no_is_an_answer(client, message, text):
    write(client, message, text)

    assert state_of(message) == (False, "")
    assert replied(message)


def test_no_word_of_a_mail_is_kept(client, message):
    write(client, message, "My name is Danalevina and I like it")

    event = ProviderEvent.objects.get()
    assert (event.type, event.reason, event.provider) == ("REPLIED", "in", "sendgrid_inbound")


def test_the_same_mail_twice_is_stored_once(client, message):
    for _ in range(2):
        assert write(client, message, "stop", name="<one@mail.example>").status_code == 200

    assert (ProviderEvent.objects.count(), ConsentRecord.objects.count()) == (1, 1)


def test_an_answer_belongs_to_the_message_that_its_address_names(client, message):
    newer = MessageFactory(
        contact=message.contact, point=message.point, state="ACCEPTED", accepted_at=NOW + timedelta(hours=1)
    )

    write(client, message, "I like it", to=mailboxes.reply_mailbox(message_uuid=message.uuid).upper())

    assert replied(message)
    newer.refresh_from_db()
    assert newer.replied_at is None


def test_a_no_from_another_mailbox_is_one_of_the_address_that_was_written_to(client, message):
    box = mailboxes.reply_mailbox(message_uuid=message.uuid)

    write(client, message, "unsubscribe", to=box, sender="dana@private.example")

    assert state_of(message) == (True, "UNSUBSCRIBED")


def test_a_mail_programs_own_unsubscribe_is_a_no_whatever_it_says(client, message):
    box = mailboxes.unsubscribe_mailbox(message_uuid=message.uuid)

    write(client, message, "", to=box, subject="unsubscribe", headers="Auto-Submitted: auto-generated\n")

    assert state_of(message) == (True, "UNSUBSCRIBED")


@pytest.mark.parametrize(
    "spoil", [lambda box: "u.x" + box[3:], lambda box: box.replace("u.", "r.", 1), lambda box: box + "x"]
)
def test_a_mailbox_that_is_not_ours_names_nothing(client, message, spoil):
    box = spoil(mailboxes.unsubscribe_mailbox(message_uuid=message.uuid))

    assert mailboxes.message_named(address=box) == (None, False)


def test_a_mailbox_fits_what_mail_servers_allow(message):
    local = mailboxes.unsubscribe_mailbox(message_uuid=message.uuid).partition("@")[0]

    assert len(local) <= 64
    assert local == local.lower()


def test_the_subject_alone_can_be_the_no_but_never_our_own(client, message):
    write(client, message, "", subject="Re: unsubscribe")
    assert state_of(message) == (False, "")

    write(client, message, "Thank you", subject="Unsubscribe")
    assert state_of(message) == (True, "UNSUBSCRIBED")


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes"])
def test_a_machine_says_nothing(client, message, header):
    write(client, message, "stop: I am out of office", headers=f"{header}\n")

    assert (state_of(message), ProviderEvent.objects.count()) == ((False, ""), 0)


def test_hebrew_in_another_encoding_is_read(client, message):
    raw = "הסר".encode("windows-1255")
    parts = {"from": message.contact.email.encode(), "text": raw, "charsets": b'{"text": "windows-1255"}'}
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts.items()
    )

    client.post(PATH, body + b"--b--\r\n", content_type="multipart/form-data; boundary=b")

    assert state_of(message) == (True, "UNSUBSCRIBED")


def test_a_mail_with_html_alone_is_read_without_what_it_quotes(client, message):
    write(client, message, "", html="<style>stop</style><p>Thanks</p><blockquote>unsubscribe</blockquote>")
    assert state_of(message) == (False, "")

    write(client, message, "", html="<p>unsubscribe</p>", name="<two@mail.example>")
    assert state_of(message) == (True, "UNSUBSCRIBED")


def test_attachments_are_read_past(client, message):
    attachment = SimpleUploadedFile("cat.png", b"x" * 3_000_000, content_type="image/png")

    response = write(client, message, "stop", attachment1=attachment)

    assert (response.status_code, state_of(message)[0]) == (200, True)


@pytest.mark.parametrize("text", ["start", "Yes", "unstop", "כן", "reabonare"])
@pytest.mark.parametrize("passes", ["fail", "pass"])
def test_no_mail_gives_back_what_a_stop_took(client, message, text, passes):
    """A sender is easily forged, and a "yes" in a conversation answers something else."""
    box = mailboxes.reply_mailbox(message_uuid=message.uuid)
    write(client, message, "stop", to=box)
    write(client, message, text, to=box, SPF=passes, dkim=f"{{@acme.example : {passes}}}", name="<two@mail.example>")

    assert state_of(message) == (True, "UNSUBSCRIBED")
    assert ProviderEvent.objects.filter(type="REPLIED").count() == 1


def test_what_may_be_a_no_in_a_mail_holds_the_address_that_was_written_to(client, message):
    box = mailboxes.reply_mailbox(message_uuid=message.uuid)
    write(client, message, "We are fed up with this." + OURS, to=box, sender="dana@private.example")

    reply = DoubtfulReply.objects.get()
    assert (reply.point_id, reply.message, reply.text) == (message.point_id, message.uuid, "We are fed up with this.")
    assert ContactPoint.objects.get(pk=message.point_id).is_held


def test_a_no_through_a_link_is_not_taken_back_by_mail(client, message):
    opt_out.opt_out(point_id=message.point_id, source="unsubscribe_page", at=NOW, now=NOW)
    write(client, message, "stop")
    write(client, message, "start")

    assert state_of(message) == (True, "UNSUBSCRIBED")


def test_somebody_we_never_wrote_to_can_say_no(client, message):
    write(client, message, "unsubscribe", sender="stranger@else.example")

    assert ContactPoint.objects.filter(is_blocked=True, contact=None).count() == 1


@pytest.mark.parametrize(
    ("path", "status"), [("/webhooks/sendgrid/inbound/wrong", 401), (f"/webhooks/sendgrid/inbound/{SECRET}x", 401)]
)
def test_without_the_secret_nothing_is_taken(client, message, path, status):
    response = write(client, message, "stop", path=path)

    assert (response.status_code, response.content, state_of(message)[0]) == (status, b"", False)


def test_without_a_secret_of_ours_the_sender_is_to_come_back(client, message):
    with override_settings(SENDGRID_INBOUND_SECRET=""):
        assert write(client, message, "stop", path="/webhooks/sendgrid/inbound/x").status_code == 503


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"no form", "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data"),
        (b"\xff\xfe", "application/json"),
        (b"text=stop", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_mail_is_refused(client, body, kind):
    assert client.post(PATH, body, content_type=kind).status_code == 400


@pytest.mark.parametrize("long", ["text", "html", "headers", "subject", "attachment-info", "to"])
def test_a_no_in_a_mail_of_any_length_is_taken(client, message, long):
    """SendGrid does not bring again what was refused."""
    more = "word " * 700_000
    fields = {long: {"text": "STOP" + OURS + more, "headers": f"X: y\nReferences: {more}"}.get(long, more)}

    response = write(client, message, fields.pop("text", "STOP"), **fields)

    assert (response.status_code, state_of(message)) == (200, (True, "UNSUBSCRIBED"))


def test_a_mail_with_many_attachments_and_parts_is_read(client, message):
    files = {f"attachment{n}": SimpleUploadedFile(f"{n}.png", b"x") for n in range(150)}
    fields = {f"field{n}": "x" for n in range(1_100)}

    assert (write(client, message, "stop", **files, **fields).status_code, state_of(message)[0]) == (200, True)


def test_a_large_mail_takes_little_memory(client, message):
    body = _form(message, text=b"STOP\n" + b"word " * 4_000_000, attachment1=b"x" * 10_000_000)
    tracemalloc.start()
    client.post(PATH, body, content_type="multipart/form-data; boundary=b")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert state_of(message)[0]
    assert peak < len(body) * 1.2  # the test client holds the body itself


def _form(message, **parts):
    parts = {"from": message.contact.email.encode(), "charsets": b'{"text": "utf-8"}', **parts}
    return (
        b"".join(
            b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
            for name, value in parts.items()
        )
        + b"--b--\r\n"
    )


def test_a_mail_that_ends_in_the_middle_is_read_so_far(client, message):
    body = _form(message, text=b"STOP\n" + b"x" * 1000)[:-400]

    assert client.post(PATH, body, content_type="multipart/form-data; boundary=b").status_code == 200
    assert state_of(message)[0]


@pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "bz2_codec", "rot13", "no such", "\x00", 7, None])
def test_a_charset_that_no_mail_is_written_in_is_read_as_utf_8(client, message, charset):
    assert write(client, message, "STOP", charsets=json.dumps({"text": charset})).status_code == 200
    assert state_of(message)[0]


@pytest.mark.parametrize("name", ["(" * 5_000, "(a" * 5_000, '"' * 5_000, "<" * 5_000, ""])
def test_a_sender_that_cannot_be_read_is_taken_from_the_envelope(client, message, name):
    response = write(client, message, "STOP", **{"from": name})

    assert (response.status_code, state_of(message)[0]) == (200, True)


def test_what_cannot_be_stored_is_asked_for_again(client, message, monkeypatch, caplog):
    def gone(**_):
        raise OperationalError("secret words")

    monkeypatch.setattr("campaigns.delivery.feedback_mail.take_mail", gone)
    with caplog.at_level(logging.ERROR):
        assert write(client, message, "stop").status_code == 503
    assert "secret words" not in caplog.text


@pytest.mark.parametrize("domain", [DOMAIN, ""])
def test_a_mail_offers_both_ways_out_when_mail_is_taken_in(domain):
    with override_settings(INBOUND_MAIL_DOMAIN=domain):
        message = ReadyMessageFactory()
        held = claim.claim_messages(channel="email", worker="w", wall_now=clock.wall_now(), size=5)
        [outgoing], _ = render.render_held(held=held)

    offered = outgoing.message.headers["List-Unsubscribe"]
    assert offered.startswith("<http")
    assert ("mailto:u." in offered) == bool(domain)
    assert outgoing.message.reply_to == (f"r.{outgoing.message.reply_to[2:]}" if domain else "")
    assert bool(outgoing.message.reply_to) == bool(domain)
    assert message.uuid == outgoing.message.message_id
