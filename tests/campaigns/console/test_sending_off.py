"""With sending off a live campaign sends nothing: the list, its page and home say so at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery import switch
from campaigns.delivery.models import Message
from campaigns.operations.models import SendSwitch
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories.sequences import launched, market, ready_account
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]

LIST, PAGE, HOME = "/admin/studio/campaigns/", "/admin/studio/campaigns/seats-80/", "/admin/"
LINK = 'href="/admin/studio/sending/#switch"'


@pytest.fixture(scope="module")
def scene(shared_rows):
    market()
    ready_account()
    campaign = launched(holdout_percent=0)
    Message.objects.update(due_at=NOW - timedelta(minutes=1))
    return campaign


@pytest.fixture
def running(scene, db):
    return Campaign.objects.get(pk=scene.pk)


def switch_off(reason=""):
    switch.set_switch(is_on=False, by="dana", reason=reason, now=NOW)


def test_nothing_is_said_while_sending_is_on(marketer, running):
    assert "ending is off" not in words_of(marketer.get(LIST)) + words_of(marketer.get(PAGE))


@pytest.mark.parametrize(
    ("page", "title"),
    [(LIST, "Sending is off: no campaign sends anything."), (PAGE, "Live, but sending is off.")],
)
def test_a_live_campaign_says_at_once_that_nothing_goes(marketer, running, page, title):
    switch_off("wrong price")
    response = marketer.get(page)
    words = words_of(response)

    assert f"{title} Sending was switched off by dana," in words
    assert "“wrong price”. 1 message is due and waits." in words
    assert LINK in response.content.decode()


def test_the_row_of_a_live_campaign_says_it_too(marketer, running):
    switch_off()
    assert "Live sending is off" in words_of(marketer.get(LIST))


def test_a_paused_campaign_waits_for_itself(marketer, running):
    switch_off()
    type(running).objects.update(status="PAUSED")
    assert "Live, but sending is off" not in words_of(marketer.get(PAGE))
    assert "Paused sending is off" not in words_of(marketer.get(LIST))


def test_who_may_not_switch_is_led_nowhere(onlooker, running):
    switch_off()
    response = onlooker.get(LIST)
    assert "Sending was switched off by dana" in words_of(response)
    assert LINK not in response.content.decode()


def test_sending_held_since_a_restore_is_told_as_that(marketer, running):
    switch.set_switch(is_on=True, by="dana", now=NOW)
    SendSwitch.objects.update(database="another")
    assert "Live, but sending is off. Sending is held since the database was restored" in words_of(marketer.get(PAGE))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "dana switched it off. 1 message is due and waits."),
        ("wrong price.", "dana switched it off: wrong price. 1 message is due and waits."),
    ],
)
def test_home_counts_what_waits(marketer, running, reason, said):
    switch_off(reason)
    assert said in words_of(marketer.get(HOME))
