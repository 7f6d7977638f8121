"""Who comes into a campaign: everybody in the segment, who an event happens to, only who is named."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import drafts
from campaigns.sequences.models import Campaign
from tests.campaigns.console.conftest import client_of_maria
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make
from tests.factories.segments import make_segment
from tests.factories.usage import UsageEventFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_launch_day():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def scene(shared_rows):
    """A draft as the page for a new campaign makes it."""
    make.market()
    account = make.account_near_limit(name="Galil Software")
    make.reader(account, first_name="Dana", last_name="Levi", locale="he")
    make_segment({"all": [make.SEATS]}, slug="close-to-limit")
    with time_machine.travel(make.NOW, tick=False):
        client_of_maria().post(
            reverse("admin:studio-campaign-new"),
            {"name": "Seats at 80 %", "segment": "close-to-limit", "offer": "next-plan-up"},
        )


@pytest.fixture
def draft(scene, settings, db):
    settings.SENDGRID_API_KEY = "SG.test"
    return Campaign.objects.get()


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=args)


def audience_of(draft):
    draft.refresh_from_db()
    return draft.draft_version.definition["entry"]


AUDIENCE = {
    "segment": "close-to-limit",
    "holdout_percent": "10",
    "by": "SEGMENT",
    "reentry": "NEVER",
    "per_account": "1",
}


def test_an_event_brings_people_in_with_its_own_rule_of_entering_again(draft, marketer):
    UsageEventFactory(name="sso_attempted")
    choices = marketer.get(page("", draft.slug), {"edit": "audience"}).content.decode()
    assert '<option value="sso_attempted"' in choices
    told = {"by": "EVENT", "event": "sso_attempted", "reentry": "AFTER_COOLDOWN", "cooldown_days": "30"}
    marketer.post(page("-part", draft.slug, "audience"), AUDIENCE | told)
    stored = {"event": {"name": "sso_attempted"}, "reentry": "AFTER_COOLDOWN", "cooldown_days": 30}
    assert audience_of(draft) == stored
    words = words_of(marketer.get(page("", draft.slug)))
    assert "enters when the event sso_attempted happens. An account may enter again 30 days after it left." in words
    marketer.post(page("-version", draft.slug), {"do": "undo"})
    assert "event" not in audience_of(draft)


def test_only_who_is_named_comes_in(draft, marketer):
    marketer.post(page("-part", draft.slug, "audience"), AUDIENCE | {"by": "HAND"})
    assert audience_of(draft) == {"by": "HAND", "reentry": "NEVER"}
    assert "Only who is named in a file or by another system enters." in words_of(marketer.get(page("", draft.slug)))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"by": "EVENT"}, "Choose the event that brings people in."),
        ({"by": "EVENT", "event": "never_seen"}, "never_seen"),
        ({"by": "EVENT", "event": "sso_attempted", "reentry": "AFTER_COOLDOWN"}, "Say after how many days."),
        ({"by": ""}, "Fill this in."),
    ],
)
def test_an_entry_that_says_too_little_is_refused_beside_its_field(draft, marketer, told, why):
    UsageEventFactory(name="sso_attempted")
    before = audience_of(draft)
    answer = marketer.post(page("-part", draft.slug, "audience"), AUDIENCE | told)
    assert answer.status_code == 422
    assert why in words_of(answer)
    assert audience_of(draft) == before


def test_what_the_file_asks_of_an_event_stays_until_another_is_chosen(draft, marketer):
    UsageEventFactory(name="sso_attempted")
    document = drafts.document_of(campaign=draft)
    asked = {"name": "premium_feature_attempted", "where": [{"property": "feature", "op": "=", "value": "sso"}]}
    document["entry"] = {"event": asked}
    drafts.save(campaign=draft, document=document, by="maria", now=make.NOW)
    assert "happens as the campaign file wants it" in words_of(marketer.get(page("", draft.slug)))
    told = AUDIENCE | {"by": "EVENT", "event": asked["name"]}
    marketer.post(page("-part", draft.slug, "audience"), told)
    assert audience_of(draft)["event"] == asked
    marketer.post(page("-part", draft.slug, "audience"), told | {"event": "sso_attempted"})
    assert audience_of(draft)["event"] == {"name": "sso_attempted"}


def test_entry_by_an_event_is_said_and_survives_the_form(draft, marketer):
    campaign = make.drafted(entry={"event": {"name": "sso_attempted"}, "reentry": "ALWAYS", "at_most": 3})
    words = words_of(marketer.get(page("", "seats-80")))
    assert "Who is in it enters when the event sso_attempted happens." in words
    assert "At most 3 times in all." in words
    form = {"segment": "", "holdout_percent": 20, "by": "EVENT", "event": "sso_attempted", "reentry": "ALWAYS",
            "cooldown_days": 90, "at_most": 2, "per_account": 1, "roles": ["OWNER"]}  # fmt: skip
    marketer.post(page("-part", "seats-80", "audience"), form)
    campaign.refresh_from_db()
    assert campaign.draft_version is not None
    entry = campaign.draft_version.definition["entry"]
    assert entry == {"event": {"name": "sso_attempted"}, "reentry": "ALWAYS", "at_most": 2}
    assert "People enter when the event sso_attempted happens, from the launch on" in words_of(
        marketer.get(page("-launch", "seats-80"))
    )
