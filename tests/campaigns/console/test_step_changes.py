from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import drafts, skeleton, step_tree
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("pressed", "place"),
    [
        ("add wait mail-1", "#step-wait-2"),
        ("add goto wait-1", "#step-back-1"),
        ("add exit reacted yes", "#step-leave-1"),
        ("add sms reacted no", "?step=text-1#step-text-1"),
        ("add wait_time mail-1", "#step-wait-2"),
        ("add wait_event mail-1", "#step-wait-2"),
        ("add split mail-1", "#step-split-1"),
        ("add update mail-1", "#step-note-1"),
        ("add webhook mail-1", "?step=hook-1#step-hook-1"),
        ("down mail-1", "#step-mail-1"),
        ("duplicate wait-1", "?step=wait-2#step-wait-2"),
        ("remove banner", "#steps"),
    ],
)
def test_after_a_change_the_page_stands_at_the_changed_step(marketer, pressed, place):
    with time_machine.travel(make.NOW, tick=False):
        campaign = make.drafted()
        response = marketer.post(reverse("admin:studio-campaign-steps", args=[campaign.slug]), {"do": pressed})
    assert response.url == reverse("admin:studio-campaign", args=[campaign.slug]) + place


@pytest.mark.parametrize(
    ("pressed", "lane", "kept"),
    [
        ("add sms reacted no", "no", ["text-1", "banner"]),
        ("add sms banner", "no", ["banner", "text-1"]),
        ("add csm_task reacted yes", "yes", ["call-1"]),
    ],
)
def test_a_new_step_is_stored_in_its_lane(marketer, pressed, lane, kept):
    with time_machine.travel(make.NOW, tick=False):
        campaign = make.drafted()
        marketer.post(reverse("admin:studio-campaign-steps", args=[campaign.slug]), {"do": pressed})
    document = drafts.document_of(campaign=Campaign.objects.get(pk=campaign.pk))
    fork = step_tree.find(step_tree.read_tree(document["steps"]), "reacted")
    assert [node.key for node in fork.lanes[lane]] == kept


def test_a_lane_that_a_step_does_not_have_is_refused_and_nothing_is_stored(marketer):
    with time_machine.travel(make.NOW, tick=False):
        campaign = make.drafted()
        steps = reverse("admin:studio-campaign-steps", args=[campaign.slug])
        answer = marketer.post(steps, {"do": "add sms banner no"}, follow=True)
    assert "This step is not there any more." in words_of(answer)
    stored = drafts.document_of(campaign=Campaign.objects.get(pk=campaign.pk))
    assert [step["key"] for step in stored["steps"]] == [step["key"] for step in make.document()["steps"]]


def test_a_new_text_message_says_who_sends_it_as_the_country_wants_it(marketer, settings):
    settings.SENDGRID_FROM_NAME = "Harbourline"
    with time_machine.travel(make.NOW, tick=False):
        campaign = make.drafted()
        marketer.post(reverse("admin:studio-campaign-steps", args=[campaign.slug]), {"do": "add sms mail-1"})
    document = drafts.document_of(campaign=Campaign.objects.get(pk=campaign.pk))
    (step,) = [one for one in document["steps"] if one["key"] == "text-1"]
    begins = {locale: one["text"].partition("{{")[0] for locale, one in step["variants"]["a"]["content"].items()}
    assert begins == {"en": "Harbourline: ", "he": "פרסומת, Harbourline: ", "ro": "Harbourline: "}


def test_a_company_without_a_name_still_gets_the_word_that_marks_advertisements():
    content = skeleton.new_sms(key="text-1", sender="")["variants"]["a"]["content"]
    assert content["he"]["text"].startswith("פרסומת: {{")
    assert content["en"]["text"].startswith("{{")


def test_a_new_mail_calls_the_unit_by_the_name_it_has_in_its_language():
    content = skeleton.new_mail(key="mail-1", has_meter=True, unit="projects")["variants"]["b"]["content"]
    subjects = {locale: one["subject"] for locale, one in content.items()}
    assert "projects" in subjects["en"]
    assert "פרויקטים" in subjects["he"]
    assert "Proiecte" in subjects["ro"]


def test_the_preview_of_a_message_with_one_wording_names_no_letter(marketer):
    with time_machine.travel(make.NOW, tick=False):
        campaign = make.drafted()
        page = reverse("admin:studio-campaign", args=[campaign.slug])
        words = words_of(marketer.get(page, {"step": "banner"}))
    assert "Preview, wording" not in words
