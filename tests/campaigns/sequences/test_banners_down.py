"""Banners that are up come down with the enrolment, and are hidden while their campaign may send nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import points
from campaigns.delivery import claim, dispatch, in_app, switch
from campaigns.delivery.models import Message
from campaigns.profiles.models import Contact
from campaigns.sequences import exits, lifecycle, wake
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator import clock
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db(transaction=True)
NOW = make.NOW
LATER = NOW + timedelta(hours=1)
BANNER = make.document()["steps"][3]


def put_up(*, banner: dict = BANNER, **changes) -> Campaign:
    make.market()
    make.ready_account()
    points.ensure_points(contacts=list(Contact.objects.all()), channel="in_app")
    campaign = make.launched(holdout_percent=None, steps=[banner], **changes)
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel="in_app", now=NOW, worker="tests")
    assert shown() == 1
    return campaign


def shown() -> int:
    return len(in_app.feed(contact=Contact.objects.get().external_id, account="", now=LATER) or [])


@pytest.mark.parametrize("reason", ["REFUSED", "LEFT_SEGMENT", "GATE_CLOSED", "OPTED_OUT", "CONVERTED"])
def test_an_early_exit_takes_it_down(reason):
    put_up()
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason=reason, now=LATER)
    assert shown() == 0
    assert Message.objects.values_list("state", "taken_back").get() == ("ACCEPTED", reason)


def test_whoever_has_all_steps_behind_them_still_sees_it():
    put_up()
    wake.complete_finished(now=NOW)
    assert Enrolment.objects.get().exit_reason == "COMPLETED"
    assert shown() == 1


def test_a_pause_hides_it_until_the_campaign_goes_on():
    campaign = put_up()
    lifecycle.pause(campaign=campaign, by="dana", now=LATER)
    assert shown() == 0
    lifecycle.resume(campaign=campaign, by="dana", now=LATER)
    assert shown() == 1


def test_marketing_is_hidden_while_sending_is_switched_off():
    put_up()
    switch.set_switch(is_on=False, by="dana", now=LATER)
    assert shown() == 0
    switch.set_switch(is_on=True, by="dana", now=LATER)
    assert shown() == 1


def test_a_notice_that_is_no_marketing_is_shown_all_the_same():
    words = {"a": {"content": {"en": {"title": "Your data is back", "body": "All of it.", "button": "See"}}}}
    put_up(banner=BANNER | {"variants": words}, purpose="TRANSACTIONAL", offer=None)
    switch.set_switch(is_on=False, by="dana", now=LATER)
    assert shown() == 1
