"""The segment form and the home page in a real Chromium: live count, keyboard, phone, Hebrew, axe, strict CSP."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from orchestrator import clock
from tests.browser import axe
from tests.factories.billing import PlanFactory, QuotaFactory, SubscriptionFactory
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import AccountFactory, MembershipFactory
from tests.factories.segments import live_definition, make_segment
from tests.factories.usage import MeterFactory, UsageDailyFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SEATS = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
BASIC = {"field": "account.plan", "op": "=", "value": "basic"}


@pytest.fixture
def segment(transactional_db, empty_redis):
    """Of ten accounts on Basic four use 80 % of their seats or more."""
    basic = PlanFactory(code="basic", name="Basic")
    PlanFactory(code="team", name="Team")
    QuotaFactory(plan=basic)
    MeterFactory(name="Seats used")
    ConsentTopicFactory()
    today = clock.utcnow().date()
    for seats in range(2, 12):
        account = AccountFactory()
        SubscriptionFactory(account=account, plan=basic)
        UsageDailyFactory(account=account, value=seats, day=today)
        ContactPointFactory(contact=MembershipFactory(account=account).contact)
    growth = {"usage": "seats_used", "agg": "avg", "window": "28d", "per": "previous", "op": ">=", "value": 1.3}
    return make_segment({"all": [BASIC, {"any": [SEATS, growth]}, {"engagement": "clicked"}]}, slug="deep") and (
        make_segment({"all": [BASIC, SEATS]}, slug="close")
    )


@pytest.fixture
def studio(logged_in, live_server, segment):
    def visit(path=""):
        logged_in.goto(f"{live_server.url}/admin/studio/{path}")
        return logged_in

    return visit


def figure(page):
    return page.locator(".cr-live-figure")


def test_the_count_follows_what_is_typed(studio):
    page = studio("segments/close/")
    expect(figure(page)).to_have_text("4")
    page.locator("#r2-number").fill("100")
    expect(figure(page)).to_have_text("2")
    expect(page.locator("#alone-2")).to_contain_text("2")
    expect(page.locator("#saved-state")).to_have_text("Not saved yet")
    page.locator("#r2-number").fill("1oo")
    expect(page.locator("#error-2")).to_have_text("“1oo” is not a number.")
    expect(figure(page)).to_have_text("10")
    assert page.problems == []


def test_a_marketer_makes_a_segment_from_nothing(studio):
    page = studio("segments/new/")
    page.get_by_label("Name", exact=True).fill("Close to the limit")
    page.locator("#r1-fact").select_option(label="Seats used")
    expect(page.locator("#r1-number")).to_have_value("80")
    page.get_by_role("button", name="Add a rule").click()
    expect(page.locator("#r2-fact")).to_be_focused()
    page.locator("#r2-value").select_option(label="Basic")
    expect(page.locator("#r2 .cr-token")).to_have_text("Basic")
    page.locator("#r2-value").select_option(label="Team")
    expect(page.locator("#r2 .cr-token")).to_have_count(2)
    page.get_by_role("button", name="Remove Team").click()
    expect(page.locator("#r2 .cr-token")).to_have_count(1)
    expect(figure(page)).to_have_text("4")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Saved as version 1")
    assert live_definition("close-to-the-limit") == {"all": [SEATS, BASIC]}
    assert page.problems == []


def test_lines_are_moved_removed_and_brought_back_by_keyboard(studio):
    page = studio("segments/close/")
    ids = lambda: page.eval_on_selector_all(".cr-rule", "lines => lines.map(line => line.id)")  # noqa: E731
    page.locator("#r2-number").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".cr-rule").first).to_have_id("r2")
    assert ids() == ["r2", "r1"]
    page.locator("#r1-menu").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#r1-menu")).to_be_focused()
    page.keyboard.press("Enter")
    for _step in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".cr-toast-inline")).to_contain_text("Rule “Plan is Basic” removed")
    page.locator(".cr-toast-inline").get_by_role("button", name="Undo").click()
    expect(page.locator(".cr-rule")).to_have_count(2)
    assert page.problems == []


def ids_in(page, selector):
    return page.eval_on_selector_all(f"{selector} > .cr-rule", "lines => lines.map(line => line.id)")


def test_lines_go_into_groups_and_out_of_them_by_keyboard(studio):
    page = studio("segments/deep/")
    page.locator("#r5-menu").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("#r2 .cr-rule")).to_have_count(3)
    assert ids_in(page, "#rules-body > fieldset > ol") == ["r1", "r2"]
    expect(page.locator("#r5-menu")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#r2 .cr-rule").nth(1)).to_have_id("r5")
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("#r2 .cr-rule")).to_have_count(2)
    assert ids_in(page, "#rules-body > fieldset > ol") == ["r1", "r2", "r5"]
    page.keyboard.press("Alt+ArrowLeft")
    assert page.url.endswith("/segments/deep/")
    assert page.problems == []


def test_in_hebrew_into_a_group_is_to_the_left(studio, live_server):
    page = studio()
    page.context.add_cookies([{"name": "django_language", "value": "he", "url": live_server.url}])
    studio("segments/deep/")
    page.locator("#r5-menu").focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("#r2 .cr-rule")).to_have_count(3)
    assert page.problems == []


def test_a_group_about_one_person_is_built_counted_and_saved(studio):
    page = studio("segments/close/")
    page.get_by_role("button", name="Add a group about one person").click()
    expect(page.locator("#r4-fact")).to_be_focused()
    expect(page.locator("#r4-fact option:checked")).to_have_text("A contact’s role")
    page.locator("#r4-value").select_option(label="owner")
    expect(page.locator("#r4 .cr-token")).to_have_count(1)
    page.locator("#r3").get_by_role("button", name="Add a group").click()
    page.locator("#r6-value").select_option(label="Basic")
    expect(page.locator("#alone-6")).to_contain_text("10")
    expect(page.locator("#in-words")).to_contain_text("One and the same contact: Role is owner and Plan is Basic")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Saved as version 2")
    owner = {"field": "membership.role", "op": "=", "value": "OWNER"}
    made = {"any_contact": {"all": [owner, {"any": [BASIC]}]}}
    assert live_definition("close") == {"all": [BASIC, SEATS, made]}
    assert page.problems == []


def test_a_slash_goes_to_the_search_of_the_list(studio):
    page = studio("segments/")
    page.keyboard.press("/")
    page.keyboard.type("deep")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 of 2 segments")).to_be_visible()
    page.get_by_role("searchbox", name="Search segments").fill("nobody")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("heading", name="2 segments")).to_be_visible()
    assert page.problems == []


def test_the_form_works_without_script(browser, live_server, segment, client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("maria", "maria@example.test", "pw"))
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/studio/segments/close/")
    page.get_by_role("button", name="Add a rule").click()
    page.locator("#r3-fact").select_option(label="Renewal")
    page.get_by_role("button", name="Count again").last.click()
    page.locator("#r3-days").fill("45")
    page.get_by_role("button", name="Save").click()
    assert "Saved as version 2" in page.locator("#toasts").inner_text()
    segment.refresh_from_db()
    assert segment.live_version.definition["all"][2] == {"subscription": "renewal_in", "op": "<=", "value": "45d"}
    context.close()


def test_language_and_theme_are_switched_from_the_top_bar(studio):
    page = studio()
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("summary[aria-label=Language]").click()
    page.get_by_role("button", name="עברית").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.problems == []


def test_how_a_figure_is_computed_opens_beside_it(studio):
    page = studio()
    page.get_by_role("button", name="How it is computed: MRR", exact=True).click()
    expect(page.locator("#how-mrr")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#how-mrr")).to_be_hidden()
    assert page.problems == []


@pytest.mark.parametrize("language", ["en", "he"])
def test_every_page_is_accessible_and_fits(studio, live_server, language):
    page = studio()
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    one = "segments/deep/"
    lists = ("campaigns/", "tests/", "contacts/", "tasks/", "contacts/?q=nobody&reach=sms")
    for path in ("", "segments/", "segments/new/", one, f"{one}members/", f"{one}history/", f"{one}json/", *lists):
        studio(path)
        assert (path, axe.breaches_at(page, widths=(1280, 390), height=900, iframes=True)) == (path, {})
    assert page.problems == []
