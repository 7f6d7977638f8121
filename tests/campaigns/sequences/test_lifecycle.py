from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery.models import Message, SendGate
from campaigns.operations.models import AuditEntry
from campaigns.segments import refresh
from campaigns.sequences import advance, enrol, lifecycle, selectors
from campaigns.sequences.models import Campaign, Enrolment, Entry
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    make.market()
    for _ in range(4):
        make.ready_account()
    return make.launched(holdout_percent=None)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def test_a_pause_closes_the_gate_and_leaves_the_messages(campaign):
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    assert SendGate.objects.get().state == SendGate.State.PAUSED
    assert Message.objects.filter(state=Message.State.PLANNED).count() == 4


def test_a_paused_campaign_enrols_nobody_and_catches_up_when_resumed(campaign):
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    make.ready_account()
    refresh.refresh_segment(segment=campaign.segment, now=NOW)
    enrol.enrol_audience(campaign=campaign, now=NOW)
    assert Entry.objects.count() == 4
    lifecycle.resume(campaign=campaign, by="dana", now=NOW)
    enrol.enrol_audience(campaign=campaign, now=NOW)
    assert Entry.objects.count() == 5


def test_a_stop_skips_what_waits_and_ends_everybody(campaign):
    assert lifecycle.stop(campaign=campaign, by="dana", now=NOW) == 4
    assert selectors.ledger(campaign=campaign, now=NOW)["skips"] == {"CAMPAIGN_STOPPED": 4}
    assert selectors.exit_reasons(campaign=campaign) == {"STOPPED": 4}
    assert selectors.is_finished(campaign=campaign)


def test_nothing_moves_after_a_stop(campaign):
    lifecycle.stop(campaign=campaign, by="dana", now=NOW)
    assert make.go_on(now=NOW + timedelta(days=9)) == advance.Advanced()
    assert not Enrolment.objects.filter(state="OPEN").exists()


def test_each_change_says_who_made_it(campaign):
    lifecycle.pause(campaign=campaign, by="dana", now=NOW, reason="typo in the mail")
    lifecycle.resume(campaign=campaign, by="ron", now=NOW)
    lifecycle.stop(campaign=campaign, by="ron", now=NOW)
    entries = AuditEntry.objects.exclude(action="campaign.launch").filter(subject="campaign:seats-80")
    rows = entries.order_by("pk").values_list("action", "actor", "reason")
    assert list(rows) == [
        ("campaign.paused", "dana", "typo in the mail"),
        ("campaign.live", "ron", ""),
        ("campaign.stopped", "ron", ""),
    ]


def test_a_stopped_campaign_cannot_be_resumed(campaign):
    lifecycle.stop(campaign=campaign, by="dana", now=NOW)
    with pytest.raises(lifecycle.WrongStateError):
        lifecycle.resume(campaign=campaign, by="dana", now=NOW)
    assert SendGate.objects.get().state == SendGate.State.STOPPED


def test_a_live_campaign_over_a_segment_is_never_finished(campaign):
    Message.objects.update(state=Message.State.EXPIRED)
    Enrolment.objects.update(state="ENDED", exit_reason="COMPLETED")
    assert not selectors.has_open_rows(campaign=campaign)
    assert not selectors.is_finished(campaign=campaign)
