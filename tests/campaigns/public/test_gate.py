"""`gate` events: the host application says that a contact tried a feature of a higher plan."""

from __future__ import annotations

import time
from datetime import datetime

import jwt
import pytest

from campaigns.intake import process
from campaigns.intake.models import InboundEvent
from campaigns.public import attempts
from campaigns.usage.models import UsageEvent
from orchestrator import clock
from tests.factories.intake import SIGNING_SECRET, SourceFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]

AT = "2026-11-24T10:00:00Z"


@pytest.fixture
def contact():
    SourceFactory(slug="host")
    return MembershipFactory(account=AccountFactory(external_id="acc-1"), contact=ContactFactory()).contact


def tried(client, contact, *events, account="acc-1"):
    claims = {"sub": contact.external_id, "acc": account, "exp": int(time.time()) + 60}
    token = jwt.encode(claims, SIGNING_SECRET, algorithm="HS256")
    return client.post(
        "/inapp/v1/events",
        {"events": list(events)},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    ).json()


def gate(event_id="g-1", feature="sso", **changes):
    return {"id": event_id, "type": "gate", "feature": feature, "at": AT, **changes}


def test_an_attempt_becomes_usage_of_the_contact_in_the_account(client, contact):
    assert tried(client, contact, gate()) == {"accepted": 1, "ignored": 0}
    process.process_inbound(now=clock.utcnow())

    event = UsageEvent.objects.get()
    assert event.account is not None
    assert (event.name, event.properties) == ("premium_feature_attempted", {"feature": "sso"})
    assert (event.contact, event.account.external_id, event.source) == (contact, "acc-1", "host")
    assert event.at == datetime.fromisoformat(AT)


def test_without_an_account_in_the_token_it_is_the_contacts_only_one(client, contact):
    tried(client, contact, gate(), account="")
    process.process_inbound(now=clock.utcnow())

    assert UsageEvent.objects.values_list("account__external_id", flat=True).get() == "acc-1"


def test_a_retry_with_the_same_id_counts_once(client, contact):
    assert tried(client, contact, gate()) == tried(client, contact, gate()) == {"accepted": 1, "ignored": 0}

    assert InboundEvent.objects.count() == 1


def test_the_same_id_of_another_contact_is_another_attempt(client, contact):
    tried(client, contact, gate())
    tried(client, ContactFactory(), gate())

    assert InboundEvent.objects.count() == 2


def test_three_attempts_are_three_events(client, contact):
    for number in range(3):
        tried(client, contact, gate(f"g-{number}"))
    process.process_inbound(now=clock.utcnow())

    assert UsageEvent.objects.filter(contact=contact, name=attempts.EVENT).count() == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"feature": None},
        {"feature": ""},
        {"feature": "a b"},
        {"feature": "*"},
        {"feature": ["sso"]},
        {"feature": "x" * 61},
        {"id": "x" * 101},
        {"at": "soon"},
        {"at": None},
    ],
)
def test_an_attempt_that_cannot_be_read_is_passed_over(client, contact, wrong):
    assert tried(client, contact, gate() | wrong, gate("g-2")) == {"accepted": 1, "ignored": 1}


def test_a_script_that_hammers_is_capped_for_the_hour(client, contact):
    first = tried(client, contact, *(gate(f"g-{number}") for number in range(25)))
    second = tried(client, contact, *(gate(f"h-{number}") for number in range(25)))
    other = tried(client, ContactFactory(), gate())

    assert first == {"accepted": 25, "ignored": 0}
    assert second == {"accepted": 5, "ignored": 20}
    assert other == {"accepted": 1, "ignored": 0}
    assert InboundEvent.objects.count() == attempts.MOST_PER_HOUR + 1


def test_a_stranger_records_nothing(client, contact):
    body = {"events": [gate()]}
    answer = client.post("/inapp/v1/events", body, content_type="application/json")

    assert answer.status_code == 401
    assert not InboundEvent.objects.exists()
