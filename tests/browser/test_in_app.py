"""crescendo.js in a real Chromium, inside an application of another origin with a strict policy of its own."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from campaigns.delivery import dispatch
from campaigns.delivery.models import InAppMessage
from campaigns.intake.models import InboundEvent
from campaigns.profiles.models import Contact
from orchestrator import clock
from orchestrator.sandbox.company import generate
from orchestrator.sandbox.server import start_in_thread
from tests.browser import axe
from tests.factories.delivery import ReadyMessageFactory, TemplateVersionFactory
from tests.factories.intake import SIGNING_SECRET, SourceFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WATCH = """window.violations = [];
document.addEventListener('securitypolicyviolation', event =>
    window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"""
TEXTS = {"title": "Room for more", "body": "Nine of ten seats are taken.", "button": "See Team"}
HEBREW = {"title": "עוד מקום", "body": "תשעה מתוך עשרה מושבים תפוסים.", "button": "לתוכנית"}


@pytest.fixture
def host(page, live_server, transactional_db, empty_redis):
    """The customer's application on an origin of its own, somebody of one account logged in."""
    SourceFactory()
    sandbox = start_in_thread(
        product_base=live_server.url,
        company=generate(seed=3, accounts=12, days=20, until=date(2026, 10, 31)),
        stripe_webhook_secret="whsec_test",
        in_app_secret=SIGNING_SECRET,
    )
    page.add_init_script(WATCH)
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield Host(page, sandbox)
    page.goto("about:blank")
    page.wait_for_timeout(300)  # a last report may be on its way: it must not read while the tables are emptied
    sandbox.stop()


class Host:
    """`person` is logged in with `log_in`; `put_up` gives them a message."""

    def __init__(self, page, sandbox):
        self.page, self.base = page, f"{sandbox.base_url}/app"
        self.person = next(one for one in sandbox.company.contacts if self._plan(sandbox, one) == "basic")
        account = AccountFactory(external_id=self.person.account_id)
        contact = ContactFactory(external_id=self.person.external_id, locale="en")
        self.member = MembershipFactory(account=account, contact=contact)

    @staticmethod
    def _plan(sandbox, contact):
        return next(one.plan for one in sandbox.company.accounts if one.external_id == contact.account_id)

    def put_up(self, *, locale="en", texts=TEXTS, days_ago=0, **place):
        """Each account has one a day at most: a second one needs another day."""
        now = clock.utcnow() - timedelta(days=days_ago)
        content = {"en": TEXTS | place, locale: texts | place}
        Contact.objects.filter(pk=self.member.contact_id).update(locale=locale)
        message = ReadyMessageFactory(
            channel="in_app",
            contact=self.member.contact,
            account=self.member.account,
            template_version=TemplateVersionFactory(template__channel="in_app", content=content),
            locale=locale,
            context={"links": {"offer": "https://product.example/c/token"}},
            due_at=now,
            planned_at=now,
            send_by=None,
        )
        dispatch.dispatch_due(channel="in_app", now=now, worker="tests")
        return InAppMessage.objects.get(message=message)

    def log_in(self, path="/"):
        self.page.goto(f"{self.base}/login?q={self.person.first_name}")
        self.page.locator(f"button[value='{self.person.external_id}']").click()
        return self.open(path)

    def expect_nothing(self, turn_to):
        """Turns to a page, where nothing shows although the messages have come and there was time to draw them.

        Not by `networkidle`: a report that outlives its page (`keepalive`) may never end for Chromium's debugger.
        """
        with self.page.expect_response(lambda reply: reply.url.endswith("/inapp/v1/feed")):
            turn_to()
        self.page.wait_for_timeout(400)
        expect(self.page.locator("crescendo-message")).to_have_count(0)

    def open(self, path="/"):
        self.page.goto(f"{self.base}{path}")
        return self.page


def shown(page):
    return page.locator("crescendo-message .box")


def until(page, stored, column):
    """Wait for a report: in the database, not in the browser."""
    for _ in range(60):
        stored.refresh_from_db()
        if getattr(stored, column):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{column} was not reported")


def is_clean(page):
    assert page.evaluate("window.violations") == []
    assert page.problems == []
    return True


def test_a_banner_shows_on_its_page_and_nowhere_else(host):
    banner = host.put_up(page="/app/team*")
    host.expect_nothing(lambda: host.log_in("/reports"))
    page = host.page

    host.open("/team")
    region = page.get_by_role("region", name="Room for more")
    expect(region).to_be_visible()
    expect(region.get_by_role("link", name="See Team")).to_have_attribute("href", "https://product.example/c/token")
    until(page, banner, "first_shown_at")
    assert is_clean(page)


def test_a_message_out_of_sight_is_not_counted_as_seen(host):
    banner = host.put_up()
    page = host.log_in()
    expect(shown(page)).to_be_visible()
    page.evaluate("document.body.hidden = true")
    page.wait_for_timeout(1500)
    banner.refresh_from_db()
    assert banner.first_shown_at is None


def test_escape_dismisses_and_it_stays_away(host):
    banner = host.put_up()
    page = host.log_in()
    expect(shown(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(shown(page)).to_have_count(0)
    until(page, banner, "dismissed_at")
    banner.refresh_from_db()
    assert banner.first_shown_at is not None

    host.expect_nothing(page.reload)
    assert is_clean(page)


def test_one_at_a_time_the_oldest_first_and_the_next_on_the_next_page(host):
    host.put_up(days_ago=3)
    host.put_up(title="A second one")
    page = host.log_in()
    expect(shown(page).get_by_role("heading")).to_have_text("Room for more")
    shown(page).get_by_role("button", name="Close").click()
    page.wait_for_timeout(400)
    expect(shown(page)).to_have_count(0)

    page.evaluate("history.pushState({}, '', '/app/reports')")
    expect(shown(page).get_by_role("heading")).to_have_text("A second one")
    assert is_clean(page)


def test_a_tooltip_stands_by_what_it_points_at(host):
    host.put_up(kind="tooltip", anchor="#seats")
    page = host.log_in("/team")
    expect(shown(page)).to_be_visible()
    tip, seats = page.locator("crescendo-message").bounding_box(), page.locator("#seats").bounding_box()
    assert abs(tip["x"] - seats["x"]) < 2
    assert 0 < tip["y"] - (seats["y"] + seats["height"]) < 12

    host.expect_nothing(lambda: host.open("/reports"))


def test_a_modal_keeps_the_focus_and_gives_it_back(host):
    modal = host.put_up(kind="modal", feature="sso")
    host.expect_nothing(lambda: host.log_in("/settings"))
    page = host.page

    button = page.get_by_role("button", name="Turn on Single sign-on")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Room for more")
    expect(dialog.get_by_role("link", name="See Team")).to_be_focused()
    for stop in ("Not now", "Close"):
        page.keyboard.press("Tab")
        expect(dialog.get_by_role("button", name=stop)).to_be_focused()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("link", name="See Team")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()

    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    until(page, modal, "dismissed_at")
    assert is_clean(page)


def test_a_gate_records_the_attempt_and_shows_what_comes_of_it(host):
    host.expect_nothing(lambda: host.log_in("/settings"))
    page = host.page
    page.evaluate("document.addEventListener('crescendo:shown', event => { window.told = event.detail; })")
    page.get_by_role("button", name="Turn on Single sign-on").click()
    host.put_up(kind="modal", feature="sso")  # the attempt's own doing, a moment later

    expect(page.get_by_role("dialog", name="Room for more")).to_be_visible(timeout=8000)
    attempt = InboundEvent.objects.get()
    assert attempt.payload["event"] == "premium_feature_attempted"
    assert attempt.payload["properties"] == {"feature": "sso"}
    assert attempt.payload["userId"] == host.person.external_id
    assert attempt.payload["context"] == {"groupId": host.person.account_id}
    told = page.evaluate("window.told")
    assert (told["kind"], told["place"]) == ("modal", {"feature": "sso"})
    assert is_clean(page)


def test_a_gate_without_an_offer_says_so_and_a_double_click_is_one_attempt(host):
    host.expect_nothing(lambda: host.log_in("/settings"))
    page = host.page
    page.get_by_role("button", name="Turn on Audit log").dblclick()
    expect(page.locator("#note-audit_log")).to_have_text("Audit log is not part of your plan.", timeout=8000)
    assert InboundEvent.objects.count() == 1
    assert is_clean(page)


def test_what_was_not_taken_is_sent_again(host):
    banner = host.put_up()
    page = host.log_in("/reports")
    expect(shown(page)).to_be_visible()
    page.route("**/inapp/v1/events", lambda route: route.abort())
    shown(page).get_by_role("button", name="Close").click()
    expect(shown(page)).to_have_count(0)
    page.unroute("**/inapp/v1/events")
    host.open("/team")
    until(page, banner, "dismissed_at")


def test_the_link_leads_to_the_offer_and_is_counted(host):
    banner = host.put_up()
    page = host.log_in()
    page.route("https://product.example/**", lambda route: route.fulfill(body="the offer"))
    shown(page).get_by_role("link", name="See Team").click()
    page.wait_for_url("https://product.example/c/token")
    until(page, banner, "clicked_at")


def test_a_hebrew_message_reads_from_right_to_left(host):
    host.put_up(locale="he", texts=HEBREW)
    page = host.log_in()
    region = page.get_by_role("region", name="עוד מקום")
    expect(region).to_be_visible()
    assert region.evaluate("one => getComputedStyle(one).direction") == "rtl"
    expect(region.get_by_role("button", name="סגירה")).to_be_visible()
    assert page.locator("crescendo-message").bounding_box()["x"] < 100
    assert is_clean(page)


def test_the_hosts_own_styles_do_not_reach_in(host):
    host.put_up()
    page = host.log_in()
    expect(shown(page)).to_be_visible()
    page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
        sheet.replaceSync(`crescendo-message { display: none !important; position: static !important; }
            section, h2, p, a, * { color: red !important; font-size: 40px !important; }`);
        document.adoptedStyleSheets = [sheet]; }"""
    )
    expect(shown(page)).to_be_visible()
    style = shown(page).evaluate("one => ({...getComputedStyle(one)})")
    assert style["color"] != "rgb(255, 0, 0)"
    assert style["fontSize"] == "15px"
    assert page.locator("crescendo-message").evaluate("one => getComputedStyle(one).position") == "fixed"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_messages_are_accessible_in_light_and_dark_on_a_desk_and_a_phone(host, scheme, width):
    host.put_up(days_ago=3)
    host.put_up(kind="modal", feature="sso")
    page = host.log_in("/settings")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.reload()
    expect(shown(page)).to_be_visible()
    found = [*audit(page)]
    page.get_by_role("button", name="Turn on Single sign-on").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += audit(page)
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def audit(page):
    """By the debugger, not as an element: the host's policy lets no other script in."""
    return axe.breaches(page, iframes=True)


def test_no_cookie_is_set_and_none_is_sent(host):
    host.put_up()
    seen = []
    page = host.page
    page.on("request", lambda request: seen.append(request.all_headers()) if "/inapp/" in request.url else None)
    host.log_in()
    expect(shown(page)).to_be_visible()
    assert seen
    assert all("cookie" not in headers for headers in seen)
    assert {one["name"] for one in page.context.cookies()} == {"harbourline"}
