from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import experiment_figures, experiment_rows
from campaigns.delivery.models import ProviderEvent
from campaigns.sequences import lifecycle
from campaigns.sequences.models import Enrolment
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import (
    AHEAD,
    DATA_PROBLEM,
    HARM,
    HOLDOUT_PERCENT,
    LATER,
    NO_DIFFERENCE,
    NOT_YET,
    OPT_OUTS,
    has_come_to,
    page,
    review,
)
from tests.factories import sequences as make
from tests.factories.results import Arm, keep_snapshots

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scene(shared_rows):
    make.launched(holdout_percent=HOLDOUT_PERCENT)


@pytest.fixture(autouse=True)
def six_weeks_later(scene):
    with time_machine.travel(LATER, tick=False):
        yield


def test_not_clear_yet_says_about_how_long_while_windows_run(marketer):
    has_come_to(NOT_YET, planned=1000, last_entry_day=42)
    words = review(marketer)
    assert "Not clear yet: about 114 more days." in words
    assert "only accounts that enter from now on" not in words


def test_a_stopped_campaigns_test_is_judged_with_what_there_is_and_waits_for_nobody(marketer):
    campaign = has_come_to(NOT_YET, planned=1000, last_entry_day=42)
    lifecycle.stop(campaign=campaign, by="maria", now=LATER)
    words = review(marketer)
    assert "Stopped before it was clear. 10.9 % upgraded with B and 8.9 % with A, but" in words
    day = f"{LATER:%-d %B %Y}"
    assert f"The campaign was stopped on {day}: nobody comes into the test any more." in words
    assert "are still within their 14 days and count once these are over. End the test…" in words
    for untrue in ("Keep it running", "more days", "Running", "Looking now", "once so many"):
        assert untrue not in words
    (line,) = experiment_rows.make_lines(campaigns=[campaign])
    assert line.state_name == "Stopped"
    assert "nobody comes into the test any more" in words_of(marketer.get(page("-decide", "seats-80", "keep")))


def test_not_clear_yet_says_how_many_accounts_are_missing_when_nobody_waits_and_offers_no_winner(marketer):
    has_come_to(NOT_YET, planned=1000)
    response = marketer.get(page())
    words = words_of(response)
    assert "Not clear yet: about 700 more accounts are needed." in words
    assert "All accounts in the test have had their 14 days: only accounts that enter from now on change it." in words
    assert "10.0 % upgraded with B and 8.0 % with A" in words
    assert "A group needs at least 25 upgrades before its number holds." in words
    assert "Choose B…" not in words
    assert 'class="cr-verdict is-wait"' in response.content.decode()


def test_no_difference_leaves_the_control(marketer):
    has_come_to(NO_DIFFERENCE, planned=350)
    response = marketer.get(page())
    assert "No difference could be shown. A stays." in words_of(response)
    assert 'class="cr-verdict is-none"' in response.content.decode()


def test_fewer_upgrades_are_harm(marketer):
    has_come_to(HARM)
    response = marketer.get(page())
    assert "B does harm: fewer accounts upgrade." in words_of(response)
    assert 'class="cr-verdict is-harm"' in response.content.decode()


def test_more_opt_outs_than_the_limit_are_harm_although_more_upgrade(marketer):
    has_come_to(OPT_OUTS)
    words = review(marketer)
    assert "B does harm: more people unsubscribe." in words
    assert "more unsubscribed with B; the limit is 2." in words
    assert "over the limit" in words


def test_a_split_that_is_not_as_planned_comes_before_every_number(marketer):
    has_come_to(DATA_PROBLEM)
    response = marketer.get(page())
    words = words_of(response)
    assert "Don’t read the result yet: the split is not as planned." in words
    assert "460 accounts got A, 340 accounts got B and 200 were held out; planned were 400, 400 and 200." in words
    assert "Chance alone does this less than once in 1,000." in words
    assert 'class="cr-verdict is-data"' in response.content.decode()
    assert "Not yet, 5 of 6 checks" in words


def test_accounts_inside_their_window_wait(marketer):
    has_come_to(AHEAD, last_entry_day=42)
    words = review(marketer)
    # Two thirds of the six weeks are over for good: 134 of 200, twice, and 67 of 100.
    assert "Only finished windows count 165 newer accounts wait for day 14" in words
    assert "In the test 200 100 % 200 100 % Sent 190 95.0 % 190 95.0 %" in words
    assert "14 days over 134 67.0 % 134 67.0 % Upgraded of these 18 13.4 % 47 35.1 %" in words
    assert "upgrades and the verdict count only accounts whose 14 days are over" in words


def test_messages_are_shown_before_any_window_is_over(marketer):
    with time_machine.travel(make.NOW + timedelta(days=10), tick=False):
        has_come_to(AHEAD, last_entry_day=7)
        words = review(marketer)
    assert "Sent 190 95.0 % 190 95.0 %" in words
    assert "14 days over 0 0 % 0 0 % Upgraded of these 0 – 0 –" in words
    assert "The split is as planned not yet Nothing to check yet: nobody has had their 14 days" in words
    assert "There are fewer than two days to draw yet." in words
    assert (
        "B compared with A best estimate line: where the truth most likely lies Nobody has had their 14 days" in words
    )
    assert "Too few accounts have had their 14 days to say anything. The first of them have by 16 March." in words


def test_an_account_with_another_wording_than_drawn_is_counted(marketer):
    campaign = has_come_to(NOT_YET)
    one = Enrolment.objects.filter(campaign=campaign, arm="a").earliest("pk")
    Enrolment.objects.filter(pk=one.pk).update(arm="b")
    assert experiment_figures.accounts_that_saw_both(experiment=campaign.experiment) == 1
    assert "1 account changed group" in review(marketer)


def test_clicks_of_scanners_are_counted_and_left_out(marketer):
    campaign = has_come_to(NOT_YET)
    message = campaign.gate.messages.first()
    for place, grade in enumerate(("SCANNER", "SCANNER", "HUMAN")):
        ProviderEvent.objects.create(
            received_at=LATER, provider="sendgrid", key=bytes([place]) * 16, type="CLICKED", grade=grade, at=LATER,
            message=message.uuid,
        )  # fmt: skip
    assert "2 clicks by security software" in review(marketer)


def test_an_amount_whose_range_contains_zero_is_called_not_clear(marketer):
    has_come_to({"a": Arm(200, 40, 48), "b": Arm(200, 42, 48), "holdout": Arm(100, 26, 40)})
    words = review(marketer)
    assert "MRR beyond the held out, not clear yet: it may be nothing" in words
    assert "MRR less than without it" not in words


def test_a_group_that_earned_less_for_certain_is_told_so(marketer):
    has_come_to({"a": Arm(200, 30, 48), "b": Arm(200, 31, 48), "holdout": Arm(100, 40, 200)})
    words = review(marketer)
    assert "MRR less than without it" in words


def test_below_25_upgrades_in_a_group_no_amount_is_shown(marketer):
    has_come_to(NOT_YET)
    words = review(marketer)
    assert "What the campaign earned Not clear yet" in words
    assert (
        "27 upgraded with the campaign and 4 of the accounts held out; below 25 in a group no amount would hold."
        in words
    )


def test_the_list_says_what_an_unclear_test_waits_for(marketer):
    campaign = has_come_to(NOT_YET, planned=1000)
    keep_snapshots(campaign, every=42)
    words = words_of(marketer.get(reverse("admin:studio-tests")))
    assert "About 700 more accounts are needed" in words


def test_why_nobody_wrote_to_an_account_adds_up(marketer):
    campaign = has_come_to(NOT_YET)
    skipped = campaign.gate.messages.filter(state="SKIPPED").order_by("pk")
    open_one, failed, capped, late = skipped[:4]
    type(open_one).objects.filter(pk=open_one.pk).update(state="READY", reason="")
    type(failed).objects.filter(pk=failed.pk).update(state="FAILED", reason="")
    type(capped).objects.filter(pk=capped.pk).update(reason="CAPPED")
    type(late).objects.filter(pk=late.pk).update(state="EXPIRED", reason="")
    found = experiment_figures.unsent_reasons(experiment=campaign.experiment)
    assert found == {"OPTED_OUT": 6, "DUE": 1, "FAILED": 1, "CAPPED": 1, "EXPIRED": 1}
