"""Mails of one wording in one request, through the real adapter to the simulated provider that fills the slots in."""

from __future__ import annotations

import json
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import override_settings

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import claim, dispatch, render, shipments
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message
from orchestrator import clock
from orchestrator.sandbox.sendgrid import SendGrid, fingerprint
from orchestrator.sandbox.wire import Request
from tests.contracts import provider
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db(transaction=True)

State = Message.State
AWKWARD = ["Noa", "נועה לוי", "$1 \\1 & <b>", "{{ contact.email }}", "-x- {% if %}", "  two  \n\n\nlines\r\n"]


WITH_ACCOUNT = {
    "en": {
        "subject": "Seats",
        "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>For {{ account.name }}: {{ contact.first_name }}"
        "</mj-text></mj-column></mj-section></mj-body></mjml>",
    }
}


class Service:
    """The provider on loopback. `refuse` names bad addresses; with `anonymous` it does not say which one it was."""

    def __init__(self) -> None:
        self.box = SendGrid(public_key="", take=lambda _mail: None)
        self.rows: list[list[dict]] = []
        self.wrong: set[str] = set()
        self.anonymous = False
        self.before = lambda: None

    def answer(self, received: provider.Received) -> provider.Reply:
        self.before()
        rows = received.json["personalizations"]
        self.rows.append(rows)
        wrong = [place for place, row in enumerate(rows) if row["to"][0]["email"] in self.wrong]
        if wrong:
            fields = [None] if self.anonymous else [f"personalizations.{place}.to.0.email" for place in wrong]
            errors = [{"message": "Does not contain a valid address.", "field": one, "help": None} for one in fields]
            return provider.Reply.of_json({"errors": errors}, 400)
        path = urlsplit(received.path).path
        headers = {name.lower(): value for name, value in received.headers.items()}
        made = self.box.answer(Request(received.method, path, {}, headers, received.body))
        body = b"" if made.body is None else json.dumps(made.body).encode()
        return provider.Reply(made.status, made.headers, body)

    @property
    def sizes(self) -> list[int]:
        return [len(rows) for rows in self.rows]

    def arrived(self, message: Message) -> list:
        return [mail for mail in self.box.accepted if mail.arguments["crescendo_message"] == str(message.uuid)]


@contextmanager
def sending_by(answer, *, size=1000, timeout_s=10):
    with (
        provider.running(answer) as server,
        override_settings(
            SENDGRID_API_KEY="SG.test",
            SENDGRID_API_BASE=server.url,
            SENDGRID_FROM_EMAIL="hi@acme.example",
            SENDGRID_BATCH_SIZE=size,
            PROVIDER_TIMEOUT_S=timeout_s,
        ),
    ):
        yield server


@pytest.fixture(autouse=True)
def same_second(monkeypatch):
    """Links carry the second they were made in: a mail rendered again a second later would differ in it."""
    monkeypatch.setattr("django.core.signing.TimestampSigner.timestamp", lambda _signer: "1vNq0A")


@pytest.fixture
def service():
    return Service()


def messages_to(*names, **changes):
    """Of one campaign and wording, to people with these names."""
    shared = {"gate": SendGateFactory(), "template_version": TemplateVersionFactory()} | changes
    return [ReadyMessageFactory(contact__first_name=name, **shared) for name in names]


def send():
    return dispatch.dispatch_due(channel="email", now=NOW, worker="tests")


def test_who_is_looked_for_opens_and_who_is_not_never_share_a_request(service):
    shared = {"gate": SendGateFactory(), "template_version": TemplateVersionFactory()}
    for is_looked_for in (True, False, True, False, True):
        ReadyMessageFactory(context={render.TRACKS_OPENS: True} if is_looked_for else {}, **shared)
    with sending_by(service.answer) as server:
        send()
    told = [request.json for request in server.requests]
    found = {body["tracking_settings"]["open_tracking"]["enable"]: len(body["personalizations"]) for body in told}
    assert (len(told), found) == (2, {True: 3, False: 2})


def states(messages):
    return [Message.objects.get(pk=one.pk).state for one in messages]


def assert_arrived_as_rendered(service, message):
    [mail] = service.arrived(message)
    alone = render.render_for_view(message=Message.objects.get(pk=message.pk))
    assert service.box.content(mail.number) == {"text/plain": alone.text, "text/html": alone.html}
    assert mail.fingerprint == fingerprint(alone.subject, alone.text, alone.html)


def test_what_arrives_is_what_rendering_for_one_makes(service):
    messages = messages_to(*AWKWARD)

    with sending_by(service.answer):
        send()

    assert service.sizes == [len(AWKWARD)]
    for message in messages:
        assert_arrived_as_rendered(service, message)
    assert states(messages) == [State.ACCEPTED] * len(AWKWARD)


def test_who_cannot_be_begun_leaves_the_request_to_the_others(service):
    messages = messages_to(*"abcdefgh")
    AttentionBudget.objects.create(account=messages[2].account, spent=["no list of sends"])

    with sending_by(service.answer):
        send()

    assert service.sizes == [7]
    assert [len(service.arrived(message)) for message in messages] == [1, 1, 0, 1, 1, 1, 1, 1]
    assert_arrived_as_rendered(service, messages[3])
    assert DeliveryAttempt.objects.exclude(request=None).values("request").distinct().count() == 1


def test_each_recipient_has_its_own_id_attempt_and_way_out(service):
    messages = messages_to("Noa", "Dan")

    with sending_by(service.answer):
        send()

    mails = [service.arrived(message)[0] for message in messages]
    assert [mail.arguments["crescendo_attempt"] for mail in mails] == ["1", "1"]
    assert len({mail.headers["List-Unsubscribe"] for mail in mails}) == 2
    assert {mail.categories for mail in mails} == {("marketing", messages[0].gate.slug)}
    assert {Message.objects.get(pk=one.pk).provider_id for one in messages} == {mails[0].provider_id}


def test_only_mails_of_one_wording_language_kind_and_campaign_share_a_request(service):
    version, gate = TemplateVersionFactory(), SendGateFactory()
    shared = {"template_version": version, "gate": gate}
    messages_to("A", "B", **shared)
    messages_to("C", "D", **shared, locale="he")
    messages_to("E", "F", **shared, purpose="TRANSACTIONAL")
    messages_to("G", "H", template_version=version)
    messages_to("I", "J", gate=gate)
    messages_to("K", gate=gate)

    with sending_by(service.answer):
        send()

    assert sorted(service.sizes) == [1, 2, 2, 2, 2, 2]
    assert len(service.box.accepted) == 11


def test_a_request_carries_no_more_than_the_batch_size(service):
    messages = messages_to(*"ABCDE")

    with sending_by(service.answer, size=2):
        send()

    assert sorted(service.sizes) == [1, 2, 2]
    assert states(messages) == [State.ACCEPTED] * 5


def test_with_a_batch_size_of_one_each_mail_has_its_own_request_without_slots(service):
    messages = messages_to("A", "B")

    with sending_by(service.answer, size=1):
        send()

    assert service.sizes == [1, 1]
    assert all("substitutions" not in row for rows in service.rows for row in rows)
    for message in messages:
        assert_arrived_as_rendered(service, message)


def test_what_does_not_fit_into_its_slots_goes_by_itself(service):
    small = messages_to("A", "B", template_version=TemplateVersionFactory(content=WITH_ACCOUNT))
    large = ReadyMessageFactory(
        gate=small[0].gate,
        template_version=small[0].template_version,
        context={"account": {"name": "שלום" * 2000}},
    )

    with sending_by(service.answer):
        send()

    assert sorted(service.sizes) == [1, 2]
    for message in (*small, large):
        assert_arrived_as_rendered(service, message)


def test_a_test_send_never_shares_a_request(service):
    shared = {"gate": SendGateFactory(), "template_version": TemplateVersionFactory(), "purpose": "TEST"}
    for address in ("maria@acme.example", "dan@acme.example"):
        ReadyMessageFactory(contact__email=address, context={"test_address": address}, **shared)

    with sending_by(service.answer):
        send()

    assert service.sizes == [1, 1]
    assert all(mail.subject.startswith("[TEST] ") for mail in service.box.accepted)


def test_a_refusal_that_names_one_fails_that_one_and_the_rest_go_at_once(service):
    messages = messages_to("A", "B", "C", "D")
    service.wrong = {messages[1].contact.email}

    with sending_by(service.answer):
        done = send()

    assert states(messages) == [State.ACCEPTED, State.FAILED, State.ACCEPTED, State.ACCEPTED]
    assert service.sizes == [4, 3]
    assert done == {State.ACCEPTED: 3, State.FAILED: 1}
    assert set(DeliveryAttempt.objects.values_list("number", flat=True)) == {1}
    assert "valid address" in DeliveryAttempt.objects.get(message=messages[1]).detail


def test_a_refusal_that_names_nobody_is_narrowed_down(service):
    messages = messages_to(*"ABCDEFGH")
    service.wrong, service.anonymous = {messages[5].contact.email}, True

    with sending_by(service.answer):
        send()

    assert states(messages) == [State.FAILED if place == 5 else State.ACCEPTED for place in range(8)]
    assert all(len(service.arrived(message)) == (place != 5) for place, message in enumerate(messages))


def test_where_every_part_is_refused_without_a_name_the_looking_ends_and_all_wait(service):
    messages_to(*(f"N{number}" for number in range(64)))
    service.wrong = set(Message.objects.values_list("contact__email", flat=True))
    service.anonymous = True
    with sending_by(service.answer):
        assert send() == {State.READY: 64}
    assert len(service.rows) <= 2 * shipments.MOST_UNNAMED
    assert set(DeliveryAttempt.objects.values_list("code", flat=True)) == {shipments.UNNAMED}


def test_one_part_that_is_taken_keeps_the_looking_going(service):
    wrong = messages_to(*(f"N{number}" for number in range(40)))[:30]
    service.wrong = {message.contact.email for message in wrong}
    service.anonymous = True
    with sending_by(service.answer):
        assert send() == {State.ACCEPTED: 10, State.FAILED: 30}


def test_a_single_send_names_no_request(service):
    [message] = messages_to("A")

    with sending_by(service.answer):
        send()

    assert DeliveryAttempt.objects.get(message=message).request is None


def test_a_busy_provider_gets_the_whole_batch_again_later(service):
    messages = messages_to("A", "B")

    with sending_by(provider.Reply.of_json({"errors": []}, 429)):
        done = send()

    assert states(messages) == [State.READY] * 2
    assert done == {State.READY: 2}


def test_all_of_a_batch_is_committed_as_sending_before_the_request_leaves(service):
    messages = messages_to("A", "B", "C")
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(states(messages))
        connection.close()

    service.before = look
    with sending_by(service.answer):
        send()

    assert seen == [[State.SENDING] * 3]


def test_an_opt_out_after_the_rendering_takes_one_out_of_the_batch(service):
    messages = messages_to("A", "B", "C")
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}

    with sending_by(service.answer):
        sender = dispatch._sender("email")
        held = claim.claim_messages(channel="email", size=9, worker="w", wall_now=clock.wall_now())
        opt_out.opt_out(point_id=messages[1].point_id, source="test", at=NOW, now=NOW)
        dispatch.send_slice(held=held, topics=topics, sender=sender, now=NOW)

    assert states(messages) == [State.ACCEPTED, State.SKIPPED, State.ACCEPTED]
    assert service.sizes == [2]


@override_settings(DELIVERY_LEASE_S=11)
def test_a_batch_with_too_little_lease_left_is_not_sent(service):
    messages = messages_to("A", "B")

    with sending_by(service.answer):
        send()

    assert service.sizes == []
    assert states(messages) == [State.READY] * 2


@override_settings(SENDGRID_IN_FLIGHT=2)
def test_no_more_is_begun_than_the_requests_in_flight_carry(service):
    context = {"account": {"name": "x" * 11_000}}
    messages = messages_to(*"ABCDEFG", context=context, template_version=TemplateVersionFactory(content=WITH_ACCOUNT))
    begun: list[int] = []

    def look() -> None:
        begun.append(states(messages).count(State.SENDING))
        connection.close()

    service.before = look
    with sending_by(service.answer):
        send()

    assert service.sizes == [1] * 7
    assert max(begun) <= 2
    assert states(messages) == [State.ACCEPTED] * 7
