"""Who was kept out enters once the reason is over, as long as they are in the audience."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from campaigns.billing.models import Subscription
from campaigns.segments import refresh
from campaigns.sequences import enrol, enrol_again, exits, selectors
from campaigns.sequences.models import Campaign, Enrolment, Entry
from campaigns.usage.models import UsageDaily
from tests.factories import sequences as make
from tests.settled import wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)
NOW = make.NOW
DAY = timedelta(days=1)


def looks_again(at: datetime) -> int:
    return enrol_again.enrol_kept_out(now=at).enrolled


def audience_at(campaign: Campaign, at: datetime, *, seats: int) -> None:
    UsageDaily.objects.update(value=seats)
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=at)
    wait_until_settled()
    enrol.enrol_due(now=at)


def test_an_account_that_pays_again_enters():
    make.market()
    make.ready_account(subscription={"status": "PAST_DUE"})
    campaign = make.launched(holdout_percent=None)
    assert looks_again(NOW + DAY) == 0
    assert Entry.objects.count() == 1
    Subscription.objects.update(status="ACTIVE")
    assert looks_again(NOW + 2 * DAY) == 1
    assert looks_again(NOW + 2 * DAY) == 0
    assert selectors.entry_counts(campaign=campaign) == {"enrolled": 1, "holdout": 0, "not_enrolled": {}}


def test_one_that_left_the_audience_meanwhile_does_not():
    make.market()
    make.ready_account(subscription={"status": "PAST_DUE"})
    campaign = make.launched(holdout_percent=None)
    audience_at(campaign, NOW + DAY, seats=1)
    Subscription.objects.update(status="ACTIVE")
    assert looks_again(NOW + 2 * DAY) == 0


def came_back_early(**entry: object) -> Campaign:
    """Out on day 0, away on day 1, back inside on day 2 while the cool-down runs until day 5."""
    make.market()
    make.ready_account()
    campaign = make.launched(holdout_percent=None, entry=entry)
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason="COMPLETED", now=NOW)
    audience_at(campaign, NOW + DAY, seats=1)
    audience_at(campaign, NOW + 2 * DAY, seats=9)
    return campaign


def test_whoever_came_back_during_the_cool_down_enters_when_it_is_over():
    came_back_early(reentry="AFTER_COOLDOWN", cooldown_days=5)
    assert looks_again(NOW + 4 * DAY) == 0
    assert looks_again(NOW + 5 * DAY) == 1
    assert looks_again(NOW + 6 * DAY) == 0
    assert Entry.objects.count() == 2


def test_whoever_may_never_enter_again_does_not():
    came_back_early(reentry="NEVER")
    assert looks_again(NOW + 30 * DAY) == 0
    assert Entry.objects.count() == 1


def test_a_stay_brings_in_once():
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None, entry={"reentry": "ALWAYS"})
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason="COMPLETED", now=NOW)
    assert looks_again(NOW + 30 * DAY) == 0


def test_the_held_out_stay_held_out():
    make.market()
    for _ in range(20):
        make.ready_account()
    make.launched(holdout_percent=50)
    before = Entry.objects.count()
    assert looks_again(NOW + 30 * DAY) == 0
    assert Entry.objects.count() == before


def test_of_a_contact_audience_the_contact_whose_account_pays_again_enters():
    make.market()
    account = make.account_near_limit(subscription={"status": "PAST_DUE"})
    reader = make.reader(account)
    definition = {"subject": "contact", "field": "contact.email", "op": "is_set"}
    make.launched(holdout_percent=None, audience={"segment": definition})
    Subscription.objects.update(status="ACTIVE")
    assert looks_again(NOW + DAY) == 1
    assert Enrolment.objects.get().contact == reader
    assert looks_again(NOW + DAY) == 0


def test_a_list_of_contacts_was_judged_once():
    make.market()
    reader = make.reader(make.account_near_limit(subscription={"status": "PAST_DUE"}))
    make.launched(holdout_percent=None, audience={"contacts": [reader.external_id]})
    Subscription.objects.update(status="ACTIVE")
    assert looks_again(NOW + DAY) == 0
