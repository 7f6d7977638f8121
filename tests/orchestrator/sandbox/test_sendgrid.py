from __future__ import annotations

import json
from urllib.request import urlopen
from uuid import uuid4

import pytest
from python_http_client import exceptions
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Content, CustomArg, Header, Mail, Personalization, To

from orchestrator.sandbox import sendgrid, sendgrid_rules
from orchestrator.sandbox.sendgrid_events import SigningKey
from tests.orchestrator.sandbox.conftest import settle, wait_until


def letter(**changes) -> dict:
    mail = {
        "personalizations": [{"to": [{"email": "noa@acme.example"}], "custom_args": {"crescendo_message": "m-1"}}],
        "from": {"email": "hello@vendor.example"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
        "categories": ["test"],
    }
    return {**mail, **changes}


def client_of(sandbox) -> SendGridAPIClient:
    return SendGridAPIClient("SG.key", host=f"{sandbox.base_url}/sendgrid")


def test_the_official_client_sends_and_the_log_tells(start) -> None:
    sandbox = start(sink=True)
    mail = Mail(from_email="hello@vendor.example", subject="שלום", plain_text_content=Content("text/plain", "Hi"))
    mail.add_content(Content("text/html", '<a href="https://app.example/c/abc?x=1&amp;y=2">go</a>'))
    row, uuid = Personalization(), str(uuid4())
    row.add_to(To("Noa@acme.example"))
    row.add_header(Header("List-Unsubscribe", "<https://app.example/u/tok>"))
    row.add_custom_arg(CustomArg("crescendo_message", uuid))
    row.add_custom_arg(CustomArg("crescendo_attempt", "1"))
    mail.add_personalization(row)

    response = client_of(sandbox).send(mail)

    assert response.status_code == 202
    (line,) = [entry.line() for entry in sandbox.sendgrid.accepted]
    assert line["provider_id"] == response.headers["X-Message-Id"]
    assert (line["message"], line["attempt"], line["to"], line["answer"]) == (uuid, "1", "noa@acme.example", "202")
    assert line["headers"] == {"List-Unsubscribe": "<https://app.example/u/tok>"}
    assert line["links"] == ["https://app.example/c/abc?x=1&y=2"]
    assert line["user_agent"].startswith("sendgrid/6.12")


def test_substitutions_are_filled_in_per_recipient(start) -> None:
    sandbox = start(sink=True)
    rows = [
        {"to": [{"email": f"{name}@acme.example"}], "substitutions": {"{{slot01}}": name, "{{slot02}}": "{{slot01}}"}}
        for name in ("noa", "ron")
    ]
    text = [{"type": "text/plain", "value": "https://app.example/c/{{slot01}} {{slot02}}"}]

    client_of(sandbox).send(letter(personalizations=rows, subject="For {{slot01}}", content=text))

    accepted = sandbox.sendgrid.accepted
    assert [mail.subject for mail in accepted] == ["For noa", "For ron"]
    assert accepted[0].links == ("https://app.example/c/noa",)
    assert accepted[0].provider_id == accepted[1].provider_id
    arrived = "https://app.example/c/noa {{slot01}}"
    assert sandbox.sendgrid.content(accepted[0].number) == {"text/plain": arrived}
    assert accepted[0].line()["sha256"] == sendgrid.fingerprint("For noa", arrived, "")


def test_the_content_of_the_newest_mails_can_be_read(start) -> None:
    sandbox = start(sink=True)
    client_of(sandbox).send(letter())
    number = sandbox.sendgrid.accepted[0].number

    with urlopen(f"{sandbox.base_url}/_sandbox/mail?number={number}") as answer:
        assert json.load(answer) == {"text/plain": "Hello", "text/html": "<p>Hello</p>"}
    assert sandbox.sendgrid.content(number + 1) == {}


WRONG: dict[str, tuple[dict, str]] = {
    "no personalizations": ({"personalizations": []}, "personalizations"),
    "too many personalizations": (
        {"personalizations": [{"to": [{"email": "a@b.example"}]}] * 1001},
        "personalizations",
    ),
    "no recipient": ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
    "bad address": ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
    "no sender": ({"from": {}}, "from.email"),
    "no subject": ({"subject": ""}, "subject"),
    "no content": ({"content": []}, "content"),
    "html first": (
        {"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]},
        "content",
    ),
    "empty part": ({"content": [{"type": "text/plain", "value": ""}]}, "content.0"),
    "argument that is no text": ({"custom_args": {"n": 1}}, "custom_args"),
    "arguments too long": ({"custom_args": {"n": "x" * 10_001}}, "custom_args"),
    "forbidden header": ({"headers": {"Reply-To": "a@b.example"}}, "headers.Reply-To"),
    "header of two lines": ({"headers": {"X-A": "a\r\nBcc: b@c.example"}}, "headers.X-A"),
    "too many categories": ({"categories": [str(n) for n in range(11)]}, "categories"),
    "category twice": ({"categories": ["a", "a"]}, "categories"),
    "two reply addresses": ({"reply_to": {"email": "a@b.example"}, "reply_to_list": []}, "reply_to"),
    "substitutions too long": (
        {"personalizations": [{"to": [{"email": "a@b.example"}], "substitutions": {"-x-": "é" * 5_001}}]},
        "personalizations.0.substitutions",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_refused_with_the_field(case: str) -> None:
    changes, field = WRONG[case]
    troubles = sendgrid_rules.troubles_of(letter(**changes))
    assert [path for path, _ in troubles] == [field]


def test_a_right_request_has_no_troubles() -> None:
    assert sendgrid_rules.troubles_of(letter()) == []


def test_the_client_sees_the_vendors_error_body(start) -> None:
    sandbox = start(sink=True)
    with pytest.raises(exceptions.BadRequestsError) as refused:
        client_of(sandbox).send(letter(subject=""))
    (error,) = json.loads(refused.value.body)["errors"]
    assert set(error) == {"message", "field", "help"}
    assert error["field"] == "subject"
    assert sandbox.sendgrid.accepted == []


def test_without_a_key_nothing_is_taken(start) -> None:
    client = client_of(start(sink=True))
    client.client.request_headers.pop("Authorization")
    with pytest.raises(exceptions.UnauthorizedError):
        client.send(letter())


def test_sandbox_mode_validates_only(start) -> None:
    sandbox = start(sink=True)
    assert client_of(sandbox).send(letter(mail_settings={"sandbox_mode": {"enable": True}})).status_code == 200
    assert sandbox.sendgrid.accepted == []


def test_the_public_key_is_where_the_vendor_keeps_it(start) -> None:
    key = SigningKey()
    sandbox = start(sink=True, sendgrid_private_key=key.pem)
    answer = client_of(sandbox).client.user.webhooks.event.settings.signed._("some-id").get()
    assert json.loads(answer.body)["public_key"] == key.public_key


def test_events_are_signed_batched_and_carry_our_arguments(start, product) -> None:
    sandbox = start()
    rows = [
        {"to": [{"email": f"p{n}@acme.example"}], "custom_args": {"crescendo_message": f"m-{n}"}} for n in range(300)
    ]
    client_of(sandbox).send(letter(personalizations=rows, categories=["transactional", "receipts"]))
    wait_until(lambda: len({e.get("crescendo_message") for e in product.events("sendgrid")}) == 300)
    settle(sandbox)

    verifier = EventWebhook(sandbox.secrets.sendgrid_key.public_key)
    for path, headers, body in product.webhooks:
        stamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
        signature = headers["X-Twilio-Email-Event-Webhook-Signature"]
        assert path == "/webhooks/sendgrid/events"
        assert body.endswith(b"]\r\n")
        assert verifier.verify_signature(body.decode(), signature, stamp)
        assert not verifier.verify_signature(body.decode().rstrip(), signature, stamp)
        assert len(json.loads(body)) <= 200
    processed = [event for event in product.events("sendgrid") if event["event"] == "processed"]
    assert {event["crescendo_message"] for event in processed} == {f"m-{n}" for n in range(300)}
    assert processed[0]["category"] == ["transactional", "receipts"]
    assert len(product.webhooks) < 40


def test_a_product_that_is_away_gets_every_event_later(start, product) -> None:
    product.refusals_left = 3
    sandbox = start()
    client_of(sandbox).send(letter())
    wait_until(lambda: any(e["event"] == "processed" for e in product.events("sendgrid")))
    assert sandbox.postman.counts["sendgrid.refused"] == 3
