"""The ledger counts the audience from who is in it: whoever nothing is written about is seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.profiles.models import Account, Contact
from campaigns.segments import refresh
from campaigns.sequences import enrol, lifecycle, selectors
from campaigns.sequences.models import Campaign, Entry
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make
from tests.factories.profiles import ContactFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW


def accounts(campaign: Campaign) -> dict:
    campaign.refresh_from_db()
    return selectors.ledger(campaign=campaign, now=NOW)["accounts"]


def contacts(campaign: Campaign) -> dict:
    campaign.refresh_from_db()
    return selectors.ledger(campaign=campaign, now=NOW)["contacts"]


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get()


nobody_yet = scenes.of({"holdout_percent": None}, accounts=0)
market_alone = scenes.of(accounts=0)


@scenes.of({"holdout_percent": None}, accounts=3)
def test_an_account_that_was_passed_over_is_counted(campaign):
    Entry.objects.filter(pk=Entry.objects.latest("pk").pk).update(campaign=make.drafted(slug="another"))
    assert accounts(campaign) == {"audience": 3, "holdout": 0, "enrolled": 2, "not_enrolled": {"not_yet": 1}}


@nobody_yet
def test_who_came_into_the_audience_a_moment_ago_is_about_to_be_looked_at(campaign):
    make.ready_account()
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=NOW)
    assert accounts(campaign)["not_enrolled"] == {"not_yet": 1}
    enrol.enrol_audience(campaign=campaign, now=NOW)
    assert accounts(campaign) == {"audience": 1, "holdout": 0, "enrolled": 1, "not_enrolled": {}}


@nobody_yet
def test_of_a_stopped_campaign_nobody_is_about_to_be_looked_at(campaign):
    make.ready_account()
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=NOW)
    lifecycle.stop(campaign=campaign, by="dana", now=NOW)
    assert accounts(campaign)["audience"] == 0


@scenes.of({"holdout_percent": None})
def test_an_account_that_may_not_enter_again_stays_where_it_was_taken_in(campaign):
    Entry.objects.create(
        campaign=campaign, account=Account.objects.get(), number=2, at=NOW + timedelta(days=1), outcome="NOT_ENROLLED",
        reason="recent_refusal", source="SEGMENT",
    )  # fmt: skip
    assert accounts(campaign) == {"audience": 1, "holdout": 0, "enrolled": 1, "not_enrolled": {}}
    assert selectors.entry_counts(campaign=campaign) == {"enrolled": 1, "holdout": 0, "not_enrolled": {}}


@market_alone
def test_every_contact_of_a_list_has_a_place_and_the_sum_is_the_list():
    account = make.account_near_limit()
    silent = make.reader(account, topics={"offers": "WITHDRAWN"})
    able = [make.reader(account) for _ in range(2)]
    people: list[Contact] = [silent, *able, ContactFactory()]
    campaign = make.launched(holdout_percent=None, audience={"contacts": [one.external_id for one in people]})
    assert contacts(campaign) == {
        "audience": 4,
        "enrolled": 2,
        "not_enrolled": {"no_account": 1, "no_reachable_contact": 1},
    }


@market_alone
def test_the_contacts_of_a_held_out_account_are_held_out():
    people = [make.reader(make.account_near_limit()) for _ in range(12)]
    campaign = make.launched(holdout_percent=50, audience={"contacts": [one.external_id for one in people]})
    held = accounts(campaign)["holdout"]
    assert 0 < held < 12
    assert contacts(campaign) == {"audience": 12, "enrolled": 12 - held, "not_enrolled": {"holdout": held}}
