"""Nothing is done twice and nothing typed is lost, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from campaigns.sequences.models import Campaign
from tests.factories import sequences as make
from tests.factories.segments import make_segment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def studio(logged_in, live_server, transactional_db, empty_redis):
    make.market()
    make_segment({"all": [make.SEATS]}, slug="close-to-limit")

    def visit(path=""):
        logged_in.goto(f"{live_server.url}/admin/studio/{path}")
        return logged_in

    return visit


@pytest.fixture
def asked(logged_in):
    """What the browser asked before it left a page; each time the answer is to leave."""
    kinds: list[str] = []

    def answer(dialog):
        kinds.append(dialog.type)
        dialog.accept()

    logged_in.on("dialog", answer)
    return kinds


def _make_draft(page):
    page.get_by_label("Name", exact=True).fill("Seats")
    page.get_by_role("button", name="Make the draft").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Seats")


def test_a_double_click_makes_one_campaign(studio):
    page = studio("campaigns/new/")
    _make_draft(page)
    page.wait_for_load_state("networkidle")
    assert [one.slug for one in Campaign.objects.all()] == ["seats"]


def test_a_text_that_is_not_saved_is_asked_about_also_after_a_preview(studio, asked):
    _make_draft(studio("campaigns/new/"))
    page = studio("campaigns/seats/steps/mail-1/b/?language=en")
    page.get_by_label("Subject").fill("Something else")
    page.get_by_role("button", name="Show in the preview").click()
    expect(page.frame_locator("iframe[name=message]").locator("body")).not_to_be_empty()
    page.get_by_role("link", name="Back to the steps").click()
    page.wait_for_url("**/campaigns/seats/**")
    assert "beforeunload" in asked


def test_saving_asks_nothing(studio, asked):
    _make_draft(studio("campaigns/new/"))
    page = studio("campaigns/seats/")
    page.get_by_label("Priority").fill("70")
    page.get_by_role("button", name="Save limits").click()
    expect(page.locator(".cr-toast")).to_contain_text("Saved")
    assert asked == []


def test_the_last_sheet_is_the_last_in_hebrew_too(studio, logged_in, live_server):
    logged_in.context.add_cookies([{"name": "django_language", "value": "he", "url": live_server.url}])
    sheets = studio("segments/").evaluate("[...document.styleSheets].map((sheet) => sheet.href.split('/').pop())")
    own = [name.split(".")[0] for name in sheets if not name.startswith("bootstrap")]
    assert own == ["tokens", "studio", "console", "tokens"]
