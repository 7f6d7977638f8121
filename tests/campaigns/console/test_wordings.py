"""The editor of one wording and its preview."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make
from tests.factories.segments import make_segment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_launch_day():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def market(settings):
    settings.SENDGRID_API_KEY = "SG.test"
    make.market()
    account = make.account_near_limit(name="Galil Software")
    make.reader(account, first_name="Dana", last_name="Levi", locale="he")
    return account


@pytest.fixture
def draft(market, marketer):
    """As the page for a new campaign makes it."""
    make_segment({"all": [make.SEATS]}, slug="close-to-limit")
    marketer.post(
        reverse("admin:studio-campaign-new"),
        {"name": "Seats at 80 %", "segment": "close-to-limit", "offer": "next-plan-up"},
    )
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


def preview(campaign, letter="a", **query):
    return reverse("admin:studio-campaign-preview", args=[campaign.slug, "mail-1", letter], query=query)


def test_the_preview_is_the_real_mail_with_marks_and_footer(draft, marketer):
    html = marketer.get(preview(draft, language="en")).content.decode()
    assert "Galil Software</span>." in html
    assert "1 Test Street, Haifa" in html
    assert 'href="https://example.com/"' in html


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
    """Nobody has crossed a level, so there are no own numbers to show."""
    words = words_of(marketer.get(page("", draft.slug)))
    assert "Dana would not get this message: evidence.meter_name has no value here." in words
    assert "0 of 1 recipients tried have a value for each" in words


def test_the_text_view_shows_the_plain_part(draft, marketer):
    html = marketer.get(preview(draft, language="en", screen="text")).content.decode()
    assert '<p class="text">' in html
    assert "Nothing to set up" in html
