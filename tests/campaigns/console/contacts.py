"""Dana and what happens with her: what the tests of a contact's pages share."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import record
from campaigns.consent.models import ConsentTopic
from campaigns.delivery.models import Message
from campaigns.profiles.models import Contact, Membership
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import MessageFactory, SendGateFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory
from tests.factories.usage import NOW

LIST = "/admin/studio/contacts/"
S, R = Message.State, Message.Reason


def make_dana():
    """Alone at her company; nobody asked her yet about the two topics that there are."""
    ConsentTopicFactory(slug="tips", name="Tips")
    ConsentTopicFactory(name="Offers")
    contact = ContactFactory(
        first_name="Dana", last_name="Levi", email="dana@galil.example", phone="+972502345678", locale="he"
    )
    MembershipFactory(contact=contact, account=AccountFactory(name="Galil Software"), role=Membership.Role.OWNER)
    return contact


@pytest.fixture
def topic(dana_alone, db):
    return ConsentTopic.objects.get(slug="offers")


@pytest.fixture
def dana(dana_alone, db):
    return Contact.objects.get(pk=dana_alone.pk)


def account_of(contact):
    return contact.memberships.get().account


def page_of(contact):
    return f"{LIST}{contact.pk}/"


def say(contact, state="GRANTED", topic="offers", channel="email", at=NOW - timedelta(days=40), source="crm", **more):
    item = record.ConsentItem(contact.pk, channel, topic, state, "explicit", source, at, **more)
    record.record_consents(items=[item], now=at)


def to(contact, **fields):
    """A message of the campaign Seats to this contact, an hour ago."""
    gate = SendGateFactory(slug="seats-80")
    at = NOW - timedelta(hours=1)
    defaults = {"gate": gate, "contact": contact, "account": account_of(contact), "planned_at": at, "due_at": at}
    return MessageFactory(**{**defaults, **fields})


def skipped(contact, reason, **fields):
    return to(contact, state=S.SKIPPED, reason=reason, ended_at=NOW - timedelta(hours=1), **fields)
