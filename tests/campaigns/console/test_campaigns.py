from __future__ import annotations

import pytest
import time_machine
from django.test import override_settings
from django.urls import reverse

from campaigns.console import skeleton
from campaigns.sequences.models import Campaign
from tests.campaigns.console.conftest import client_of_maria
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make
from tests.factories.segments import make_segment

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


@pytest.fixture(scope="module")
def shown(scene):
    """The draft's page as it is before anything is changed."""
    with time_machine.travel(make.NOW, tick=False), override_settings(SENDGRID_API_KEY="SG.test"):
        return client_of_maria().get(page("", "seats-at-80"))


@pytest.fixture
def draft(scene, settings, db):
    settings.SENDGRID_API_KEY = "SG.test"
    return Campaign.objects.get()


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=args)


def steps_of(campaign):
    campaign.refresh_from_db()
    return campaign.draft_version.definition["steps"]


def keys_of(campaign):
    return [step["key"] for step in steps_of(campaign)]


def do(client, campaign, what):
    return client.post(page("-steps", campaign.slug), {"do": what})


def shown_after(client, campaign, what):
    """The campaign's page, to which that leads."""
    return client.get(do(client, campaign, what).url)


def test_a_new_campaign_has_two_wordings_in_three_languages(draft):
    first = steps_of(draft)[0]
    assert list(first["variants"]) == ["a", "b"]
    assert {locale for variant in first["variants"].values() for locale in variant["content"]} == {"en", "he", "ro"}
    assert draft.draft_version.definition["holdout_percent"] == 10


def test_two_campaigns_of_one_name_get_addresses_of_their_own(draft, marketer):
    data = {"name": "Seats at 80 %", "segment": "close-to-limit", "offer": "next-plan-up"}
    marketer.post(page("-new"), data)
    assert set(Campaign.objects.values_list("slug", flat=True)) == {"seats-at-80", "seats-at-80-2"}


def test_a_name_in_hebrew_gets_an_address_all_the_same(draft, marketer):
    data = {"name": "שדרוג", "segment": "close-to-limit", "offer": "next-plan-up"}
    assert marketer.post(page("-new"), data)["Location"] == page("", "campaign")
    assert marketer.post(page("-new"), data)["Location"] == page("", "campaign-2")
    assert Campaign.objects.get(slug="campaign").name == "שדרוג"


def test_a_search_for_what_no_text_can_hold_finds_by_the_rest(draft, marketer):
    assert "Seats at 80 %" in words_of(marketer.get(page("s"), {"q": "seats\x00"}))


def test_errors_say_what_would_be_right(draft, marketer):
    data = {"name": "", "window_days": "999", "offer": ""}
    words = words_of(marketer.post(page("-part", draft.slug, "goal"), data))
    assert "Fill this in." in words
    assert "Fill in 365 or less." in words


@pytest.mark.parametrize(
    ("part", "mine", "theirs"),
    [
        (
            "limits",
            {"window_from": "09:00", "window_to": "20:00", "send_by_hours": "48", "priority": "70"},
            {"window_from": "10:00", "window_to": "20:00", "send_by_hours": "48", "priority": "50"},
        ),
        (
            "goal",
            {"name": "Mine", "window_days": "14", "offer": ""},
            {"name": "Theirs", "window_days": "14", "offer": ""},
        ),
    ],
)
def test_a_part_changed_in_another_window_is_not_overwritten_unseen(draft, marketer, shown, part, mine, theirs):
    was = shown.context["was"][part]
    marketer.post(page("-part", draft.slug, part), theirs)
    refused = marketer.post(page("-part", draft.slug, part), {**mine, "was": was})
    assert refused.status_code == 422
    assert "This was changed in another window meanwhile." in words_of(refused)
    now_known = refused.context["was"][part]
    assert marketer.post(page("-part", draft.slug, part), {**mine, "was": now_known}).status_code == 302


def test_the_plus_in_a_lane_is_named_by_what_stands_before_it(shown):
    html = shown.content.decode()
    assert 'aria-label="Add a step to the lane Yes"' in html
    assert 'aria-label="Add a step to the lane No"' in html
    assert "banner-1</" not in html
    assert 'aria-label="Add a step after step 4"' in html


def test_the_page_says_goal_audience_and_limits_in_sentences(shown):
    words = words_of(shown)
    assert "An account upgrades within 14 days of entering. Offer: The next plan up ." in words
    assert (
        "Close-to-limit : 1 account is in it today. Each account enters once. 10 % are held out and get nothing."
        in words
    )
    assert "Written to: at most 1 person per account (owners, admins, billing people)." in words
    assert "2. Wait 3 days" in words
    assert "3. Clicked the e-mail?" in words


def test_the_outline_says_that_nothing_blocks(shown):
    assert "Review Ready to launch" in words_of(shown)


def test_the_outline_says_what_each_part_lacks(draft, marketer, settings):
    settings.SENDER_POSTAL_ADDRESS = ""
    document = draft.draft_version.definition
    document["steps"][0]["variants"]["a"]["content"]["en"]["subject"] = "{{ contact.nme }}"
    draft.draft_version.save(update_fields=["definition"])
    parts = marketer.get(page("", draft.slug)).context["parts"]
    assert [(part.key, part.meta) for part in parts] == [
        ("goal", "Upgrade in 14 days"),
        ("audience", "1 account"),
        ("steps", "1 thing to correct"),
        ("limits", "09:00 to 20:00"),
        ("review", "2 things block it"),
    ]


def test_a_card_is_filled_in_for_the_person_in_the_preview(shown):
    assert shown.context["panel"].label == "Dana Levi, Galil Software (9 of 10)"
    assert '<span class="cr-var">Team</span> for <span class="cr-var">$99.00</span> a month' in shown.content.decode()


def test_the_goal_is_changed_and_undone(draft, marketer):
    marketer.post(page("-part", draft.slug, "goal"), {"name": "Seats", "window_days": 30, "offer": ""})
    draft.refresh_from_db()
    changed = draft.draft_version.definition
    marketer.post(page("-version", draft.slug), {"do": "undo"})
    draft.refresh_from_db()
    assert (changed["name"], changed["goal"]["window_days"], "offer" in changed) == ("Seats", 30, False)
    assert (draft.name, draft.draft_version.number, draft.offer.slug) == ("Seats at 80 %", 1, "next-plan-up")


def test_what_was_undone_can_be_done_again(draft, marketer):
    marketer.post(page("-part", draft.slug, "goal"), {"name": "Seats", "window_days": 30, "offer": "next-plan-up"})
    marketer.post(page("-version", draft.slug), {"do": "undo"})
    marketer.post(page("-version", draft.slug), {"do": "redo"})
    draft.refresh_from_db()
    assert (draft.name, draft.draft_version.number, draft.versions.count()) == ("Seats", 2, 2)


def test_the_audience_form_writes_holdout_entry_and_roles(draft, marketer):
    marketer.post(
        page("-part", draft.slug, "audience"),
        {
            "segment": "close-to-limit",
            "holdout_percent": "12.5",
            "by": "SEGMENT",
            "reentry": "AFTER_COOLDOWN",
            "cooldown_days": "90",
            "per_account": "2",
            "roles": ["OWNER"],
        },
    )
    words = words_of(marketer.get(page("", draft.slug)))
    assert "An account may enter again 90 days after it left. 12.5 % are held out" in words
    assert "at most 2 people per account (owners)" in words


def test_the_exits_are_told_and_changed(draft, marketer, shown):
    told = "Somebody leaves early when the account upgrades, they say no to an offer, they opt out, they leave"
    assert told in words_of(shown)
    marketer.post(page("-part", draft.slug, "exits"), {"exit_on": ["OPTED_OUT", "CONVERTED"]})
    draft.refresh_from_db()
    assert draft.draft_version.definition["exit_on"] == ["CONVERTED", "OPTED_OUT"]
    words = words_of(marketer.get(page("", draft.slug)))
    assert "Somebody leaves early when the account upgrades or they opt out." in words


def test_without_exits_everybody_goes_to_the_end(draft, marketer):
    marketer.post(page("-part", draft.slug, "exits"), {})
    assert "Nobody leaves before the last step." in words_of(marketer.get(page("", draft.slug)))


def test_a_wrong_limit_is_told_beside_its_field_and_nothing_is_saved(draft, marketer):
    data = {"window_from": "20:00", "window_to": "09:00", "send_by_hours": "48", "priority": "50"}
    response = marketer.post(page("-part", draft.slug, "limits"), data)
    draft.refresh_from_db()
    assert response.status_code == 422
    assert "One field needs a correction: Latest time" in words_of(response)
    assert "This is not after 20:00. Choose a later time on the same day." in words_of(response)
    assert 'aria-describedby="id_window_to_error"' in response.content.decode()
    assert draft.draft_version.number == 1


def test_a_step_is_added_between_two_others(draft, marketer):
    do(marketer, draft, "add wait mail-1")
    assert keys_of(draft) == ["mail-1", "wait-2", "wait-1", "clicked-1", "banner-1", "end"]


def test_a_mail_goes_into_the_lane_of_those_who_clicked(draft, marketer):
    do(marketer, draft, "add email clicked-1 yes")
    assert keys_of(draft) == ["mail-1", "wait-1", "clicked-1", "banner-1", "clicked-1-meet", "mail-2", "end"]


def test_a_new_question_is_about_the_last_message_that_everybody_got(draft, marketer):
    do(marketer, draft, "add question clicked-1")
    branch = next(step for step in steps_of(draft) if step["key"] == "question-1")
    # Not about the banner of one lane.
    assert branch["if"] == {"engagement": "clicked", "step": "mail-1"}
    assert branch["then"] == branch["else"] == "end"


def test_a_step_moves_down_and_a_first_step_must_be_a_message(draft, marketer):
    response = shown_after(marketer, draft, "down mail-1")
    assert keys_of(draft)[:2] == ["wait-1", "mail-1"]
    assert "Saved" in words_of(response)
    refused = shown_after(marketer, draft, "down mail-1")
    assert "A question about a message must come after that message." in words_of(refused)


def test_removing_a_message_that_is_asked_about_is_refused_in_words(draft, marketer):
    words = words_of(shown_after(marketer, draft, "remove mail-1"))
    assert "A later question is about this message" in words
    assert "mail-1" in keys_of(draft)


def test_a_third_wording_shares_the_accounts_equally(draft, marketer):
    do(marketer, draft, "wording mail-1")
    assert {key: one["weight"] for key, one in steps_of(draft)[0]["variants"].items()} == {"a": 34, "b": 33, "c": 33}


def test_a_removed_wording_leaves_one_that_gets_everybody(draft, marketer):
    do(marketer, draft, "unword mail-1 a")
    assert {key: one["weight"] for key, one in steps_of(draft)[0]["variants"].items()} == {"b": 100}


def test_shares_that_are_not_100_are_refused(draft, marketer):
    response = marketer.post(page("-step", draft.slug, "mail-1"), {"a": "60", "b": "50"})
    assert response.status_code == 422
    assert "Together these are 110 %, not 100 %." in words_of(response)


def test_shares_are_saved(draft, marketer):
    marketer.post(page("-step", draft.slug, "mail-1"), {"a": "80", "b": "20"})
    assert [one["weight"] for one in steps_of(draft)[0]["variants"].values()] == [80, 20]


def test_a_wait_is_changed(draft, marketer):
    marketer.post(page("-step", draft.slug, "wait-1"), {"number": "2", "unit": "w"})
    assert "2. Wait 2 weeks" in words_of(marketer.get(page("", draft.slug)))


def test_the_list_finds_by_name_and_state(draft, marketer):
    make.launched(slug="api-30", name="API calls up 30 %")
    everything = words_of(marketer.get(page("s")))
    found = words_of(marketer.get(page("s"), {"q": "api", "state": "LIVE"}))
    assert "2 campaigns" in everything
    assert "Seats at 80 %" in everything
    assert "1 of 2 campaigns" in found
    assert "API calls up 30 %" in found
    assert "Seats at 80 %" not in found


def test_who_may_only_look_sees_no_buttons_and_changes_nothing(draft, onlooker):
    campaign = make.drafted()
    content = onlooker.get(page("", campaign.slug)).content.decode()
    assert 'name="do"' not in content
    assert onlooker.post(page("-steps", campaign.slug), {"do": "remove wait-1"}).status_code == 403
    assert onlooker.get(page("-new")).status_code == 403


def test_the_skeletons_texts_can_all_be_sent():
    for has_meter in (True, False):
        document = skeleton.new_document(slug="s", name="S", segment="s", offer="next-plan-up", has_meter=has_meter)
        contents = [
            (variant["content"], step["channel"])
            for step in document["steps"]
            for variant in step.get("variants", {}).values()
        ]
        assert [sorted(content) for content, _ in contents] == [["en", "he", "ro"]] * 3


def test_the_skeletons_second_wording_names_what_is_counted():
    subjects = {
        locale: texts["subject"]
        for locale, texts in skeleton.new_mail(key="mail-1", has_meter=True, unit="seats")["variants"]["b"][
            "content"
        ].items()
    }
    assert subjects == {
        "en": "{{ evidence.value | number }} of your {{ evidence.quota | number }} seats are taken",
        "he": "פרסומת: מושבים: {{ evidence.value | number }} מתוך {{ evidence.quota | number }} כבר בשימוש",
        "ro": "Locuri: {{ evidence.value | number }} din {{ evidence.quota | number }} în folosință",
    }


def test_hebrew_pages_are_mirrored(draft, marketer):
    marketer.cookies["django_language"] = "he"
    content = marketer.get(page("", draft.slug)).content.decode()
    assert '<html lang="he" dir="rtl"' in content
    assert "bootstrap.rtl.min.css" in content
