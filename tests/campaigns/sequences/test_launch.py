from __future__ import annotations

import pytest

from campaigns.delivery.models import Message, SendGate
from campaigns.operations.models import AuditEntry
from campaigns.sequences import check, launch, selectors
from campaigns.sequences.models import Campaign, Enrolment, Entry
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


def test_a_launch_puts_everybody_in_one_place():
    # given
    make.market()
    for _ in range(30):
        make.ready_account()
    lonely = make.account_near_limit()
    # when
    campaign = make.drafted()
    report = launch.launch(campaign=campaign, by="dana", now=make.NOW, salt="s1")
    # then
    assert report.enrolled + report.holdout == 30
    assert report.not_enrolled == {"no_reachable_contact": 1}
    assert Entry.objects.get(account=lonely).reason == "no_reachable_contact"
    ledger = selectors.ledger(campaign=campaign, now=make.NOW)
    assert ledger["accounts"]["audience"] == 31
    assert ledger["messages"]["PLANNED"] == report.enrolled == Enrolment.objects.count()


def test_a_launch_says_who_approved_it():
    make.market()
    make.ready_account()
    campaign = make.drafted()
    launch.launch(campaign=campaign, by="dana", now=make.NOW)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.launched_by) == (Campaign.Status.LIVE, "dana")
    assert campaign.versions.get().approved_by == "dana"
    assert AuditEntry.objects.get(action="campaign.launch").actor == "dana"
    assert SendGate.objects.get(slug="seats-80").state == SendGate.State.OPEN


def test_a_message_carries_price_evidence_and_the_link_of_its_reader():
    make.market()
    account = make.ready_account(name="Harbour")
    make.launched(holdout_percent=None)
    message = Message.objects.get()
    assert message.context["account"]["name"] == "Harbour"
    assert message.context["offer"]["new_monthly"] == "99.00"
    assert "/o/" in message.context["offer_url"]
    assert message.account == account
    assert (message.origin_campaign, message.origin_step) == ("seats-80", "mail-1")


def test_a_second_launch_is_refused():
    make.market()
    make.ready_account()
    campaign = make.launched()
    with pytest.raises(launch.LaunchRefused):
        launch.launch(campaign=campaign, by="dana", now=make.NOW)


def test_a_blocker_keeps_everything_as_it_was():
    make.market()
    make.ready_account()
    campaign = make.drafted(goal=None)
    with pytest.raises(launch.LaunchRefused) as refused:
        launch.launch(campaign=campaign, by="dana", now=make.NOW)
    assert [finding.code for finding in refused.value.findings] == ["no_goal"]
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.DRAFT
    assert refused.value.findings[0].level == check.BLOCKER
