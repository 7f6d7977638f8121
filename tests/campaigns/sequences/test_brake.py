"""A campaign that is unwelcome rests by itself."""

from __future__ import annotations

import itertools
from copy import copy
from datetime import timedelta
from uuid import uuid4

import pytest

from campaigns.analytics import home
from campaigns.delivery.models import Message, ProviderEvent
from campaigns.operations.models import AuditEntry
from campaigns.sequences import brake, lifecycle
from campaigns.sequences.models import Campaign
from orchestrator import clock
from tests.factories import sequences as make
from tests.factories.delivery import MessageFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db

NOW = make.NOW
AGO = NOW - timedelta(hours=2)
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    make.market()
    make.ready_account()
    return make.launched(holdout_percent=None)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def sent(campaign, number, *, at=AGO, **facts):
    """Copies of one message: what they say plays no part."""
    values = {"gate": campaign.gate, "state": "ACCEPTED", "accepted_at": at} | {"delivered_at": at} | facts
    first = MessageFactory(**values)
    rows = []
    for _ in range(number - 1):
        row = copy(first)
        row.pk, row.uuid, row.dedupe_key = None, uuid4(), f"copy:{uuid4()}"
        rows.append(row)
    return [first, *Message.objects.bulk_create(rows)]


def status(campaign):
    campaign.refresh_from_db()
    campaign.gate.refresh_from_db()
    return campaign.status, campaign.gate.state


def test_more_than_one_complaint_in_a_thousand_pauses_the_campaign_and_says_why(campaign):
    sent(campaign, 2995)
    sent(campaign, 4, complained_at=AGO)

    assert brake.pause_unwelcome(now=NOW) == [campaign.slug]

    assert status(campaign) == (Campaign.Status.PAUSED, "PAUSED")
    why = "4 of 2999 readers reported it as unwanted: more than 0.1 %."
    entry = AuditEntry.objects.get(action="campaign.paused")
    assert (entry.actor, entry.subject, entry.reason) == ("crescendo", f"campaign:{campaign.slug}", why)
    [need] = [need for need in home.find_needs(now=NOW) if need.detail == why]
    assert need.title == f"{campaign.name} was paused by itself: it is unwelcome"


@pytest.mark.parametrize(("complaints", "others"), [(3, 2997), (2, 8)], ids=["one in a thousand", "two of ten"])
def test_no_more_than_that_or_too_few_to_tell_pauses_nothing(campaign, complaints, others):
    sent(campaign, others)
    sent(campaign, complaints, complained_at=AGO)

    assert brake.pause_unwelcome(now=NOW) == []
    assert status(campaign) == (Campaign.Status.LIVE, "OPEN")


def test_other_campaigns_go_on(campaign):
    other = make.launched(slug="other", holdout_percent=None)
    sent(campaign, 5, complained_at=AGO)
    sent(other, 5)

    assert brake.pause_unwelcome(now=NOW) == [campaign.slug]
    assert status(other) == (Campaign.Status.LIVE, "OPEN")


def test_what_went_before_somebody_let_it_go_on_counts_no_more(campaign):
    sent(campaign, 5, complained_at=AGO)
    brake.pause_unwelcome(now=NOW)

    lifecycle.resume(campaign=campaign, by="maria", now=NOW)

    assert brake.pause_unwelcome(now=NOW + timedelta(minutes=1)) == []
    assert brake.paused_by_itself() == []
    later = NOW + timedelta(minutes=10)
    sent(campaign, 5, at=later, complained_at=later)
    assert brake.pause_unwelcome(now=later) == [campaign.slug]


def test_a_pause_of_a_persons_is_not_the_brakes(campaign):
    lifecycle.pause(campaign=campaign, by="maria", now=NOW)
    assert brake.paused_by_itself() == []


def test_without_a_limit_nothing_is_paused(campaign, settings):
    settings.COMPLAINTS_PAUSE_PERCENT = 0
    sent(campaign, 5, complained_at=AGO)
    assert brake.pause_unwelcome(now=NOW) == []


def texts(campaign, number, *, said=""):
    version = TemplateVersionFactory(template__channel="sms", content={"en": {"text": "Hi"}})
    facts = {"channel": "sms", "template_version": version, "contact__phone": f"+97250{next(NUMBERS):07d}"}
    messages = sent(campaign, number, **facts, **({"bounced_at": AGO, "delivered_at": None} if said else {}))
    for message in messages if said else ():
        ProviderEvent.objects.create(
            received_at=clock.wall_now(),
            provider="twilio",
            key=uuid4().bytes,
            type="BLOCKED",
            at=AGO,
            message=message.uuid,
            reason=said,
        )


@pytest.mark.parametrize(
    ("said", "others", "is_paused"),
    [("undelivered 30007", 90, True), ("undelivered 30007", 95, False), ("undelivered 30003", 90, False)],
    ids=["filtered", "few enough", "switched off"],
)
def test_texts_that_the_networks_hold_back_pause_the_campaign(campaign, said, others, is_paused):
    texts(campaign, others)
    texts(campaign, 5, said=said)

    assert (brake.pause_unwelcome(now=NOW) == [campaign.slug]) == is_paused
    if is_paused:
        why = "The phone networks held back 5 of 95 texts as unwanted: more than 5 %."
        assert AuditEntry.objects.get(action="campaign.paused").reason == why
