from __future__ import annotations

import pytest
import time_machine

from campaigns.segments import refresh
from campaigns.segments.models import Segment
from tests.factories.billing import PlanFactory, QuotaFactory, SubscriptionFactory
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory
from tests.factories.segments import make_segment
from tests.factories.usage import NOW, MeterFactory, UsageDailyFactory

SEATS = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
BASIC = {"field": "account.plan", "op": "=", "value": "basic"}


@pytest.fixture
def marketer(client, django_user_model):
    """A logged-in client that may do everything in the studio."""
    client.force_login(django_user_model.objects.create_superuser("maria", "maria@acme.example", "pw"))
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


@pytest.fixture
def market():
    """Two accounts on Basic: one near its ten seats with a reachable contact, one far from them."""
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


@pytest.fixture
def segment(market):
    made = make_segment({"all": [BASIC, SEATS]}, slug="close")
    Segment.objects.filter(pk=made.pk).update(name="Close to the limit")
    refresh.refresh_segment(segment=made, now=NOW)
    made.refresh_from_db()
    return made
