"""The marketer's main walk in a real Chromium: segment, campaign, launch, review; and the same pages by axe, in English
and Hebrew, on a desk and on a phone, with the strict content policy watching."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign, Enrolment
from campaigns.usage.models import Meter, ThresholdCrossing, UsageDaily
from orchestrator import clock
from tests.browser import axe
from tests.factories import sequences as make
from tests.factories.results import Arm, campaign_with_results, keep_snapshots

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AHEAD = {"a": Arm(120, 26, 48, 110, 105, 30, 3), "b": Arm(120, 60, 49, 110, 106, 45, 2), "holdout": Arm(60, 26, 20)}


@pytest.fixture
def company(transactional_db, empty_redis, settings):
    """Eight accounts on Basic with nine of ten seats taken, each with a reader who said yes to mail."""
    settings.SENDGRID_API_KEY = "SG.test"
    make.market()
    today = clock.utcnow()
    for _ in range(8):
        make.reader(make.account_near_limit(), first_name="Dana", last_name="Levi")
    UsageDaily.objects.update(day=today.date())
    meter = Meter.objects.get(code="seats_used")
    for daily in UsageDaily.objects.all():
        ThresholdCrossing.objects.create(
            account_id=daily.account_id,
            meter=meter,
            level=80,
            period_start=today.date().replace(day=1),
            at=today,
            evidence={"value": 9, "quota": 10, "unit": "seats", "percent": 90},
        )


@pytest.fixture
def studio(logged_in, live_server, company):
    """Opens a page. In the end no request is left that would read while the tables are emptied."""

    def visit(path=""):
        logged_in.goto(f"{live_server.url}/admin/studio/{path}")
        return logged_in

    yield visit
    logged_in.wait_for_load_state("networkidle")
    logged_in.goto("about:blank")


def test_from_a_segment_to_the_review_of_the_launched_test(studio):
    page = studio("segments/new/")
    page.get_by_label("Name", exact=True).fill("Close to the limit")
    page.locator("#r1-fact").select_option(label="Seats used")
    expect(page.locator(".cr-live-figure")).to_have_text("8")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Use in a campaign").click()

    page.get_by_label("Name", exact=True).fill("Seats at 80 %")
    expect(page.get_by_label("Whom do you want to reach?")).to_have_value("close-to-the-limit")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Seats at 80 %")
    message = page.frame_locator("iframe[name=message]")
    expect(message.locator("body")).to_contain_text("9 of its 10")

    page.get_by_role("link", name="Edit B").click()
    page.get_by_label("Subject").fill("{{ evidence.value }} of your {{ evidence.quota }} seats are taken")
    page.get_by_label("Text", exact=True).fill("Your team grew to {{ evidence.value }} people.")
    expect(message.locator("body")).to_contain_text("Your team grew to 9 people.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Saved")

    page.get_by_role("link", name="Back to the steps").click()
    page.get_by_role("link", name="Review and launch").click()
    expect(page.get_by_role("heading", name="Starts for 7 accounts")).to_be_visible()
    page.get_by_role("button", name="Launch for 7 accounts").click()
    expect(page.locator("#toasts")).to_contain_text("Started for")
    expect(page.get_by_text("Live, version 2")).to_be_visible()
    expect(message.locator("body")).to_contain_text("Your team grew to 9 people.")
    page.wait_for_load_state("networkidle")

    page.get_by_role("link", name="Results").click()
    expect(page.locator("#verdict")).to_have_text("Not clear yet.")
    expect(page.get_by_role("heading", name="Who decided what")).to_be_visible()
    campaign = Campaign.objects.get()
    entered = campaign.entries.count()
    assert (campaign.status, entered) == ("LIVE", 8)
    assert Enrolment.objects.count() + campaign.entries.filter(outcome="HOLDOUT").count() == 8
    assert page.problems == []


def test_the_keyboard_alone_moves_a_step_and_takes_it_back(studio):
    draft = make_draft()
    page = studio(f"campaigns/{draft.slug}/")
    page.locator("[data-step=wait-1] summary").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#toasts")).to_contain_text("Saved")
    expect(page.locator("ol.cr-steps h3").first).to_have_text("1. Wait 3 days")
    expect(page.locator("[data-step=wait-1] summary")).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    expect(page.locator("ol.cr-steps h3").first).to_have_text("1. E-mail")
    assert page.problems == []


def test_a_winner_is_chosen_where_the_verdict_allows_it(studio):
    started = clock.utcnow() - timedelta(days=42)
    keep_snapshots(campaign_with_results(arms=AHEAD, started=started, holdout_percent=20), started=started, every=14)
    page = studio("tests/seats-80/")
    expect(page.locator("#verdict")).to_have_text("B is ahead: 50.0 % upgraded with B, 21.7 % with A.")
    page.get_by_text("Show as a table").first.click()
    expect(page.get_by_role("row", name="Accounts that upgraded")).to_contain_text("+28.3")
    page.get_by_role("link", name="Choose B…").click()
    page.get_by_label("Why?").fill("Own numbers work.")
    page.get_by_role("button", name="Choose B").click()
    expect(page.locator("#verdict")).to_have_text("Decided: B for everybody who enters.")
    assert Experiment.objects.get().decision_reason == "Own numbers work."
    assert page.problems == []


@pytest.mark.parametrize("language", ["en", "he"])
def test_every_page_is_accessible_fits_and_breaks_no_policy(studio, live_server, language):
    started = clock.utcnow() - timedelta(days=42)
    keep_snapshots(campaign_with_results(arms=AHEAD, started=started, holdout_percent=20), started=started, every=14)
    draft = make_draft()
    page = studio("tests/")
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    found = {}
    for path in (
        "campaigns/",
        "campaigns/new/",
        f"campaigns/{draft.slug}/",
        f"campaigns/{draft.slug}/?edit=audience",
        f"campaigns/{draft.slug}/steps/mail-1/b/",
        f"campaigns/{draft.slug}/steps/mail-1/",
        f"campaigns/{draft.slug}/launch/",
        "campaigns/seats-80/state/stop/",
        "tests/",
        "tests/seats-80/",
        "tests/seats-80/decide/b/",
    ):
        page = studio(path)
        if problems := axe.breaches_at(page, widths=(1280, 390), height=844):
            found[path] = problems
    assert found == {}
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "he" else "ltr")
    assert page.problems == []


def make_draft():
    """Two wordings, a wait and a banner, of a campaign that could be launched."""
    return make.drafted(slug="draft", name="Seats at 80 %, spring")
