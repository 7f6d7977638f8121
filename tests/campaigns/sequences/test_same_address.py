"""Several contacts with one mailbox or number: one person reads what goes there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns.delivery import claim, dispatch
from campaigns.delivery.models import Message
from campaigns.sequences import enrol_named, selectors
from campaigns.sequences.models import Enrolment
from orchestrator import clock
from orchestrator.channels import registry
from tests.factories import sequences as make
from tests.factories.consent import ContactPointFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]

NOW = make.NOW
DANA: dict[str, Any] = {"email": "dana@acme.example"}
PHONE: dict[str, Any] = {"email": "", "phone": "+972501234567"}
SMS = {
    "key": "sms-1",
    "kind": "MESSAGE",
    "channel": "sms",
    "variants": {"a": {"content": {"en": {"text": "Hi. Reply STOP to opt out"}}}},
}


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    make.market()


@pytest.fixture(autouse=True)
def boxes():
    found = {channel: registry.outbox(channel) for channel in ("email", "sms")}
    for box in found.values():
        box.clear()
    yield found
    for box in found.values():
        box.clear()


def sent(boxes, channel="email", at=NOW):
    claim.make_ready(now=at, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel=channel, now=at, worker="tests")
    return [one.address for one in boxes[channel].sent]


def reader_by(account, fields):
    contact = make.reader(account, **fields)
    if "phone" in fields:
        ContactPointFactory(contact=contact, channel="sms")
    return contact


@pytest.mark.parametrize(("channel", "fields"), [("email", DANA), ("sms", PHONE)])
def test_who_reads_for_two_accounts_gets_one_message_a_day(boxes, channel, fields):
    for account in (make.account_near_limit(), make.account_near_limit()):
        reader_by(account, fields)
    steps: dict[str, Any] = {"steps": [SMS]} if channel == "sms" else {}
    make.launched(holdout_percent=None, recipients={"roles": [], "per_account": 1}, **steps)
    address = next(value for value in fields.values() if value)

    assert sent(boxes, channel) == [address]
    assert sent(boxes, channel, NOW + timedelta(hours=23)) == [address]
    assert set(Message.objects.filter(state="PLANNED").values_list("reason", flat=True)) == {"CAPPED"}
    assert sent(boxes, channel, NOW + timedelta(hours=24)) == [address] * 2


def test_two_contacts_of_an_account_with_one_mailbox_are_one_recipient(boxes):
    account = make.account_near_limit()
    for email in ("dana@acme.example", "dana@acme.example", "noa@acme.example"):
        make.reader(account, email=email)
    make.launched(holdout_percent=None, recipients={"roles": [], "per_account": 5})

    emails = Enrolment.objects.values_list("contact__email", flat=True)
    assert sorted(emails) == ["dana@acme.example", "noa@acme.example"]


def test_the_other_contact_with_the_mailbox_is_explained_in_the_ledger():
    account = make.account_near_limit()
    people = [make.reader(account, **DANA), make.reader(account, **DANA)]
    campaign = make.launched(holdout_percent=None, audience={"contacts": [one.external_id for one in people]})

    found = selectors.ledger(campaign=campaign, now=NOW)["contacts"]

    assert found == {"audience": 2, "enrolled": 1, "not_enrolled": {"same_address": 1}}


def test_who_joins_an_account_later_with_an_address_inside_is_not_taken_in():
    account = make.account_near_limit()
    make.reader(account, **DANA)
    campaign = make.launched(holdout_percent=None)
    late = make.reader(account, **DANA)

    named = [enrol_named.Named(contact=late.external_id)]
    enrol_named.enrol_accounts(campaign=campaign, named=named, source="API", occasion="by hand", by="dana", now=NOW)

    assert Enrolment.objects.count() == 1
