"""The charts in a real Chromium: drawn where the server described them, under the strict content policy, in both
directions and themes; and what is there without them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from campaigns.delivery.models import Message
from campaigns.segments.models import Segment, SegmentRefresh
from orchestrator import clock
from tests.browser import axe
from tests.factories.results import Arm, campaign_with_results, keep_snapshots

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AHEAD = {"a": Arm(120, 26, 48, 110, 105, 30, 3), "b": Arm(120, 60, 49, 110, 106, 45, 2), "holdout": Arm(60, 26, 20)}
# Words of the drawing from left to right, each with how far from the left it begins, from 0 to 1.
WORDS = """box => {
    const {left, width} = box.getBoundingClientRect(), marks = /[\\u2066-\\u2069]/g;
    return [...box.querySelectorAll('svg text')]
        .map(one => [(one.getBoundingClientRect().left - left) / width, one.textContent.replace(marks, '')])
        .sort((one, other) => one[0] - other[0]);
}"""
WIDE = re.compile(r"^([89]\d\d|1\d{3})(\.\d+)?$")
PAGES = {
    "": "sent-days",
    "campaigns/seats-80/": "campaign-days",
    "tests/seats-80/": "evidence",
    "segments/close/history/": "segment-days",
}


@pytest.fixture
def studio(logged_in, live_server, transactional_db, empty_redis):
    """Opens a page of a company whose campaign has run for six weeks, mostly by mail."""
    # At noon: how many messages the last thirty days hold must not depend on the hour of the run.
    started = clock.utcnow().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=42)
    keep_snapshots(campaign_with_results(arms=AHEAD, started=started, holdout_percent=20), started=started, every=3)
    few = Message.objects.filter(variant="a", accepted_at__gt=started + timedelta(days=14)).order_by("pk")[:24]
    Message.objects.filter(pk__in=few.values("pk")).update(channel="sms")
    segment = Segment.objects.create(slug="close", name="Close to the limit", created_at=started)
    for day in range(40):
        at = started + timedelta(days=day)
        SegmentRefresh.objects.create(segment=segment, started_at=at, milliseconds=3, size=180 + day * 3 + day % 5 * 4)

    def visit(path="", *, language="en", width=1280, theme="light"):
        logged_in.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        logged_in.set_viewport_size({"width": width, "height": 844})
        logged_in.emulate_media(color_scheme=theme)
        logged_in.goto(f"{live_server.url}/admin/studio/{path}")
        logged_in.wait_for_load_state("networkidle")
        return logged_in

    yield visit
    logged_in.wait_for_load_state("networkidle")
    logged_in.goto("about:blank")


@pytest.mark.parametrize("language", ["en", "he"])
def test_every_chart_is_drawn_without_breaking_the_policy(studio, language):
    found = {}
    for path, key in PAGES.items():
        for width, theme in ((1280, "light"), (390, "dark")):
            page = studio(path, language=language, width=width, theme=theme)
            wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            problems = axe.breaches(page) + (["scrolls sideways"] if wide else [])
            is_drawn = box_of(page, key).locator("> [role=img][aria-label] svg").count() == 1
            if problems or not is_drawn:
                found[path, width] = problems or "is not drawn"
    assert found == {}
    assert page.problems == []


def test_the_room_of_a_chart_is_kept_free_until_it_is_drawn(studio, page):
    page.route("**/echarts*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    before = {key: figure_of(studio(path), key).bounding_box() for path, key in PAGES.items()}
    page.unroute("**/echarts*.js")
    assert {key: figure_of(studio(path), key).bounding_box() for path, key in PAGES.items()} == before


def test_without_what_draws_it_the_servers_drawing_stays(studio, page):
    page.route("**/echarts*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = studio("tests/seats-80/")
    expect(box_of(page, "evidence").locator("svg.cr-chart polyline.cr-line")).to_have_count(1)
    assert page.problems == []


def test_without_script_the_table_stands_open_in_place_of_the_chart(studio, browser, live_server):
    page = studio("")
    with browser.new_context(java_script_enabled=False) as plain:
        plain.add_cookies(page.context.cookies())
        still = plain.new_page()
        still.goto(f"{live_server.url}/admin/studio/")
        expect(box_of(still, "sent-days")).to_be_hidden()
        expect(figure_of(still, "sent-days").get_by_role("row", name="Together")).to_contain_text("88")


def test_time_runs_from_right_to_left_in_hebrew_and_values_stand_at_the_right(studio):
    first, last = clock.utcnow() - timedelta(days=29), clock.utcnow()
    spoken = words_in(studio(""), "sent-days")
    assert days_of(spoken)[:: len(days_of(spoken)) - 1] == [f"{first:%-d %b}", f"{last:%-d %b}"]
    assert max(place for place, word in spoken if word in ("0", "E-mail ")) < 0.1
    mirrored = words_in(studio("", language="he"), "sent-days")
    days = days_of(mirrored)
    assert [day.split()[0] for day in days[:: len(days) - 1]] == [str(last.day), str(first.day)]
    assert min(place for place, word in mirrored if word == "0") > 0.9


def test_a_phone_gets_fewer_days_along_the_axis(studio):
    assert [len(days_of(words_in(studio("", width=width), "sent-days"))) for width in (1280, 390)] == [5, 3]


def test_a_chart_is_drawn_anew_when_the_theme_changes_or_the_window_grows(studio):
    page = studio("", width=390)
    fills = "box => [...new Set([...box.querySelectorAll('svg path')].map(one => one.getAttribute('fill')))]"
    assert "#2b51c4" in box_of(page, "sent-days").evaluate(fills)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(box_of(page, "sent-days").locator("svg path[fill='#7f9dff']").first).to_be_attached()
    page.set_viewport_size({"width": 1280, "height": 844})
    expect(box_of(page, "sent-days").locator("> [role=img] svg")).to_have_attribute("width", WIDE)
    assert page.problems == []


def test_the_pointer_is_told_the_numbers_of_a_day(studio):
    page = studio("segments/close/history/")
    box = box_of(page, "segment-days")
    box.hover(position={"x": 4, "y": 80})
    expect(box.locator("svg")).to_contain_text("Members: 180")
    assert page.problems == []


def box_of(page, key):
    return figure_of(page, key).locator(".cr-drawn-box")


def figure_of(page, key):
    return page.locator(f"[data-chart={key}-data]")


def days_of(words):
    return [word for _place, word in words if re.fullmatch(r"\d+ \D+", word)]


def words_in(page, key):
    return box_of(page, key).evaluate(WORDS)
