from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.delivery import dispatch
from campaigns.delivery import selectors as delivery
from campaigns.delivery.models import AttentionBudget, Message, SendGate
from campaigns.operations.models import AuditEntry
from campaigns.sequences import cast, lifecycle, selectors, try_out
from campaigns.sequences.models import Campaign
from orchestrator.channels import registry
from orchestrator.channels.memory import MemoryChannel
from orchestrator.templating.errors import TemplateError
from tests.factories import sequences as make
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)

NOW = make.NOW
WALL = datetime(2020, 1, 1, tzinfo=UTC)
MINE = "Maria@Acme.example"
SMS = {
    "key": "text-1",
    "kind": "MESSAGE",
    "channel": "sms",
    "variants": {"a": {"content": {"en": {"text": "{{ contact.first_name }}, see {{ links.offer }}"}}}},
}


@pytest.fixture(autouse=True)
def outboxes(settings):
    settings.SENDGRID_API_KEY = ""
    settings.CHANNELS = {**settings.CHANNELS, "sms": "orchestrator.channels.memory.MemoryChannel"}
    for kind in ("email", "sms"):
        registry.outbox(kind).clear()
    text_messages().clear()


@pytest.fixture
def campaign() -> Campaign:
    make.market()
    make.ready_account(name="Galil Software")
    steps = [*make.document()["steps"][:-1], SMS, make.document()["steps"][-1]]
    return make.drafted(steps=steps)


def text_messages() -> MemoryChannel:
    channel = registry.get("sms")
    assert isinstance(channel, MemoryChannel)
    return channel


def send(campaign: Campaign, **changes: Any) -> Message:
    (person,) = cast.find_people(campaign=campaign, now=NOW)
    asked: dict[str, Any] = {"campaign": campaign, "by": "maria", "now": NOW, "wall_now": WALL}
    asked |= {"step_key": "mail-1", "variant": "b", "locale": "en", "person": person, "address": MINE}
    return try_out.send_test(**asked | changes)


def outgoing(channel: str = "email"):
    dispatch.dispatch_due(channel=channel, now=NOW, worker="test")
    found = registry.get(channel)
    assert isinstance(found, MemoryChannel)
    return found.sent


def test_a_test_goes_to_the_colleague_with_the_customers_facts_and_a_mark(campaign):
    customer = cast.find_people(campaign=campaign, now=NOW)[0].contact
    message = send(campaign)
    (sent,) = outgoing()
    assert (sent.address, sent.subject, sent.category) == ("maria@acme.example", "[TEST] Seats run out", "test")
    assert f"Hello {customer.first_name}, Team is" in sent.text
    message.refresh_from_db()
    assert (message.state, message.purpose) == ("ACCEPTED", "TEST")


def test_an_sms_test_is_marked_in_its_text(campaign):
    send(campaign, step_key="text-1", variant="a", address="+972 52 555 1234")
    (sent,) = outgoing("sms")
    assert sent.address == "+972525551234"
    assert sent.text.startswith("[TEST] ")


def test_the_links_of_a_test_lead_to_the_message_and_never_to_the_customers_pages(campaign):
    send(campaign, step_key="text-1", variant="a", address="+972525551234")
    send(campaign)
    (text,), (mail,) = outgoing("sms"), outgoing()
    assert "/v/" in text.text
    for part in (text.text, mail.text, mail.html):
        assert not any(page in part for page in ("/o/", "/c/", "/p/", "/u/"))


def test_a_test_looks_as_the_mail_it_tries_out_footer_and_all(campaign, settings):
    settings.SENDER_POSTAL_ADDRESS = "1 Harbour Street, Haifa"
    texts = {"en": {"subject": "Plain", "mjml": make.MJML.format("Hi")}}
    steps = [{"key": "mail-1", "kind": "MESSAGE", "channel": "email", "variants": {"a": {"content": texts}}}]
    send(make.drafted(slug="plain", steps=steps), variant="a")
    assert "1 Harbour Street" in outgoing()[0].html


def test_tests_count_nowhere(campaign):
    send(campaign)
    outgoing()
    assert selectors.ledger(campaign=campaign, now=NOW)["messages"]["ACCEPTED"] == 0
    assert not list(selectors.ledger_messages(campaign=campaign))
    assert delivery.message_counts(campaign_slug=campaign.slug) == []


def test_a_test_takes_nothing_of_the_customers_attention_budget(campaign):
    for _ in range(5):
        send(campaign)
    assert len(outgoing()) == 5
    assert not AttentionBudget.objects.exists()


@pytest.mark.parametrize("act", ["draft", "paused", "stopped"])
def test_a_test_goes_whatever_state_the_campaign_is_in(campaign, act):
    if act != "draft":
        campaign = make.launched(slug="live-one", holdout_percent=None)
        lifecycle.pause(campaign=campaign, by="tests", now=NOW)
    if act == "stopped":
        lifecycle.stop(campaign=campaign, by="tests", now=NOW)
    campaign.refresh_from_db()
    send(campaign)
    assert len(outgoing()) == 1


def test_the_gate_that_a_test_makes_keeps_everything_else_closed(campaign):
    send(campaign)
    assert SendGate.objects.get(slug=campaign.slug).state == SendGate.State.PAUSED


def test_who_tried_what_is_kept_without_the_address(campaign):
    send(campaign)
    entry = AuditEntry.objects.get(action="campaign.test_send")
    assert (entry.actor, entry.after) == (
        "maria", {"step": "mail-1", "variant": "b", "locale": "en", "channel": "email"},
    )  # fmt: skip


@pytest.mark.parametrize("address", ["", "no address", "maria@"])
def test_what_is_no_address_is_refused(campaign, address):
    with pytest.raises(try_out.AddressError):
        send(campaign, address=address)
    assert not Message.objects.exists()


def test_a_customers_address_is_refused(campaign):
    customer = ContactFactory(email="noa@customer.example")
    with pytest.raises(try_out.AddressError, match="customer"):
        send(campaign, address=customer.email.upper())


def test_a_colleague_who_is_also_a_contact_may_get_tests(campaign, django_user_model):
    django_user_model.objects.create_user("noa", "noa@customer.example", is_staff=True)
    ContactFactory(email="noa@customer.example")
    send(campaign, address="noa@customer.example")
    assert len(outgoing()) == 1


@pytest.mark.parametrize("changes", [{"locale": "he"}, {"variant": "z"}, {"step_key": "wait-1"}])
def test_what_is_not_written_cannot_be_tried(campaign, changes):
    with pytest.raises(try_out.NothingToSendError):
        send(campaign, **changes)


def test_a_banner_is_not_sent_to_anybody(campaign):
    with pytest.raises(try_out.AddressError):
        send(campaign, step_key="banner", variant="a")


def test_a_text_that_cannot_be_filled_in_says_so_and_sends_nothing(campaign):
    texts = {"en": {"subject": "{{ evidence.nothing_like_it }}", "mjml": make.MJML.format("Hi")}}
    steps = [{"key": "mail-1", "kind": "MESSAGE", "channel": "email", "variants": {"a": {"content": texts}}}]
    broken = make.drafted(slug="broken", steps=steps)
    with pytest.raises(TemplateError):
        send(broken, variant="a")
    assert not Message.objects.exists()


def test_one_address_gets_so_many_tests_in_an_hour_and_no_more(campaign):
    for _ in range(try_out.MOST_PER_ADDRESS):
        send(campaign)

    with pytest.raises(try_out.TooManyTestsError):
        send(campaign, by="noa", address=MINE.upper())
    send(campaign, by="noa", address="noa@acme.example")
    assert Message.objects.count() == try_out.MOST_PER_ADDRESS + 1


def test_one_person_sends_so_many_tests_in_an_hour_and_no_more(campaign):
    for number in range(try_out.MOST_PER_HOUR):
        send(campaign, address=f"colleague-{number}@acme.example")

    with pytest.raises(try_out.TooManyTestsError):
        send(campaign, address="one-more@acme.example")
    assert send(campaign, now=NOW + timedelta(hours=1), address="one-more@acme.example").state == "READY"


@pytest.mark.parametrize("number", ["+19005551234", "+40900123456"])
def test_no_test_goes_to_a_number_that_costs_extra(number):
    with pytest.raises(try_out.CostlyNumberError):
        try_out.read_address(channel="sms", address=number)
