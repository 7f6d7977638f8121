"""The preview in a real Chromium: next and previous, dark, the SMS bubble, Hebrew; axe, strict CSP, a phone."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser import axe
from tests.factories import sequences as make
from tests.factories.consent import ContactPointFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WATCH = """window.violations = [];
document.addEventListener('securitypolicyviolation', event =>
    window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MAIL = {"subject": "{{ account.name }}", "mjml": make.MJML.format("Hello {{ contact.first_name }}")}
SMS = {
    "en": {"text": "{{ contact.first_name }}, you use {{ evidence.value | default: 9 }} seats. {{ links.offer }}"},
    "he": {"text": "{{ contact.first_name }}, כמעט כל המושבים תפוסים. אפשר להוסיף מושבים כאן: {{ links.offer }}"},
}
MODAL = {"title": "Seats run out", "body": "See {{ offer.plan_to }}.", "button": "See", "kind": "modal"}


def message(key, channel, content):
    return {"key": key, "kind": "MESSAGE", "channel": channel, "variants": {"a": {"content": content}}}


@pytest.fixture
def campaign(settings, empty_redis):
    with time_machine.travel(make.NOW, tick=False):
        make.market()
        for name in ("Dana", "Noa", "Zohar"):
            person = make.reader(
                make.account_near_limit(name=f"{name} Ltd"), first_name=name, phone=f"+97252555123{len(name)}"
            )
            ContactPointFactory(contact=person, channel="sms")
        steps = [
            message("mail", "email", {"en": MAIL}),
            message("text", "sms", SMS),
            message("shown", "in_app", {"en": MODAL}),
        ]
        return make.drafted(steps=steps, audience={"segment": {"field": "account.name", "op": "is_set"}})


@pytest.fixture
def look(logged_in, live_server, campaign):
    """The page of the campaign, or of one wording."""

    def go(key="", **query):
        name, args = ("-wording", [campaign.slug, key, "a"]) if key else ("", [campaign.slug])
        logged_in.goto(live_server.url + reverse(f"admin:studio-campaign{name}", args=args, query=query or None))
        return logged_in

    return go


def body(page):
    return page.frame_locator("iframe[name=message]").locator("body")


def sound(page, *, with_axe=True):
    assert page.problems == []
    assert page.evaluate("window.violations ?? []") == []
    assert page.evaluate(OVERFLOW) <= 0
    if with_axe:
        assert axe.breaches(page) == []


def test_one_walks_through_people_by_keyboard_and_the_address_keeps_up(look):
    page = look()
    expect(body(page)).to_contain_text("Hello Dana")
    page.get_by_role("link", name="Next person").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_contain_text("2 of 3")
    expect(body(page)).to_contain_text("Hello Noa")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_contain_text("3 of 3")
    expect(page.locator("#preview-after")).to_be_focused()
    page.get_by_role("link", name="Dark").click()
    expect(page.get_by_role("link", name="Dark")).to_have_attribute("aria-current", "true")
    page.reload()
    expect(body(page)).to_contain_text("Hello Zohar")
    assert "invert" in body(page).evaluate("one => getComputedStyle(one).filter")
    page.get_by_role("link", name="Previous person").click()
    expect(body(page)).to_contain_text("Hello Noa")
    sound(page)


def test_somebody_is_searched_without_leaving_the_page(look):
    page = look()
    page.get_by_label("Find somebody in the audience").fill("zohar")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Zohar Levi").click()
    expect(body(page)).to_contain_text("Hello Zohar")
    sound(page)


def test_what_is_typed_is_seen_as_the_next_person_too(look):
    page = look("text", language="en")
    page.get_by_label("Text", exact=True).fill("Only typed, {{ contact.first_name }}")
    expect(body(page)).to_contain_text("Only typed, Dana")
    page.get_by_role("link", name="Next person").click()
    expect(body(page)).to_contain_text("Only typed, Noa")
    assert page.get_by_label("Text", exact=True).input_value() == "Only typed, {{ contact.first_name }}"


def test_the_bubble_in_hebrew_runs_from_the_right_and_counts_in_ucs_2(look):
    page = look("text", language="en")
    expect(body(page)).to_contain_text("1 part ·")
    page.get_by_role("link", name="Next person").click()
    expect(body(page)).to_contain_text("Noa")
    page.get_by_role("group", name="Language of the text").get_by_role("link", name="עברית").click()
    page.wait_for_url("**language=he**")
    expect(body(page)).to_contain_text("Noa, כמעט")
    expect(body(page)).to_contain_text("UCS-2")
    expect(page.locator("#panel")).to_contain_text("Noa gets it in English, not as shown here.")
    assert body(page).evaluate("one => getComputedStyle(one).direction") == "rtl"
    sound(page)


def test_a_modal_stands_in_front_of_the_host_page_and_nothing_in_it_runs(look):
    page = look(step="shown", screen="mobile")
    expect(body(page).get_by_role("dialog")).to_contain_text("See Team.")
    drawn = "one => one.getBoundingClientRect().x * 2 + one.offsetWidth - innerWidth"
    assert abs(body(page).locator("dialog").evaluate(drawn)) < 2
    assert body(page).evaluate("() => innerWidth") == 375
    sound(page)


def test_without_scripts_links_and_forms_do_the_same(browser, logged_in, live_server, campaign):
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(logged_in.context.cookies())
        page = context.new_page()
        page.goto(live_server.url + reverse("admin:studio-campaign", args=[campaign.slug]))
        page.get_by_role("link", name="Next person").click()
        expect(page.locator("#panel")).to_contain_text("2 of 3")
        page.get_by_label("Find somebody in the audience").fill("zohar")
        page.get_by_role("button", name="Find", exact=True).click()
        page.get_by_role("link", name="Zohar Levi").click()
        expect(body(page)).to_contain_text("Hello Zohar")


@pytest.mark.parametrize(("language", "theme", "width"), [("he", "dark", 390), ("en", "light", 390)])
def test_the_panel_is_sound_on_a_phone(look, logged_in, live_server, language, theme, width):
    logged_in.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    logged_in.add_init_script(WATCH)
    look().evaluate(f"localStorage.setItem('theme', '{theme}')")
    logged_in.set_viewport_size({"width": width, "height": 900})
    for key in ("mail", "text", "shown"):
        page = look(key, language="en")
        expect(body(page)).not_to_be_empty()
        sound(page)
