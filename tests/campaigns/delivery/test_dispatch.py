from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from django.test import override_settings

from campaigns.consent import opt_out
from campaigns.delivery import claim, dispatch, gates, switch
from campaigns.delivery.models import DeliveryAttempt, InAppMessage, Message, TrackedLink
from campaigns.profiles.models import Contact
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.contract import Busy, Refusal, Unclear
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import (
    MAIL,
    NOW,
    MessageFactory,
    ReadyMessageFactory,
    SendGateFactory,
    TemplateVersionFactory,
)

pytestmark = pytest.mark.django_db

State = Message.State
Reason = Message.Reason


@pytest.fixture
def outbox():
    box = registry.outbox("email")
    box.clear()
    yield box
    box.clear()


def send(channel="email", now=NOW):
    return dispatch.dispatch_due(channel=channel, now=now, worker="tests")


def state_of(message):
    message.refresh_from_db()
    return (message.state, message.reason)


def test_a_ready_message_reaches_the_channel_once(outbox):
    message = ReadyMessageFactory()

    send()
    send()

    assert state_of(message) == (State.ACCEPTED, "")
    assert [one.message_id for one in outbox.sent] == [message.uuid]
    assert message.provider_id == f"memory-{message.uuid}-1"
    assert message.accepted_at == NOW


def test_the_attempt_says_when_it_began_and_what_came_of_it(outbox):
    message = ReadyMessageFactory()

    send()

    attempt = DeliveryAttempt.objects.get(message=message)
    assert (attempt.number, attempt.outcome) == (1, DeliveryAttempt.Outcome.ACCEPTED)
    assert attempt.ended_at is not None
    assert attempt.started_at <= attempt.ended_at


def test_marketing_mail_carries_the_one_click_header_and_a_visible_link(outbox):
    ReadyMessageFactory()

    send()

    sent = outbox.sent[0]
    assert sent.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = sent.headers["List-Unsubscribe"].strip("<>")
    assert "/u/" in address
    assert address in sent.html
    assert address in sent.text


def test_a_receipt_has_no_unsubscribe_header(outbox):
    ReadyMessageFactory(purpose="TRANSACTIONAL", policy="AT_LEAST_ONCE")

    send()

    assert outbox.sent[0].headers == {}
    assert outbox.sent[0].category == "transactional"


def test_a_test_send_is_marked_as_one(outbox):
    ReadyMessageFactory(
        purpose="TEST",
        gate__state="PAUSED",
        contact__email="maria@acme.example",
        context={"test_address": "maria@acme.example"},
    )

    send()

    assert outbox.sent[0].subject.startswith("[TEST] ")


def test_the_offer_link_leads_through_our_own_redirect(outbox):
    version = TemplateVersionFactory(content=MAIL_WITH_OFFER)
    message = ReadyMessageFactory(template_version=version)
    link = TrackedLink.objects.create(message=message, kind="offer", target="http://127.0.0.1:8000/o/x")

    send()

    assert "http://127.0.0.1:8000/c/" in outbox.sent[0].html
    assert link.target not in outbox.sent[0].html


def test_a_message_that_cannot_be_rendered_is_skipped_in_words_and_the_others_go(outbox):
    broken = ReadyMessageFactory(template_version=TemplateVersionFactory(content=MAIL_WITH_OFFER))
    whole = ReadyMessageFactory()

    send()

    assert state_of(broken) == (State.SKIPPED, Reason.RENDER_ERROR)
    assert "links.offer" in broken.attempts.get().detail
    assert state_of(whole)[0] == State.ACCEPTED


def test_an_address_that_changed_since_planning_gets_nothing(outbox):
    message = ReadyMessageFactory()
    Contact.objects.filter(pk=message.contact_id).update(email="else@customer.example")

    send()

    assert state_of(message) == (State.SKIPPED, Reason.NO_ADDRESS)
    assert outbox.sent == []


def test_an_opted_out_contact_gets_nothing(outbox):
    message = ReadyMessageFactory()
    opt_out.opt_out(point_id=message.point_id, source="test", at=NOW, now=NOW)

    send()

    assert state_of(message) == (State.SKIPPED, Reason.OPTED_OUT)
    assert outbox.sent == []


def test_a_dead_address_is_skipped_as_suppressed(outbox):
    message = ReadyMessageFactory()
    opt_out.opt_out(point_id=message.point_id, reason="BOUNCED", source="test", at=NOW, now=NOW)

    send()

    assert state_of(message) == (State.SKIPPED, Reason.SUPPRESSED)


def test_a_receipt_still_reaches_who_wants_no_offers(outbox):
    message = ReadyMessageFactory(purpose="TRANSACTIONAL")
    opt_out.opt_out(point_id=message.point_id, source="test", at=NOW, now=NOW)

    send()

    assert state_of(message)[0] == State.ACCEPTED


def test_without_a_yes_no_offer_is_mailed(outbox):
    contact = ContactPointFactory(topics={}).contact
    message = ReadyMessageFactory(contact=contact)

    send()

    assert state_of(message) == (State.SKIPPED, Reason.NO_CONSENT)


def test_messages_of_a_paused_campaign_wait(outbox):
    message = ReadyMessageFactory(gate__state="PAUSED")

    send()

    assert state_of(message)[0] == State.READY
    assert message.attempt == 0


def test_resuming_sends_what_waited_once(outbox):
    message = ReadyMessageFactory()
    gates.pause_gate(slug=message.gate.slug, now=NOW)
    send()
    gates.open_gate(slug=message.gate.slug, now=NOW)

    send()

    assert [one.message_id for one in outbox.sent] == [message.uuid]


def test_a_pause_between_claim_and_begin_holds_the_message(outbox):
    message = ReadyMessageFactory()
    held = claim.claim_messages(channel="email", size=1, worker="w", wall_now=clock.wall_now())
    gates.pause_gate(slug=message.gate.slug, now=NOW)

    dispatch.send_slice(held=held, topics={}, sender=dispatch._sender("email"), now=NOW)

    assert state_of(message)[0] == State.READY
    assert outbox.sent == []


@pytest.mark.parametrize(("seconds", "state"), [(0, State.ACCEPTED), (10, State.PLANNED)])
def test_a_window_that_closes_while_a_drain_goes_on_holds_what_it_has_not_begun(outbox, seconds, state):
    gate = SendGateFactory(window_start=time(8), window_end=time(10, 0, 5))
    message = ReadyMessageFactory(gate=gate, contact__time_zone="Europe/London")
    held = claim.claim_messages(channel="email", size=1, worker="w", wall_now=clock.wall_now())
    sender = dispatch._sender("email")

    dispatch.send_slice(held=held, topics={}, sender=replace(sender, began=sender.began - seconds), now=NOW)

    assert state_of(message)[0] == state


def test_what_arrived_by_an_earlier_attempt_is_not_skipped_because_this_one_cannot_be_made(outbox):
    broken = TemplateVersionFactory(content={"en": {"subject": "{{ offer.gone }}", "mjml": MAIL["en"]["mjml"]}})
    known, unknown = (ReadyMessageFactory(template_version=broken, attempt=1) for _ in range(2))
    DeliveryAttempt.objects.create(message=known, number=1, started_at=clock.wall_now(), outcome="ACCEPTED")

    assert send() == {State.ACCEPTED: 1, State.SKIPPED: 1}

    assert state_of(known) == (State.ACCEPTED, "")
    assert known.accepted_at == NOW
    assert known.attempts.count() == 1
    assert state_of(unknown) == (State.SKIPPED, Reason.RENDER_ERROR)


def test_stopping_skips_what_waits(outbox):
    message, planned = ReadyMessageFactory(), MessageFactory()
    planned.gate = message.gate
    planned.save()

    assert gates.stop_gate(slug=message.gate.slug, now=NOW) == 2
    assert state_of(message) == (State.SKIPPED, Reason.CAMPAIGN_STOPPED)
    assert state_of(planned) == (State.SKIPPED, Reason.CAMPAIGN_STOPPED)


def test_nothing_goes_while_the_switch_is_off(outbox):
    message = ReadyMessageFactory()
    switch.set_switch(is_on=False, by="tests", now=NOW)

    send()

    assert state_of(message)[0] == State.READY
    assert outbox.sent == []


def test_waiting_for_the_switch_costs_a_message_no_attempts(outbox):
    message = ReadyMessageFactory()
    switch.set_switch(is_on=False, by="tests", now=NOW)
    for _ in range(3):
        send()
    message.refresh_from_db()
    waited = message.attempt
    switch.set_switch(is_on=True, by="tests", now=NOW)
    send()
    message.refresh_from_db()

    assert (waited, message.state, message.attempt) == (0, State.ACCEPTED, 1)


def test_a_changed_account_is_planned_anew(outbox):
    message = ReadyMessageFactory()
    message.account.revision += 1
    message.account.save()

    send()

    assert state_of(message) == (State.SKIPPED, Reason.FACTS_CHANGED)


def test_after_the_deadline_it_is_expired(outbox):
    message = ReadyMessageFactory(send_by=NOW - timedelta(seconds=1))

    send()

    assert state_of(message)[0] == State.EXPIRED


def test_a_refusal_is_final_and_says_why(outbox):
    message = ReadyMessageFactory()
    outbox.misbehave(Refusal("The address is not one.", code="400"))

    send()

    assert state_of(message)[0] == State.FAILED
    assert message.attempts.get().detail == "The address is not one."


def test_a_busy_provider_is_asked_again_after_its_own_pause(outbox):
    message = ReadyMessageFactory()
    outbox.misbehave(Busy("Slow down.", code="429", retry_after_s=600))
    before = clock.wall_now()

    send()

    assert state_of(message)[0] == State.READY
    assert message.next_at >= before + timedelta(seconds=600)


def test_an_unclear_answer_is_never_sent_again_blindly(outbox):
    message = ReadyMessageFactory()
    outbox.misbehave(Unclear("No answer.", code="500"))

    send()
    send()

    assert state_of(message)[0] == State.UNKNOWN
    assert message.unknown_at is not None
    assert outbox.sent == []


def test_an_account_gets_one_offer_a_day(outbox):
    first = ReadyMessageFactory()
    second = ReadyMessageFactory(account=first.account, gate=first.gate)

    send()

    assert state_of(first)[0] == State.ACCEPTED
    assert state_of(second) == (State.PLANNED, Reason.CAPPED)
    assert second.due_at == NOW + timedelta(days=1)


def test_a_capped_message_that_cannot_wait_is_skipped(outbox):
    first = ReadyMessageFactory()
    second = ReadyMessageFactory(account=first.account, gate=first.gate, send_by=NOW + timedelta(hours=3))

    send()

    assert state_of(second) == (State.SKIPPED, Reason.CAPPED)


def test_what_certainly_did_not_go_gives_its_attention_back(outbox):
    first = ReadyMessageFactory()
    second = ReadyMessageFactory(account=first.account)
    outbox.misbehave(Refusal("No.", code="400"))

    send()

    assert state_of(first)[0] == State.FAILED
    assert state_of(second)[0] == State.ACCEPTED


def test_outside_its_window_a_claimed_message_is_put_back(outbox):
    gate = SendGateFactory(window_start="09:00", window_end="11:00")
    message = ReadyMessageFactory(gate=gate, contact__time_zone="Asia/Jerusalem")

    send()

    assert state_of(message)[0] == State.PLANNED
    assert message.due_at.isoformat() == "2026-11-25T07:00:00+00:00"


@override_settings(CAMPAIGN_WINDOW="always")
def test_the_window_can_be_switched_off(outbox):
    gate = SendGateFactory(window_start="09:00", window_end="11:00")
    message = ReadyMessageFactory(gate=gate)

    send()

    assert state_of(message)[0] == State.ACCEPTED


def test_an_in_app_message_is_delivered_by_its_own_row(outbox):
    message = ReadyMessageFactory(channel="in_app", point__topics={})

    send("in_app")
    send("in_app")

    banner = InAppMessage.objects.get(message=message)
    assert state_of(message)[0] == State.ACCEPTED
    assert message.delivered_at == NOW
    assert "is close to its limit" in banner.html
    assert "Noa" in banner.html


def test_an_in_app_message_needs_no_yes_but_heeds_a_no():
    message = ReadyMessageFactory(channel="in_app", point__topics={})
    opt_out.opt_out(point_id=message.point_id, source="test", at=NOW, now=NOW)

    send("in_app")

    assert state_of(message) == (State.SKIPPED, Reason.OPTED_OUT)
    assert not InAppMessage.objects.exists()


MAIL_WITH_OFFER = {
    "en": {
        "subject": "An offer",
        "mjml": (
            "<mjml><mj-body><mj-section><mj-column>"
            '<mj-button href="{{ links.offer }}">See it</mj-button>'
            "</mj-column></mj-section></mj-body></mjml>"
        ),
    }
}
