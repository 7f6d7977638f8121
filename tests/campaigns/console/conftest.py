from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client

from campaigns.segments import refresh
from campaigns.segments.models import Segment
from tests.campaigns.console import contacts
from tests.factories.billing import PlanFactory, QuotaFactory, SubscriptionFactory
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory
from tests.factories.segments import make_segment
from tests.factories.usage import NOW, MeterFactory, UsageDailyFactory

SEATS = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
BASIC = {"field": "account.plan", "op": "=", "value": "basic"}


def maria() -> Any:
    """She may do everything in the studio; a module whose tests share a page has made her before them."""
    users = get_user_model().objects
    return users.filter(username="maria").first() or users.create_superuser("maria", "maria@acme.example", "pw")


def client_of_maria() -> Any:
    """For what the tests of a module look at once, in a fixture of theirs. Log in at the hour of the look."""
    client = Client()
    client.force_login(maria())
    return client


@pytest.fixture
def marketer(client, db):
    """A logged-in client that may do everything in the studio."""
    client.force_login(maria())
    return client


@pytest.fixture
def onlooker(client, django_user_model):
    """A logged-in client that may open the studio and change nothing."""
    client.force_login(django_user_model.objects.create_user("guy", password="pw", is_staff=True))
    return client


@pytest.fixture
def in_november():
    with time_machine.travel(NOW, tick=False):
        yield


def two_accounts():
    """On Basic: one near its ten seats with a reachable contact, one far from them."""
    basic = PlanFactory(code="basic", name="Basic")
    PlanFactory(code="team", name="Team")
    QuotaFactory(plan=basic)
    MeterFactory(name="Seats used")
    ConsentTopicFactory()
    near, far = AccountFactory(name="Galil Software"), AccountFactory(name="Atelier Moga", country="RO")
    for account, seats in ((near, 9), (far, 3)):
        SubscriptionFactory(account=account, plan=basic)
        UsageDailyFactory(account=account, value=seats)
    reached = MembershipFactory(account=near).contact
    ContactPointFactory(contact=reached)
    MembershipFactory(account=near, contact=ContactFactory())
    return near


def segment_of_one():
    """The one of them that is near its limit."""
    made = make_segment({"all": [BASIC, SEATS]}, slug="close")
    Segment.objects.filter(pk=made.pk).update(name="Close to the limit")
    refresh.refresh_segment(segment=made, now=NOW)
    made.refresh_from_db()
    return made


@pytest.fixture
def market(db):
    return two_accounts()


@pytest.fixture
def segment(market):
    return segment_of_one()


@pytest.fixture(scope="module")
def dana_alone(shared_rows):
    return contacts.make_dana()
