"""The template gallery in a real Chromium: a draft from a situation, undone; axe, strict CSP, a phone, Hebrew, dark."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.sequences.models import Campaign
from campaigns.usage.models import Meter
from tests.browser import axe
from tests.factories import sequences as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WATCH = """window.violations = [];
document.addEventListener('securitypolicyviolation', event =>
    window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def market():
    make.market()
    Meter.objects.filter(code="seats_used").update(unit="seats")


def pages():
    return [
        reverse("admin:studio-templates"),
        reverse("admin:studio-template", args=["near-limit"]),
        reverse("admin:studio-template", args=["trial-ending"]) + "?channel=sms&language=he",
        reverse("admin:studio-campaign-templates", args=["near-limit", "mail-1", "a"]) + "?template=growth",
    ]


def test_a_campaign_starts_from_a_situation_and_undo_takes_it_back(market, logged_in, live_server):
    page = logged_in
    page.goto(live_server.url + reverse("admin:studio-templates"))
    page.get_by_role("link", name="Near the limit", exact=True).click()
    page.get_by_role("button", name="Start a campaign from this").click()
    page.get_by_role("heading", name="Near the limit").wait_for()
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.get_by_text("The draft is gone.").wait_for()
    assert not Campaign.objects.exists()
    assert page.problems == []


@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", 1280), ("he", "dark", 390)])
def test_the_pages_are_sound(market, logged_in, live_server, client, language, theme, width):
    client.post(reverse("admin:studio-template-start", args=["near-limit"]))
    page = logged_in
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page.add_init_script(WATCH)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live_server.url + reverse("admin:studio-templates"))
    page.evaluate(f"localStorage.setItem('theme', '{theme}')")
    for path in pages():
        page.goto(live_server.url + path, wait_until="networkidle")
        assert page.evaluate(OVERFLOW) <= 0, path
        assert page.evaluate("window.violations") == [], path
        assert axe.breaches(page) == [], path
    assert page.problems == []
