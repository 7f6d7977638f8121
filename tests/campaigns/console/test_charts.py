"""Each chart as the server describes it: its words, its table, what the script is told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from campaigns.console import charts
from campaigns.console.charts import Chart
from campaigns.delivery.models import Message
from campaigns.operations.models import StaffProfile
from campaigns.segments.models import SegmentRefresh
from tests.campaigns.console.reading import words_of
from tests.factories.delivery import MessageFactory
from tests.factories.results import Arm, campaign_with_results, keep_snapshots
from tests.factories.segments import make_segment
from tests.factories.sequences import NOW as LAUNCH
from tests.factories.sequences import drafted
from tests.factories.usage import NOW

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("UTC")
ARMS = {"a": Arm(28, 7, 50, 28, 28, 14), "b": Arm(28, 14, 50, 28, 28, 28), "holdout": Arm(28, 28, 50)}
AHEAD = {"a": Arm(120, 26, 48, 110, 105, 30, 3), "b": Arm(120, 60, 49, 110, 106, 45, 2), "holdout": Arm(60, 26, 20)}


def sent(days_ago: int, channel: str = "email"):
    at = NOW - timedelta(days=days_ago)
    return MessageFactory(channel=channel, state=Message.State.ACCEPTED, accepted_at=at)


def shown(chart: Chart | None) -> Chart:
    assert chart is not None
    return chart


def described(response, key: str):
    """What the page tells charts.js."""
    found = re.search(rf'<script id="{key}-data" type="application/json">(.*?)</script>', response.content.decode())
    return json.loads(found[1]) if found else None


def test_what_went_out_is_one_row_a_channel_with_its_total():
    for days_ago, channel in ((0, "email"), (0, "email"), (2, "email"), (1, "in_app")):
        sent(days_ago, channel)
    chart = shown(charts.draw_sent(now=NOW, zone=ZONE))
    assert [(one.name, one.note, one.values[-3:]) for one in chart.series] == [
        ("E-mail", "3", [1, 0, 2]),
        ("In-app", "1", [0, 1, 0]),
    ]
    assert chart.rows[:3] == [["24 Nov", "2", "0"], ["23 Nov", "0", "1"], ["22 Nov", "1", "0"]]
    assert (len(chart.rows), chart.foot) == (30, ["Together", "3", "1"])
    assert chart.sentence == "26 Oct to 24 Nov. E-mail: 3, most on 24 Nov: 2. In-app: 1, most on 23 Nov: 1."
    assert chart.caption.endswith("Each row has its own scale.")


def test_what_stayed_in_the_outbox_is_not_told_as_having_left(settings):
    settings.SENDGRID_API_KEY = ""
    sent(0, "email")
    sent(0, "in_app")
    chart = shown(charts.draw_sent(now=NOW, zone=ZONE))
    assert "Not connected, so what is sent stays in the outbox of this machine: E-mail." in chart.caption


def test_a_single_row_says_nothing_about_scales():
    sent(0)
    chart = shown(charts.draw_sent(now=NOW, zone=ZONE))
    assert (chart.size, "scale" in chart.caption) == ("is-rows-1", False)


def test_nothing_sent_is_no_chart():
    assert charts.draw_sent(now=NOW, zone=ZONE) is None


def test_a_campaign_in_its_first_day_says_that_nothing_happened():
    campaign = campaign_with_results(arms={"a": Arm(2), "b": Arm(2), "holdout": Arm(2)})
    chart = shown(charts.draw_campaign(campaign=campaign, now=LAUNCH, zone=ZONE))
    assert chart.sentence == "2 Mar to 2 Mar. Sent: 0. Clicked: 0. Accounts upgraded: 0."
    assert chart.rows == [["2 Mar", "0", "0", "0"]]


def test_a_segments_size_is_told_from_its_first_day_to_its_last():
    segment = make_segment()
    for days_ago, size in ((3, 1200), (1, 1350)):
        SegmentRefresh.objects.create(segment=segment, started_at=NOW - timedelta(days=days_ago), size=size)
    chart = shown(charts.draw_segment(segment=segment, now=NOW, zone=ZONE))
    assert chart.sentence == "Members on 21 Nov: 1,200. On 23 Nov: 1,350."
    assert chart.rows == [["23 Nov", "1,350"], ["21 Nov", "1,200"]]
    assert chart.data["series"][0]["values"] == [1200, None, 1350]
    assert "Days without a count are passed over." in chart.caption


def test_words_and_days_are_the_readers_figures_stay_numbers():
    sent(0)
    with translation.override("he"):
        chart = shown(charts.draw_sent(now=NOW, zone=ZONE))
        assert chart.data["days"][-1] == "24 בנוב׳"
        assert chart.data["series"][0]["values"][-1] == 1


def test_only_pages_with_a_chart_load_what_draws_it(marketer, market, in_november):
    assert "echarts" not in marketer.get("/admin/studio/").content.decode()
    sent(0)
    page = marketer.get("/admin/studio/")
    assert described(page, "sent-days")["form"] == "panels"
    assert re.search(r'<script src="/static/vendor/echarts/echarts\S*\.js" defer nonce="', page.content.decode())
    assert "echarts" not in marketer.get("/admin/studio/campaigns/").content.decode()


def test_home_counts_days_in_the_readers_time_zone(marketer, market, in_november, django_user_model):
    MessageFactory(state=Message.State.ACCEPTED, accepted_at=NOW - timedelta(hours=11))
    assert described(marketer.get("/admin/studio/"), "sent-days")["series"][0]["values"][-2:] == [1, 0]
    StaffProfile.objects.create(user=django_user_model.objects.get(username="maria"), time_zone="Asia/Jerusalem")
    assert described(marketer.get("/admin/studio/"), "sent-days")["series"][0]["values"][-2:] == [0, 1]


def test_a_launched_campaign_shows_its_days_and_a_draft_does_not(marketer, time_machine):
    campaign_with_results(arms=ARMS)
    drafted(slug="draft")
    time_machine.move_to(LAUNCH + timedelta(days=42), tick=False)
    page = marketer.get("/admin/studio/campaigns/seats-80/")
    assert [one["note"] for one in described(page, "campaign-days")["series"]] == ["56", "42", "21"]
    assert "Together 56 42 21" in words_of(page)
    assert described(marketer.get("/admin/studio/campaigns/draft/"), "campaign-days") is None


def test_the_evidence_is_described_for_the_browser_and_drawn_for_those_without_script(marketer, time_machine):
    keep_snapshots(campaign_with_results(arms=AHEAD, holdout_percent=20), every=3)
    time_machine.move_to(LAUNCH + timedelta(days=42), tick=False)
    page = marketer.get("/admin/studio/tests/seats-80/")
    told = described(page, "evidence")
    series = told["series"][0]
    assert (told["form"], series["name"], series["tone"], told["unit"]) == ("range", "B minus A", "b", "{n} pts")
    assert all(
        low < value < high for low, value, high in zip(series["low"], series["values"], series["high"], strict=True)
    )
    assert told["ticks"][0] <= 0 < told["ticks"][-1]
    left = told["mark"]["at"]
    assert (series["low"][left - 1] <= 0 < series["low"][left], told["mark"]["words"]) == (True, "Range leaves zero")
    assert f"The range left zero on {told['days'][left]}." in told["sentence"]
    assert "On 13 Apr: +28.3 points, most likely between" in told["sentence"]
    assert '<polyline class="cr-line"' in page.content.decode()
