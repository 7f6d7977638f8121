from __future__ import annotations

import pytest

from campaigns.offers.models import Offer
from campaigns.segments.models import Segment
from campaigns.sequences import apply
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign, CampaignVersion
from tests.factories import sequences as make
from tests.factories.segments import make_segment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def market():
    make.market()


def apply_file(**changes):
    return apply.apply_campaign(document=make.document(**changes), by="dana", now=make.NOW)


def test_a_file_becomes_a_draft_with_its_own_audience():
    version = apply_file()
    assert (version.number, version.created_by) == (1, "dana")
    assert version.campaign.status == Campaign.Status.DRAFT
    assert version.campaign.segment.slug == "seats-80-audience"
    assert version.campaign.segment.live_version.definition == make.SEATS
    assert version.campaign.offer.slug == "next-plan-up"


def test_the_same_file_twice_makes_one_version():
    assert apply_file() == apply_file()
    assert CampaignVersion.objects.count() == 1


def test_a_changed_file_makes_a_second_version():
    apply_file()
    assert apply_file(name="Seats at eighty").number == 2
    assert Campaign.objects.get().name == "Seats at eighty"


def test_a_stored_segment_is_used_by_its_slug():
    segment = make_segment(make.SEATS, slug="near-limit")
    assert apply_file(audience={"segment": "near-limit"}).campaign.segment == segment


def test_what_was_applied_is_exported():
    campaign = apply_file().campaign
    assert apply.export_campaign(campaign=campaign) == make.document()


def test_an_offer_can_be_made_by_the_file():
    apply_file(offer={"slug": "to-team", "name": "To Team", "target_plan": "team"})
    assert Offer.objects.filter(slug="to-team", target_plan__code="team").exists()


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("audience.segment", {"audience": {"segment": "nobody-made-this"}}),
        ("audience.segment.value", {"audience": {"segment": make.SEATS | {"value": "many"}}}),
        ("offer", {"offer": "nobody-made-this"}),
        ("offer.target_plan", {"offer": {"slug": "x", "name": "X", "target_plan": "platinum"}}),
        ("topic", {"topic": "gossip"}),
    ],
)
def test_a_wrong_file_changes_nothing(path, changes):
    with pytest.raises(CampaignFileError) as wrong:
        apply_file(**changes)
    assert wrong.value.path == path
    assert not Campaign.objects.exists()
    assert not Segment.objects.exists()


def test_a_branch_with_a_wrong_condition_is_named():
    steps = make.document()["steps"]
    steps[2] = steps[2] | {"if": {"engagement": "smelled"}}
    with pytest.raises(CampaignFileError) as wrong:
        apply_file(steps=steps)
    assert wrong.value.path.startswith("steps[2].if")


def test_an_offer_of_others_is_not_changed():
    with pytest.raises(CampaignFileError):
        apply_file(offer={"slug": "next-plan-up", "name": "Up", "target_plan": "team"})
    assert Offer.objects.get().target_plan is None


def test_a_launched_campaign_is_not_rewritten():
    make.ready_account()
    campaign = make.launched()
    assert apply_file() == campaign.live_version
    draft = apply_file(name="Another")
    campaign.refresh_from_db()
    assert campaign.live_version is not None
    assert (campaign.live_version.number, draft.number, campaign.name) == (1, 2, "Seats at 80 %")


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"name": "x", "where": [{"property": "feature"}]}, "entry.event.where[0].op"),
        ({"name": "x", "where": {}}, "entry.event.where"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_with_its_path(event, path):
    with pytest.raises(CampaignFileError) as wrong:
        apply_file(entry={"event": event})
    assert wrong.value.path == path
