"""The studio's pages of a draft beside what runs, of moving people over, and of bringing people in by a file."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from campaigns.console import changed_words
from campaigns.sequences import apply, launch, lifecycle, snippets
from campaigns.sequences.campaign_file import LimitsSpec
from campaigns.sequences.models import Campaign, Enrolment, Entry
from campaigns.sequences.step_file import StepSpec
from campaigns.sequences.tracking import TrackingSpec
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon(settings):
    settings.SENDGRID_API_KEY = "SG.test"
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    make.market()
    for _ in range(2):
        make.ready_account()
    return make.launched(holdout_percent=None)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def url(name: str, *args: str) -> str:
    return reverse(f"admin:studio-campaign{name}", args=["seats-80", *args])


def begin(client):
    return client.post(url("-edit"), follow=True)


def longer_wait() -> dict:
    steps = make.document()["steps"]
    steps[1] = steps[1] | {"for": "9d"}
    return make.document(holdout_percent=None, steps=steps)


def renewed(campaign: Campaign, document: dict) -> Campaign:
    apply.apply_campaign(document=document, by="maria", now=make.NOW)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="maria", now=make.NOW)
    campaign.refresh_from_db()
    return campaign


def test_edit_makes_a_draft_beside_what_runs_and_says_so(marketer, campaign):
    words = words_of(begin(marketer))
    assert "Live, version 1 The next version is being edited" in words
    assert "Version 1 runs on unchanged until the draft is launched" in words
    assert "You are editing the next one." in words
    assert "version 2" not in words
    campaign.refresh_from_db()
    assert (campaign.live_version.number, campaign.draft_version.number) == (1, 2)


def test_a_part_is_changed_in_the_draft_only(marketer, campaign):
    begin(marketer)
    marketer.post(url("-part", "goal"), {"name": "Seats at 80 %", "window_days": 30, "offer": "next-plan-up"})
    campaign.refresh_from_db()
    assert campaign.draft_version.definition["goal"]["window_days"] == 30
    assert campaign.live_version.definition["goal"]["window_days"] == 14


def test_what_runs_cannot_be_changed_without_a_draft(marketer, campaign):
    assert marketer.post(url("-part", "goal"), {"window_days": 30}).status_code == 404
    assert marketer.get(url("-launch")).status_code == 302


def test_undo_goes_back_no_further_than_to_where_editing_began(marketer, campaign):
    begin(marketer)
    marketer.post(url("-part", "goal"), {"name": "Seats at 80 %", "window_days": 30, "offer": "next-plan-up"})
    for _ in range(3):
        marketer.post(url("-version"), {"do": "undo"})
    campaign.refresh_from_db()
    assert (campaign.draft_version.number, campaign.live_version.number) == (2, 1)
    assert campaign.draft_version.definition["goal"]["window_days"] == 14


def test_the_review_says_what_changes_and_that_people_inside_finish_theirs(marketer, campaign):
    apply.apply_campaign(document=longer_wait(), by="maria", now=make.NOW)
    words = words_of(marketer.get(url("-launch")))
    assert "What changes from version 1 Step 2 is changed from “Wait 3 days” to “Wait 9 days”" in words
    assert "2 people inside finish the version they entered" in words


def test_only_the_review_names_the_number_that_the_draft_gets(marketer, campaign):
    begin(marketer)
    for days in (30, 20):
        marketer.post(url("-part", "goal"), {"name": "Seats at 80 %", "window_days": days, "offer": "next-plan-up"})
    assert "Live, version 1 The next version is being edited" in words_of(marketer.get(url("")))
    assert "Launched as it stands here, the draft becomes version 4" in words_of(marketer.get(url("-launch")))
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="maria", now=make.NOW)
    campaign.refresh_from_db()
    assert campaign.live_version.number == 4


def test_the_review_says_that_more_is_measured(marketer, campaign):
    document = make.document(holdout_percent=None, tracking={"opens": "ALWAYS"})
    apply.apply_campaign(document=document, by="maria", now=make.NOW)
    words = words_of(marketer.get(url("-launch")))
    assert "What is known of links and opens is changed: whose opens are counted" in words
    assert "the draft says the same as what runs" not in words


def test_the_review_says_that_a_snippet_speaks_differently_by_now(marketer):
    """What runs keeps the words it was launched with, so the same file is no longer the same texts."""
    make.market()
    make.ready_account()
    snippets.save(slug="sign", name="Sign", content={"en": "Kind regards"}, by="ron", now=make.NOW)
    steps = make.document()["steps"]
    mjml = make.MJML.format("Hi {% include 'sign' %} {{ links.unsubscribe }}")
    steps[0]["variants"]["a"]["content"]["en"]["mjml"] = mjml
    campaign = make.launched(holdout_percent=None, steps=steps)
    apply.begin_editing(campaign=campaign, by="maria", now=make.NOW)
    assert "the draft says the same as what runs" in words_of(marketer.get(url("-launch")))
    later = make.NOW + timedelta(minutes=1)
    snippets.save(slug="sign", name="Sign", content={"en": "50 % OFF"}, by="ron", now=later)
    words = words_of(marketer.get(url("-launch")))
    assert "Step 1 (E-mail) is changed: wording A says something else in English" in words


def test_what_changes_is_said_as_the_steps_are_called(campaign):
    mail, wait, _reacted, banner, _end = make.document()["steps"]
    alone = {"a": {"weight": 100, "content": mail["variants"]["a"]["content"] | {"ro": {"subject": "L", "mjml": "m"}}}}
    two = {letter: {"weight": 50, **banner["variants"]["a"]} for letter in "ab"}
    longer = {"key": "more", "kind": "WAIT", "for": "2w"}
    steps = [mail | {"variants": alone}, longer, wait | {"for": "1d"}, banner | {"variants": two}]
    apply.apply_campaign(document=make.document(holdout_percent=None, steps=steps), by="maria", now=make.NOW)
    campaign.refresh_from_db()
    said = [one.replace("\u00a0", " ") for one in changed_words.sentences(campaign=campaign)]
    assert said == [
        "Step 1 (E-mail) is changed: wording B is gone; wording A is now there in Romanian; "
        "the shares are A 100 % instead of A 50 %, B 50 %",
        "Step 2 (Wait 2 weeks) is new",
        "Step 3 is changed from “Wait 3 days” to “Wait 1 day”",
        "Step 4 (In-app message) is changed: wording B is new; the shares are A 50 %, B 50 % instead of A 100 %",
        "Step 3 of what runs (Clicked the e-mail?) is gone",
        "“Leaves the campaign” is gone",
    ]


@pytest.mark.parametrize(
    ("weights", "leads", "told"),
    [
        ((50, 50), ("note", "end"), "Step 2 (Split by chance: A 50 %, B 50 %) is changed: where the ways lead"),
        (
            (60, 40),
            ("end", "end"),
            "Step 2 is changed from “Split by chance: A 50 %, B 50 %” to “Split by chance: A 60 %, B 40 %”",
        ),
    ],
)
def test_of_a_split_only_what_is_another_is_named(weights, leads, told):
    def steps(weights, leads):
        ways = {way: {"weight": n, "then": to} for way, n, to in zip("ab", weights, leads, strict=True)}
        split = {"key": "split", "kind": "SPLIT", "ways": ways}
        note = {"key": "note", "kind": "UPDATE", "set": {"account.traits.x": 1}}
        return [make.document()["steps"][0], split, note, {"key": "end", "kind": "EXIT"}]

    make.market()
    campaign = make.launched(holdout_percent=None, steps=steps((50, 50), ("end", "end")))
    document = make.document(holdout_percent=None, steps=steps(weights, leads))
    apply.apply_campaign(document=document, by="maria", now=make.NOW)
    campaign.refresh_from_db()
    assert [one.replace("\u00a0", " ") for one in changed_words.sentences(campaign=campaign)] == [told]


@pytest.mark.parametrize("spec", [StepSpec, LimitsSpec, TrackingSpec])
def test_every_field_that_may_be_told_has_words(spec):
    named = [one.name for one in fields(spec) if one.compare and one.name not in ("key", "variants")]
    assert len({changed_words.name_field(name) for name in named}) == len(named)


def test_launching_from_the_review_makes_the_draft_what_runs(marketer, campaign):
    apply.apply_campaign(document=longer_wait(), by="maria", now=make.NOW)
    words = words_of(marketer.post(url("-launch"), make.looked_at(campaign), follow=True))
    assert "Live, version 2" in words
    assert "2 people are on their way in an earlier version and finish it." in words


def test_the_draft_is_dropped(marketer, campaign):
    begin(marketer)
    words = words_of(marketer.post(url("-edit"), {"do": "drop"}, follow=True))
    assert "The draft is gone. What runs goes on as it was." in words
    campaign.refresh_from_db()
    assert campaign.draft_version is None


def test_a_stopped_campaign_is_not_edited(marketer, campaign):
    lifecycle.stop(campaign=campaign, by="maria", now=make.NOW)
    assert "A campaign that is over can’t be edited." in words_of(begin(marketer))


def test_an_onlooker_changes_nothing(onlooker, campaign):
    for name in ("-edit", "-move", "-enrol"):
        assert onlooker.post(url(name)).status_code == 403


def test_the_page_says_when_it_is_finished(marketer, campaign):
    said = "Finished: nobody is on the way and no message is open"
    assert said not in words_of(marketer.get(url("")))
    lifecycle.stop(campaign=campaign, by="maria", now=make.NOW)
    assert said in words_of(marketer.get(url("")))


def test_the_preview_says_who_lands_where_and_the_button_does_it(marketer, campaign):
    renewed(campaign, longer_wait())
    page = marketer.get(url("-move"))
    words = words_of(page)
    assert "2 people would land in version 2 ." in words
    assert "1 2. Wait 3 days 2 2. Wait 9 days" in words
    assert "wait-1" not in words
    [digest] = re.findall(r'name="digest" value="(\w+)"', page.content.decode())
    words = words_of(marketer.post(url("-move"), {"do": "move", "digest": digest}, follow=True))
    assert "2 people were moved." in words
    assert set(Enrolment.objects.values_list("version__number", flat=True)) == {2}
    assert "Everybody inside is in the version that runs." in words_of(marketer.get(url("-move")))


def test_a_choice_is_looked_at_before_it_is_done(marketer, campaign):
    steps = [step for step in make.document()["steps"] if step["key"] != "wait-1"]
    renewed(campaign, make.document(holdout_percent=None, steps=steps))
    words = words_of(marketer.get(url("-move")))
    assert "Nobody would land in version 2 , 2 stay and finish the version they entered." in words
    assert "2. Wait 3 days 2 Stay: this version has no such step. Choose where they land." in words
    stale = marketer.post(url("-move"), {"do": "move", "digest": "x", "to-wait-1": "reacted"})
    assert "Meanwhile others stand elsewhere." in words_of(stale)
    looked = marketer.post(url("-move"), {"do": "look", "to-wait-1": "reacted"})
    assert "Move 2 people to version 2" in words_of(looked)
    assert not Enrolment.objects.filter(version__number=2).exists()


def test_a_file_is_tried_before_it_counts(marketer, campaign):
    account = make.account_near_limit(seats=1)
    make.reader(account)
    text = f"account\n{account.external_id}\nnobody\n"
    upload = SimpleUploadedFile("q3.csv", text.encode())
    page = marketer.post(url("-enrol"), {"file": upload, "do": "look"})
    words = words_of(page)
    assert "Would start for 1 account" in words
    assert "Line 3: nobody There is no account with this id." in words
    assert Entry.objects.count() == 2
    marketer.post(url("-enrol"), {"text": text, "name": "q3.csv", "do": "enrol"})
    assert Entry.objects.get(account=account).occasion == "q3.csv"


@pytest.mark.parametrize("content", [b"id\nx\n", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused_in_words(marketer, campaign, content):
    page = marketer.post(url("-enrol"), {"file": SimpleUploadedFile("x.csv", content), "do": "look"})
    assert page.status_code == 422


def test_a_paused_campaign_takes_nobody_in_by_file(marketer, campaign):
    lifecycle.pause(campaign=campaign, by="maria", now=make.NOW)
    assert "Only a campaign that runs takes anybody in." in words_of(marketer.get(url("-enrol"), follow=True))
