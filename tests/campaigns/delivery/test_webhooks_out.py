"""Messages that go to another system: a signed POST, repeated until it is taken, refused inside the network."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import standardwebhooks
from django.utils.timezone import now as wall_now

from campaigns.consent import opt_out
from campaigns.delivery import dispatch, receivers, reconcile, watch
from campaigns.delivery.finish import Answer, Outcome
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message
from orchestrator.channels import registry
from orchestrator.channels.webhook.channel import WebhookChannel
from tests.contracts import provider
from tests.factories.delivery import NOW, ReadyMessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver(settings) -> Iterator[provider.Provider]:
    settings.WEBHOOK_SIGNING_SECRET = SECRET
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with provider.running(provider.Reply(200)) as fake:
        yield fake


def webhook_message(fake: provider.Provider, **fields) -> Message:
    body = json.dumps({"text": "{{ contact.first_name }} of {{ account.name }}", "n": 1})
    content = {"en": {"url": f"{fake.url}/hook", "body": body}}
    return ReadyMessageFactory(
        channel="webhook", policy="AT_LEAST_ONCE", **{"template_version__content": content} | fields
    )


def send() -> dict[str, int]:
    return dict(dispatch.dispatch_due(channel="webhook", now=NOW, worker="tests"))


def ready_again() -> None:
    Message.objects.update(next_at=wall_now() - timedelta(seconds=1))


def test_it_arrives_signed_and_filled_in(receiver):
    message = webhook_message(receiver, account__name='A "quoted" name', contact__first_name="Noa")
    assert send() == {"ACCEPTED": 1}
    request = receiver.requests[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert standardwebhooks.Webhook(SECRET).verify(request.body, headers) == {
        "text": 'Noa of A "quoted" name',
        "n": 1,
    }
    assert headers["webhook-id"] == str(message.uuid)


@pytest.mark.parametrize("trouble", [provider.Reply(500), provider.Reply(503), provider.Reply(429), provider.CLOSE])
def test_it_is_repeated_under_the_same_id_until_it_is_taken(receiver, trouble):
    receiver.script.extend([trouble, trouble])
    message = webhook_message(receiver)
    assert [send(), send()] == [{"READY": 1}, {}]  # not at once
    ready_again()
    assert send() == {"READY": 1}
    ready_again()
    assert send() == {"ACCEPTED": 1}
    assert {request.headers["Webhook-Id"] for request in receiver.requests} == {str(message.uuid)}
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 408, 409, 425])
def test_a_receiver_that_is_being_mended_gets_it_when_it_is_well(receiver, status):
    receiver.script.append(provider.Reply(status))
    webhook_message(receiver)
    assert send() == {"READY": 1}
    ready_again()
    assert send() == {"ACCEPTED": 1}


def test_a_receiver_that_hangs_holds_up_only_what_goes_to_it(receiver, settings):
    settings.PROVIDER_TIMEOUT_S = 0.3
    with provider.running(provider.HANG) as hanging:
        first = webhook_message(hanging)
        slow = [webhook_message(hanging, template_version=first.template_version, gate=first.gate) for _ in range(49)]
        well = webhook_message(receiver)
        assert send() == {"READY": 1 + len(slow), "ACCEPTED": 1}
        assert len(hanging.requests) == WebhookChannel.in_flight
    well.refresh_from_db()
    assert well.attempt == 1


def test_a_drain_whose_time_is_up_puts_back_what_it_has_not_begun(receiver):
    first = webhook_message(receiver)
    for _ in range(WebhookChannel.in_flight):
        webhook_message(receiver, template_version=first.template_version, gate=first.gate)
    dispatch.dispatch_due(channel="webhook", now=NOW, worker="tests", seconds=0)
    held = dispatch._claim("webhook", 100, "tests")
    done = dispatch.send_slice(held=held, topics={}, sender=dispatch._sender("webhook"), now=NOW, until=0)
    assert (sum(done.values()), Message.objects.filter(state="READY").count()) == (WebhookChannel.in_flight, 1)


def test_a_receiver_that_failed_five_times_is_asked_once_in_half_a_minute():
    one = receivers.Receiver()
    for at in range(receivers.TRIES):
        assert one.may_be_called(at)
        one.note([Answer(1, 1, Outcome.UNCLEAR, code="no_answer")], at)
    assert [one.may_be_called(at) for at in (5, 33.9, 34, 34.1, 64)] == [False, False, True, False, True]
    one.note([Answer(1, 1, Outcome.UNCLEAR, code="500")], 65)
    assert [one.may_be_called(66), one.may_be_called(66)] == [True, True]


def test_the_pauses_double(receiver):
    receiver.default = provider.Reply(500)
    webhook_message(receiver)
    pauses = []
    for _ in range(4):
        began = wall_now()
        send()
        next_at = Message.objects.get().next_at
        assert next_at is not None
        pauses.append((next_at - began).total_seconds())
        ready_again()
    assert all(1.5 < after / before < 2.7 for before, after in itertools.pairwise(pauses))


def test_a_final_no_is_failed(receiver):
    receiver.default = provider.Reply(410)
    webhook_message(receiver)
    assert send() == {"FAILED": 1}
    assert DeliveryAttempt.objects.get().code == "410"


def test_past_its_deadline_it_is_given_up(receiver):
    receiver.default = provider.Reply(500)
    webhook_message(receiver, send_by=NOW + timedelta(hours=1))
    send()
    ready_again()
    later = dispatch.dispatch_due(channel="webhook", now=NOW + timedelta(hours=2), worker="tests")
    assert dict(later) == {"EXPIRED": 1}


def test_what_a_dead_worker_left_is_sent_again(receiver):
    message = webhook_message(receiver)
    Message.objects.update(state="SENDING", attempt=1, lease_until=wall_now() - timedelta(seconds=1), next_at=None)
    watch.beat(wall_now=wall_now() - timedelta(seconds=2))
    reconcile.reconcile(now=NOW, wall_now=wall_now())
    reconcile.reconcile(now=NOW, wall_now=wall_now() + timedelta(seconds=1))
    message.refresh_from_db()
    assert message.state == Message.State.READY


def test_nothing_inside_the_network_is_called(receiver, settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    webhook_message(receiver)
    assert send() == {"FAILED": 1}
    assert (receiver.connections, DeliveryAttempt.objects.get().code) == (0, "forbidden_address")


def test_it_needs_no_yes_but_heeds_an_objection(receiver):
    asked, objected = webhook_message(receiver, point__topics={}), webhook_message(receiver, point__topics={})
    opt_out.opt_out(point_id=objected.point_id, source="preferences", at=NOW, now=NOW)
    assert send() == {"ACCEPTED": 1, "SKIPPED": 1}
    assert [request.headers["Webhook-Id"] for request in receiver.requests] == [str(asked.uuid)]
    objected.refresh_from_db()
    assert objected.reason == Message.Reason.OPTED_OUT


def test_a_no_to_all_channels_reaches_webhooks_too():
    mail = ReadyMessageFactory()
    opt_out.opt_out(point_id=mail.point_id, source="complaint", at=NOW, now=NOW, all_channels=True)
    assert mail.contact.points.get(channel="webhook").is_blocked


def test_it_takes_nothing_of_the_contacts_attention(receiver):
    message = webhook_message(receiver)
    send()
    assert not AttentionBudget.objects.filter(contact=message.contact).exists()


def test_without_a_secret_it_stays_in_the_outbox(receiver, settings):
    settings.WEBHOOK_SIGNING_SECRET = ""
    registry.outbox("webhook").clear()
    webhook_message(receiver)
    assert send() == {"ACCEPTED": 1}
    assert (len(registry.outbox("webhook").sent), receiver.requests) == (1, [])
    registry.outbox("webhook").clear()
