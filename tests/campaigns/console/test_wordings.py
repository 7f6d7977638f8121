"""The editor of one wording and its preview."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from campaigns.console import lacking_words, variables
from campaigns.profiles.models import Account, Contact
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


@pytest.fixture
def market(scene, settings, db):
    settings.SENDGRID_API_KEY = "SG.test"
    return Account.objects.get()


@pytest.fixture
def draft(market):
    return Campaign.objects.get(slug="seats-at-80")


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=args)


def steps_of(campaign):
    campaign.refresh_from_db()
    return campaign.draft_version.definition["steps"]


def wording(campaign, letter="a", language="en", **query):
    return reverse(
        "admin:studio-campaign-wording",
        args=[campaign.slug, "mail-1", letter],
        query={"language": language, **query},
    )


MAIL = {
    "subject": "Room to grow",
    "greeting": "Hello",
    "body": "First.\n\nSecond & last.",
    "button": "See",
    "small": "",
}


def test_blocks_become_a_mail_and_come_back_as_blocks(draft, marketer):
    marketer.post(wording(draft), MAIL)
    content = steps_of(draft)[0]["variants"]["a"]["content"]["en"]
    assert "<mj-text>Second &amp; last.</mj-text>" in content["mjml"]
    assert '<mj-button align="left" href="{{ links.offer }}">See</mj-button>' in content["mjml"]
    form = marketer.get(wording(draft)).context["form"]
    assert form.initial["body"] == "First.\n\nSecond & last."


def test_a_hebrew_mail_has_its_button_on_the_right(draft, marketer):
    marketer.post(wording(draft, language="he"), MAIL)
    assert '<mj-button align="right"' in steps_of(draft)[0]["variants"]["a"]["content"]["he"]["mjml"]


def test_an_unknown_variable_is_kept_and_told_with_its_line(draft, marketer):
    marketer.post(wording(draft), MAIL | {"body": "First line.\n{{ account.nam }}"})
    words = words_of(marketer.get(wording(draft)))
    assert "It can’t be launched like this: Text" in words
    assert "Line 2: There is no variable account.nam. Did you mean account.name?" in words


def test_saving_what_is_wrong_says_so(draft, marketer):
    response = marketer.post(wording(draft), MAIL | {"body": "{{ account.nam }}"}, follow=True)
    said = [(message.level_tag, str(message)) for message in response.context["messages"]]
    assert said == [("warning", "Saved, with 1 thing to mend")]


def test_saving_what_is_right_says_saved(draft, marketer):
    response = marketer.post(wording(draft), MAIL, follow=True)
    assert [(one.level_tag, str(one)) for one in response.context["messages"]] == [("success", "Saved")]


def test_an_open_liquid_mark_is_told_beside_its_field_and_nothing_is_lost(draft, marketer):
    response = marketer.post(wording(draft), MAIL | {"button": "See {{ offer.plan_to"})
    assert response.status_code == 422
    assert "Line 1: A {{ is never closed with }}." in words_of(response)
    assert 'value="Room to grow"' in response.content.decode()


def test_an_mjml_mistake_is_told_with_its_line(draft, marketer):
    source = "<mjml>\n<mj-body>\n<mj-section><mj-colum></mj-colum></mj-section>\n</mj-body></mjml>"
    marketer.post(wording(draft, tab="source"), {"subject": "Hello", "mjml": source})
    words = words_of(marketer.get(wording(draft, tab="source")))
    assert "Line 3: There is no MJML element <mj-colum>." in words


def test_mjml_that_blocks_cannot_say_opens_as_source(draft, marketer):
    marketer.post(wording(draft, tab="source"), {"subject": "Hello", "mjml": make.MJML.format("Hello")})
    assert marketer.get(wording(draft)).context["tab"] == "source"


def test_a_language_is_taken_away_and_shown_as_missing(draft, marketer):
    marketer.post(wording(draft, language="ro"), {"do": "remove"})
    assert "Română missing" in words_of(marketer.get(page("", draft.slug)))


def test_taking_a_language_away_says_how_it_comes_back(draft, marketer):
    response = marketer.post(wording(draft, language="ro"), {"do": "remove"}, follow=True)
    said = [str(message) for message in response.context["messages"]]
    assert said == ["Romanian is removed. Undo on the campaign’s page brings it back."]


def test_each_language_says_whether_its_text_is_right(draft, marketer):
    marketer.post(wording(draft, language="ro"), {"do": "remove"})
    marketer.post(wording(draft), MAIL | {"body": "{{ account.nam }}"})
    response = marketer.get(wording(draft, language="he"))
    assert [state for _code, _name, state in response.context["locales"]] == ["wrong", "complete", "missing"]
    assert "English to correct" in words_of(response)


def test_a_field_with_a_mistake_is_marked_and_tied_to_its_words(draft, marketer):
    marketer.post(wording(draft), MAIL | {"body": "{{ account.nam }}"})
    html = marketer.get(wording(draft)).content.decode()
    [field] = re.findall(r"<textarea[^>]*id=\"id_body\"[^>]*>", html)
    assert "is-invalid" in field
    assert 'aria-describedby="id_body_helptext id_body_problem"' in field
    assert 'id="id_body_problem"' in html


def test_a_missing_english_text_is_not_promised_english(draft, marketer):
    marketer.post(wording(draft), {"do": "remove"})
    words = words_of(marketer.get(wording(draft)))
    assert "There is no text in English yet. It also stands in for every language that has none." in words
    assert "get English until then" not in words


def test_a_text_saved_in_another_window_is_not_overwritten_unseen(draft, marketer):
    was = marketer.get(wording(draft)).context["was"]
    marketer.post(wording(draft), MAIL | {"subject": "Theirs"})
    refused = marketer.post(wording(draft), MAIL | {"subject": "Mine", "was": was})
    assert refused.status_code == 422
    assert 'value="Mine"' in refused.content.decode()
    assert steps_of(draft)[0]["variants"]["a"]["content"]["en"]["subject"] == "Theirs"
    marketer.post(wording(draft), MAIL | {"subject": "Mine", "was": refused.context["was"]})
    assert steps_of(draft)[0]["variants"]["a"]["content"]["en"]["subject"] == "Mine"


def preview(campaign, letter="a", **query):
    return reverse("admin:studio-campaign-preview", args=[campaign.slug, "mail-1", letter], query=query)


def test_the_preview_is_the_real_mail_with_marks_and_footer(draft, marketer):
    html = marketer.get(preview(draft, language="en")).content.decode()
    assert "Galil Software</span>." in html
    assert "1 Test Street, Haifa" in html
    assert '<a role="link" aria-disabled="true"' in html
    assert "href=" not in html


def test_the_preview_has_a_policy_of_its_own(draft, marketer):
    response = marketer.get(preview(draft))
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_editors_text_is_previewed_without_being_saved(draft, marketer):
    html = marketer.post(preview(draft, language="en"), MAIL | {"body": "Only a try."}).content.decode()
    draft.refresh_from_db()
    assert "Only a try." in html
    assert draft.draft_version.number == 1


def test_a_person_without_a_value_is_told_not_to_get_it(draft, marketer):
    """Nobody tried a feature, so there are no attempts to tell."""
    version = draft.draft_version
    for variant in version.definition["steps"][0]["variants"].values():
        for texts in variant["content"].values():
            texts["subject"] = "{{ evidence.attempts }}"
    version.save()
    words = words_of(marketer.get(page("", draft.slug)))
    assert "Dana would not get this message: evidence.attempts has no value here." in words
    assert "0 of 1 recipients tried have a value for each" in words


def test_a_word_that_there_is_not_is_no_value_that_others_have(draft, marketer):
    """Dana reads Hebrew. Ion's own text is right, so he would get it: not for a value that Dana lacks."""
    make.reader(make.account_near_limit(name="Moga"), first_name="Ion", locale="ro")
    version = draft.draft_version
    for variant in version.definition["steps"][0]["variants"].values():
        variant["content"]["he"]["subject"] = "{{ evidence.nope }}"
    version.save()
    dana = Contact.objects.get(first_name="Dana")
    words = words_of(marketer.get(page("", draft.slug), {"contact": dana.pk}))
    assert "Dana would not get this message: There is no variable evidence.nope." in words
    assert "1 of 2 recipients tried would get it, each in their language" in words
    assert "have a value for each" not in words


def test_the_text_view_shows_the_plain_part(draft, marketer):
    html = marketer.get(preview(draft, language="en", screen="text")).content.decode()
    assert '<p class="text">' in html
    assert "Nothing to set up" in html


TOLD = {"title": "Room for more", "body": "{{ account.name }} is nearly full.", "button": "See it"}


@pytest.fixture
def told(market):
    """A draft with one in-app wording in English and Hebrew."""
    content = {"en": TOLD | {"kind": "banner"}, "he": {"title": "עוד מקום", "body": "כמעט מלא", "kind": "banner"}}
    step = {"key": "told", "kind": "MESSAGE", "channel": "in_app", "variants": {"a": {"content": content}}}
    return make.drafted(steps=[step])


def told_page(campaign, language="en"):
    return reverse("admin:studio-campaign-wording", args=[campaign.slug, "told", "a"], query={"language": language})


def told_texts(campaign):
    return next(step for step in steps_of(campaign) if step["key"] == "told")["variants"]["a"]["content"]


def test_where_an_in_app_message_shows_is_the_same_in_every_language(told, marketer):
    place = {"kind": "tooltip", "page": "/team/*", "feature": "", "anchor": "#seats"}

    marketer.post(told_page(told), TOLD | place)

    en, he = told_texts(told)["en"], told_texts(told)["he"]
    assert en == TOLD | {"kind": "tooltip", "page": "/team/*", "anchor": "#seats"}
    assert he["title"] == "עוד מקום"
    assert {key: he.get(key) for key in ("kind", "page", "anchor")} == {
        "kind": "tooltip",
        "page": "/team/*",
        "anchor": "#seats",
    }


def test_a_new_language_of_an_in_app_message_begins_with_its_place(told, marketer):
    marketer.post(told_page(told), TOLD | {"kind": "modal", "feature": "sso"})

    fields = marketer.get(told_page(told, "ro")).context["form"].initial

    assert (fields["kind"], fields["feature"], fields["title"]) == ("modal", "sso", "")


def test_another_kind_than_a_tooltip_forgets_what_it_pointed_at(told, marketer):
    marketer.post(told_page(told), TOLD | {"kind": "tooltip", "anchor": "#seats"})
    marketer.post(told_page(told), TOLD | {"kind": "banner", "anchor": "#seats"})

    assert "anchor" not in told_texts(told)["en"]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"kind": "tooltip"}, "anchor"),
        ({"kind": "banner", "page": "team"}, "page"),
        ({"kind": "modal", "feature": "single sign on"}, "feature"),
    ],
)
def test_a_place_that_makes_no_sense_is_told_at_its_field(told, marketer, place, field):
    answer = marketer.post(told_page(told), TOLD | place)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_the_typed_subject_is_filled_in_above_the_preview(draft, marketer):
    preview = reverse(
        "admin:studio-campaign-preview", args=[draft.slug, "mail-1", "a"], query={"language": "en", "part": "subject"}
    )
    shown = marketer.post(preview, {"subject": "{{ evidence.value }} <of> {{ evidence.quota }}"}).content.decode()
    assert shown == '<span class="cr-var">9</span> &lt;of&gt; <span class="cr-var">10</span>'
    assert marketer.post(preview, {"subject": ""}).content.decode() == "–"
    wrong = marketer.post(preview, {"subject": "{{ contact.frist_name }}"}).content.decode()
    assert wrong == "There is no variable contact.frist_name. Did you mean contact.first_name?"


def test_words_from_data_are_shown_as_a_reader_would_see_them():
    facts = {"offer": {"new_features": ["sso", "audit log"], "valid_until": "2026-12-23T09:30:00+00:00"}}
    shown = {one.name: one.sample for one in variables.list_variables(has_offer=True, facts=facts)}
    assert (shown["offer.new_features"], shown["offer.valid_until"]) == ("sso, audit log", "December 23, 2026")


def test_a_card_leads_to_the_text_in_the_language_it_shows(draft, marketer):
    content = marketer.get(page("", draft.slug)).content.decode()
    assert f'href="{page("-wording", draft.slug, "mail-1", "a")}"' in content
    with translation.override("he"):
        marketer.cookies["django_language"] = "he"
        content = marketer.get(page("", draft.slug)).content.decode()
    translation.activate("en")
    assert f'href="{page("-wording", draft.slug, "mail-1", "a")}?language=he"' in content


def test_a_text_is_written_in_the_direction_of_its_language(draft, marketer):
    page = reverse("admin:studio-campaign-wording", args=[draft.slug, "mail-1", "a"])
    body = {locale: marketer.get(page, {"language": locale}).content.decode() for locale in ("he", "ro")}
    found = {
        locale: set(re.findall(r'<(?:input|textarea)[^>]* dir="(\w+)" lang="\w+"', html))
        for locale, html in body.items()
    }
    assert found == {"he": {"rtl"}, "ro": {"ltr"}}


def test_the_picker_says_who_lacks_a_word(market, draft, marketer):
    make.reader(market, first_name="", role="ADMIN")
    words = {one.name: one.lack for one in marketer.get(wording(draft)).context["variables"]}
    assert words["contact.first_name"] == "1 of 2 in the audience lacks it."
    assert words["evidence.feature"] == "Nobody in the audience has it."
    assert (words["account.name"], words["evidence.quota"], words["links.offer"]) == ("", "", "")
    assert list(words)[-1] in [name for name, lack in words.items() if lack.startswith("Nobody")]


def test_the_picker_says_what_the_person_in_the_preview_lacks():
    shown = lacking_words.Shown("Dana", {"evidence": {"value": 9, "quota": None}})
    given = [variables.Variable(f"evidence.{name}", name, "", "") for name in ("value", "quota")]
    marked = lacking_words.mark(variables=given, campaign=Campaign(), shown=shown, now=make.NOW)
    assert [one.lack for one in marked] == ["", "Dana has none."]
