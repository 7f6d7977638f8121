"""Bad input at every address of the URLconf, by somebody who may do everything and by somebody unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.campaigns.delivery.twilio import TOKEN
from tests.faults import world
from tests.faults.doors import FORM, Call, Caller, Door, all_doors, fields_of
from tests.faults.test_feedback_order import PUBLIC
from tests.faults.toll import answered, in_time
from tests.scale import examples

pytestmark = pytest.mark.faults
some = settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))


# Of readiness 503 is an answer: no worker runs here.
DOORS = tuple(door for door in all_doors() if door.template != "readyz")
# Most addresses are the same six of Django's for each table: those of our own come as often as all of these.
OWN = tuple(door for door in DOORS if not re.match(r"admin/(?!studio/)\w+/", door.template))


@override_settings(
    TWILIO_AUTH_TOKEN=TOKEN,
    SENDGRID_WEBHOOK_PUBLIC_KEY=PUBLIC,
    SENDGRID_INBOUND_SECRET=world.SECRET,
    STRIPE_WEBHOOK_SECRET="whsec_stripe",
    HUBSPOT_CLIENT_SECRET="client-secret",
)
class EveryDoor(TestCase):
    caller: ClassVar[Caller]
    cookie: ClassVar[str]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.caller = Caller(world.furnish())
        client = Client()
        client.force_login(get_user_model().objects.create_superuser("maria"))
        cls.cookie = client.cookies["sessionid"].value

    def test_each_of_them_once(self):
        failed = []
        for door in DOORS:
            with taken_back():
                try:
                    self.knock(door, Random(door.template))
                except AssertionError as error:
                    failed.append(str(error))
        assert not failed, "\n".join(failed)

    @some
    @given(door=st.sampled_from(OWN) | st.sampled_from(DOORS), seed=st.integers(0, 2**64))
    def test_any_of_them(self, door, seed):
        self.go_in(door, Random(seed))

    def knock(self, door: Door, random: Random) -> None:
        """One call."""
        path = self.caller.path(door, random)
        is_look = random.random() < 0.5
        self.ask(
            self.client_of(random), self.caller.look(path, random) if is_look else self.caller.act(path, random, {})
        )

    def go_in(self, door: Door, random: Random) -> None:
        """As a browser does: the page, then what its forms send."""
        client, path = self.client_of(random), self.caller.path(door, random)
        fields = self.fields(client, self.caller.look(path, random))
        if not fields:  # what only takes POST is posted to by the page above it
            fields = self.fields(client, Call("GET", f"{path.rstrip('/').rpartition('/')[0]}/", b"", FORM))
        self.ask(client, self.caller.act(path, random, fields))

    def client_of(self, random: Random) -> Client:
        client = Client(raise_request_exception=False)
        if random.random() < 0.9:
            client.cookies["sessionid"] = self.cookie
        return client

    def fields(self, client: Client, call: Call) -> dict[str, str]:
        page = self.ask(client, call)
        return {} if page.streaming else fields_of(page.content)

    def ask(self, client: Client, call: Call) -> Any:
        with in_time():
            response = call.make(client)
        answered(response, call)
        return response


@contextmanager
def taken_back() -> Iterator[None]:
    """As TestCase does it between two tests, so that what asks to be outermost is."""
    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]
    with atomic:
        yield
        transaction.set_rollback(True)
