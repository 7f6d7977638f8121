"""Entry by an event: it happened to somebody in the audience, after they were last looked at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.profiles.models import Account
from campaigns.segments import refresh
from campaigns.sequences import (
    apply,
    enrol,
    enrol_events,
    exits,
    faults,
    launch,
    lifecycle,
    selectors,
    wake,
)
from campaigns.sequences.counts import Counts
from campaigns.sequences.models import Campaign, Enrolment, Entry
from campaigns.usage import record
from campaigns.usage.models import UsageDaily
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
SOON = NOW + timedelta(minutes=5)
ATTEMPT = {"name": "sso_attempted", "where": [{"property": "feature", "op": "=", "value": "sso"}]}
by_event = scenes.of({"holdout_percent": None, "entry": {"event": ATTEMPT}})
nobody_yet = scenes.of({"holdout_percent": None, "entry": {"event": ATTEMPT}}, accounts=0)


def launched(**changes) -> Campaign:
    entry = {"event": ATTEMPT} | changes.pop("entry", {})
    return make.launched(**({"holdout_percent": None, "entry": entry} | changes))


def happens(account, *, at=SOON, name="sso_attempted", feature="sso", contact=None) -> None:
    record.record_events(
        events=[
            record.NewEvent(
                at=at,
                account_id=account.pk,
                contact_id=contact.pk if contact else None,
                name=name,
                properties={"feature": feature},
                source="tests",
                message_id=f"{account.pk}-{at}",
                received_at=at,
            )
        ]
    )


@pytest.fixture
def account(scene, db) -> Account:
    return Account.objects.get()


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get()


@by_event
def test_nobody_enters_before_it_happens(campaign, account):
    assert enrol.enrol_audience(campaign=campaign, now=NOW) == Counts()
    assert enrol.enrol_due(now=NOW) == Counts()
    assert enrol_events.enrol_happened(now=SOON) == Counts()


@pytest.mark.parametrize(("entry", "late"), [({}, 1), ({"event": ATTEMPT}, 0), ({"by": "HAND"}, 0)])
def test_only_who_should_come_in_with_the_segment_is_missed(account, entry, late):
    campaign = make.launched(holdout_percent=None, entry=entry | {"reentry": "ALWAYS"})
    make.ready_account()
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=SOON)
    missed = faults.count_unread(limit=NOW + timedelta(days=1), campaign=campaign.slug)
    assert sum(number for _, _, number, _ in missed) == late


@by_event
def test_the_event_brings_the_account_in_and_says_so(account):
    happens(account)
    assert enrol_events.enrol_happened(now=SOON).enrolled == 1
    entry = Entry.objects.get()
    assert (entry.source, entry.occasion) == ("EVENT", "sso_attempted 2026-03-02T09:05:00Z")
    assert entry.stay is not None


def test_an_event_read_again_brings_nobody_in_twice(account):
    launched(entry={"reentry": "ALWAYS"})
    happens(account)
    enrol_events.enrol_happened(now=SOON)
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason="COMPLETED", now=SOON)
    enrol_events.enrol_happened(now=SOON + timedelta(minutes=1))
    assert Entry.objects.count() == 1


@by_event
@pytest.mark.parametrize(
    "event",
    [{"feature": "audit_log"}, {"name": "scim_attempted"}, {"at": NOW - timedelta(minutes=1)}],
)
def test_another_event_or_one_before_the_launch_brings_nobody_in(account, event):
    happens(account, **event)
    enrol_events.enrol_happened(now=SOON)
    assert not Entry.objects.exists()


@by_event
def test_who_is_not_in_the_audience_does_not_enter(account):
    outside = make.account_near_limit(seats=2)
    make.reader(outside)
    happens(outside)
    enrol_events.enrol_happened(now=SOON)
    assert not Entry.objects.exists()


@by_event
def test_an_event_of_the_day_before_yesterday_starts_nothing(account):
    happens(account)
    enrol_events.enrol_happened(now=SOON + timedelta(days=2))
    assert not Entry.objects.exists()


@by_event
def test_the_gates_hold_for_events_too_and_the_ledger_sums(account):
    happens(account)
    mute = make.account_near_limit()
    happens(mute)
    enrol_events.enrol_happened(now=SOON)
    accounts = selectors.ledger(campaign=Campaign.objects.get(), now=SOON)["accounts"]
    assert accounts == {"audience": 2, "holdout": 0, "enrolled": 1, "not_enrolled": {"no_reachable_contact": 1}}


def test_of_a_contact_audience_the_contact_enters(account):
    other = make.reader(account)
    launched(audience={"segment": {"subject": "contact", "all": []}})
    happens(account, contact=other)
    enrol_events.enrol_happened(now=SOON)
    assert Enrolment.objects.get().contact == other


@pytest.mark.parametrize(
    ("rule", "again"),
    [
        ({"reentry": "NEVER"}, False),
        ({"reentry": "ALWAYS"}, True),
        ({"reentry": "ALWAYS", "at_most": 1}, False),
        ({"reentry": "ALWAYS", "at_most": 2}, True),
        ({"reentry": "AFTER_COOLDOWN", "cooldown_days": 5}, False),
        ({"reentry": "AFTER_COOLDOWN", "cooldown_days": 4}, True),
    ],
)
def test_a_second_event_after_the_exit_enters_as_the_rule_says(account, rule, again):
    """Enters on day 0, leaves on day 3, the event comes again on day 7: four days since the exit."""
    launched(entry=rule)
    happens(account)
    enrol_events.enrol_happened(now=SOON)
    left = SOON + timedelta(days=3)
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason="COMPLETED", now=left)
    happens(account, at=left + timedelta(days=4))
    enrol_events.enrol_happened(now=left + timedelta(days=4, minutes=1))
    assert Entry.objects.count() == 1 + again


def test_who_is_inside_does_not_enter_again(account):
    launched(entry={"reentry": "ALWAYS"})
    happens(account)
    enrol_events.enrol_happened(now=SOON)
    happens(account, at=SOON + timedelta(hours=1))
    enrol_events.enrol_happened(now=SOON + timedelta(hours=1))
    assert Entry.objects.count() == 1


@nobody_yet
def test_an_account_that_the_segment_has_not_seen_yet_leaves_with_the_audience(campaign):
    account = make.ready_account()
    happens(account)
    assert enrol_events.enrol_happened(now=SOON).enrolled == 1
    stay = Entry.objects.get().stay
    assert stay is not None and stay.entered_at == SOON
    UsageDaily.objects.update(value=1)
    assert campaign.segment is not None
    next_day = SOON + timedelta(days=1)
    refresh.refresh_segment(segment=campaign.segment, now=next_day)
    wake.wake_concerned(now=next_day)
    make.go_on(now=next_day)
    assert Enrolment.objects.get().exit_reason == "LEFT_SEGMENT"


@nobody_yet
def test_the_refresh_finds_whom_an_event_brought_in_inside_already(campaign):
    happens(make.ready_account())
    enrol_events.enrol_happened(now=SOON)
    assert campaign.segment is not None
    assert refresh.refresh_segment(segment=campaign.segment, now=SOON).entered == 0


def relaunched(campaign: Campaign, *, at, **changes) -> None:
    entry = {"event": ATTEMPT}
    document = make.document(**({"holdout_percent": None, "entry": entry, "name": "Another name"} | changes))
    apply.apply_campaign(document=document, by="dana", now=at)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="dana", now=at)


@by_event
def test_what_happened_a_moment_before_a_new_version_is_not_lost(campaign, account):
    happens(account)
    relaunched(campaign, at=SOON + timedelta(seconds=2))
    assert enrol_events.enrol_happened(now=SOON + timedelta(seconds=5)).enrolled == 1


def test_what_happened_before_events_brought_anybody_in_starts_nothing(account):
    outside = make.account_near_limit(seats=2)
    make.reader(outside)
    campaign = make.launched(holdout_percent=None)
    happens(outside)
    UsageDaily.objects.update(value=9)
    relaunched(campaign, at=SOON + timedelta(seconds=2))
    assert enrol_events.enrol_happened(now=SOON + timedelta(seconds=5)).enrolled == 0


@by_event
@pytest.mark.parametrize(("hours", "enrolled"), [(20, 1), (30, 0)])
def test_after_a_pause_what_happened_on_the_last_day_still_brings_in(campaign, account, hours, enrolled):
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    happens(account)
    resumed = SOON + timedelta(hours=hours)
    lifecycle.resume(campaign=campaign, by="dana", now=resumed)
    assert enrol_events.enrol_happened(now=resumed).enrolled == enrolled
