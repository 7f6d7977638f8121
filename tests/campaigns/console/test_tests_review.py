from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from campaigns.console import experiment_figures, experiment_rows
from campaigns.delivery.models import ProviderEvent
from campaigns.sequences import lifecycle
from campaigns.sequences.models import Enrolment
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import (
    AHEAD,
    DATA_PROBLEM,
    HARM,
    LATER,
    NO_DIFFERENCE,
    NOT_YET,
    OPT_OUTS,
    page,
    results,
    review,
)
from tests.factories import sequences as make
from tests.factories.results import Arm, keep_snapshots

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def six_weeks_later():
    with time_machine.travel(LATER, tick=False):
        yield


def test_ahead_is_said_with_both_shares_and_a_range(marketer):
    results(AHEAD)
    words = review(marketer)
    assert "B is ahead: 35.0 % upgraded with B, 13.0 % with A." in words
    assert "The true difference is most likely between 9.5 and 34.5 points." in words
    assert "Choose B… Keep it running" in words
    assert "Yes, 6 of 6 checks" in words


def test_not_clear_yet_says_about_how_long_while_windows_run(marketer):
    results(NOT_YET, planned=1000, last_entry_day=42)
    words = review(marketer)
    assert "Not clear yet: about 166 more days." in words
    assert "only accounts that enter from now on" not in words


def test_a_stopped_campaigns_test_is_judged_with_what_there_is_and_waits_for_nobody(marketer):
    campaign = results(NOT_YET, planned=1000, last_entry_day=42)
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
    results(NOT_YET, planned=1000)
    response = marketer.get(page())
    words = words_of(response)
    assert "Not clear yet: about 700 more accounts are needed." in words
    assert "All accounts in the test have had their 14 days: only accounts that enter from now on change it." in words
    assert "10.0 % upgraded with B and 8.0 % with A" in words
    assert "A group needs at least 25 upgrades before its number holds." in words
    assert "Choose B…" not in words
    assert 'class="cr-verdict is-wait"' in response.content.decode()


def test_no_difference_leaves_the_control(marketer):
    results(NO_DIFFERENCE, planned=350)
    response = marketer.get(page())
    assert "No difference could be shown. A stays." in words_of(response)
    assert 'class="cr-verdict is-none"' in response.content.decode()


def test_fewer_upgrades_are_harm(marketer):
    results(HARM)
    response = marketer.get(page())
    assert "B does harm: fewer accounts upgrade." in words_of(response)
    assert 'class="cr-verdict is-harm"' in response.content.decode()


def test_more_opt_outs_than_the_limit_are_harm_although_more_upgrade(marketer):
    results(OPT_OUTS)
    words = review(marketer)
    assert "B does harm: more people unsubscribe." in words
    assert "more unsubscribed with B; the limit is 2." in words
    assert "over the limit" in words


def test_a_split_that_is_not_as_planned_comes_before_every_number(marketer):
    results(DATA_PROBLEM)
    response = marketer.get(page())
    words = words_of(response)
    assert "Don’t read the result yet: the split is not as planned." in words
    assert "460 accounts got A, 340 accounts got B and 200 were held out; planned were 400, 400 and 200." in words
    assert "Chance alone does this less than once in 1,000." in words
    assert 'class="cr-verdict is-data"' in response.content.decode()
    assert "Not yet, 5 of 6 checks" in words


def test_one_wording_says_that_there_is_nothing_to_compare(marketer):
    steps = make.document()["steps"]
    del steps[0]["variants"]["b"]
    steps[0]["variants"]["a"]["weight"] = 100
    results({"a": Arm(100, 30), "holdout": Arm(25, 2)}, steps=steps)
    words = review(marketer)
    assert "One wording: there is nothing to compare." in words
    assert "compared with" not in words


def test_the_checks_name_their_numbers(marketer):
    results(AHEAD)
    words = review(marketer)
    assert "The split is as planned A 200, planned 200; B 200, planned 200; Held out 100, planned 100" in words
    assert "Long enough 42 days, at least 7 needed" in words
    assert "Enough upgrades 26 in the smaller group, at least 25 needed" in words
    assert "Nobody saw both 0 accounts changed group" in words


def test_accounts_inside_their_window_wait(marketer):
    results(AHEAD, last_entry_day=42)
    words = review(marketer)
    # Two thirds of the six weeks are over for good: 134 of 200, twice, and 67 of 100.
    assert "Only finished windows count 165 newer accounts wait for day 14" in words
    assert "In the test 200 100 % 200 100 % Sent 190 95.0 % 190 95.0 %" in words
    assert "14 days over 134 67.0 % 134 67.0 % Upgraded of these 18 13.4 % 47 35.1 %" in words
    assert "upgrades and the verdict count only accounts whose 14 days are over" in words


def test_messages_are_shown_before_any_window_is_over(marketer):
    with time_machine.travel(make.NOW + timedelta(days=10), tick=False):
        results(AHEAD, last_entry_day=7)
        words = review(marketer)
    assert "Sent 190 95.0 % 190 95.0 %" in words
    assert "14 days over 0 0 % 0 0 % Upgraded of these 0 – 0 –" in words
    assert "The split is as planned not yet Nothing to check yet: nobody has had their 14 days" in words
    assert "There are fewer than two days to draw yet." in words
    assert (
        "B compared with A best estimate line: where the truth most likely lies Nobody has had their 14 days" in words
    )
    assert "Too few accounts have had their 14 days to say anything. The first of them have by 16 March." in words


def test_the_subjects_are_filled_in(marketer):
    results(AHEAD)
    words = review(marketer)
    assert "{{" not in words
    assert "The subjects are filled in for a made-up account." in words


def test_an_account_with_another_wording_than_drawn_is_counted(marketer):
    campaign = results(NOT_YET)
    one = Enrolment.objects.filter(campaign=campaign, arm="a").earliest("pk")
    Enrolment.objects.filter(pk=one.pk).update(arm="b")
    assert experiment_figures.accounts_that_saw_both(experiment=campaign.experiment) == 1
    assert "1 account changed group" in review(marketer)


def test_clicks_of_scanners_are_counted_and_left_out(marketer):
    campaign = results(NOT_YET)
    message = campaign.gate.messages.first()
    for place, grade in enumerate(("SCANNER", "SCANNER", "HUMAN")):
        ProviderEvent.objects.create(
            received_at=LATER, provider="sendgrid", key=bytes([place]) * 16, type="CLICKED", grade=grade, at=LATER,
            message=message.uuid,
        )  # fmt: skip
    assert "2 clicks by security software" in review(marketer)


def test_what_it_earned_has_both_ranges(marketer):
    results(AHEAD)
    words = review(marketer)
    assert "MRR more than without it" in words
    assert "valid at any look." in words
    assert "At the planned end, looked at once:" in words


def test_an_amount_whose_range_contains_zero_is_called_not_clear(marketer):
    results({"a": Arm(200, 40, 48), "b": Arm(200, 42, 48), "holdout": Arm(100, 26, 40)})
    words = review(marketer)
    assert "MRR beyond the held out, not clear yet: it may be nothing" in words
    assert "MRR less than without it" not in words


def test_a_group_that_earned_less_for_certain_is_told_so(marketer):
    results({"a": Arm(200, 30, 48), "b": Arm(200, 31, 48), "holdout": Arm(100, 40, 200)})
    words = review(marketer)
    assert "MRR less than without it" in words


def test_below_25_upgrades_in_a_group_no_amount_is_shown(marketer):
    results(NOT_YET)
    words = review(marketer)
    assert "What the campaign earned Not clear yet" in words
    assert (
        "27 upgraded with the campaign and 4 of the accounts held out; below 25 in a group no amount would hold."
        in words
    )


def test_the_groups_and_stages_stand_as_tables(marketer):
    results(AHEAD)
    words = review(marketer)
    assert "A 200 26 $1,248 $6.24 B 200 70 $3,430 $17.15 Held out 100 26 $520 $5.20" in words
    assert "Sent 190 95.0 % 190 95.0 % Delivered 185 92.5 % 186 93.0 % Clicked 30 15.0 % 45 22.5 %" in words
    assert "20 accounts got no message: 20 opted out." in words
    assert "See who and why" not in words


def test_every_drawing_has_its_table(marketer):
    campaign = results(AHEAD)
    keep_snapshots(campaign, every=14)
    response = marketer.get(page())
    words, content = words_of(response), response.content.decode()
    assert content.count("<figure") == content.count("Show as a table") == 2
    assert "Accounts that upgraded +22.0 +9.5 +34.5 – Expansion MRR" in words
    assert "Difference in upgrades, B minus A, in points, as people saw it then." in words


def test_evidence_is_drawn_for_the_wording_that_the_verdict_is_about(marketer):
    content = make.document()["steps"][0]["variants"]["a"]["content"]
    steps = make.document()["steps"]
    steps[0]["variants"] = {
        letter: {"weight": weight, "content": content} for letter, weight in (("a", 34), ("b", 33), ("c", 33))
    }
    campaign = results({"a": Arm(204, 26), "b": Arm(198, 30), "c": Arm(198, 80), "holdout": Arm(150, 20)}, steps=steps)
    keep_snapshots(campaign, every=14)
    words = review(marketer)
    assert "C is ahead" in words
    assert "Difference in upgrades, C minus A, in points, as people saw it then." in words


def test_evidence_is_not_drawn_from_a_single_day(marketer):
    results(AHEAD)
    assert "There are fewer than two days to draw yet." in review(marketer)


def test_the_csv_has_level_method_and_p_for_analysts(marketer):
    results(AHEAD)
    response = marketer.get(page("-csv"))
    rows = {tuple(row[:3]): row[3] for row in csv.reader(io.StringIO(b"".join(response).decode()))}
    assert response.headers["Content-Disposition"] == 'attachment; filename="test-seats-80-2026-04-13.csv"'
    assert rows["group", "b", "upgraded"] == "70"
    assert rows["method", "test", "alpha"] == "0.050"
    assert rows["method", "test", "interval"] == "asymptotic confidence sequence"
    assert 0 < float(rows["difference", "b minus a", "upgrades_p"]) < 0.05
    assert rows["verdict", "test", "kind"] == "AHEAD"


def test_the_list_says_what_each_test_says(marketer):
    campaign = results(AHEAD)
    keep_snapshots(campaign, every=21)
    words = words_of(marketer.get(reverse("admin:studio-tests")))
    assert "Seats at 80 % Seats at 80 % 400 B is ahead 2 March 2026" in words


def test_the_list_says_what_an_unclear_test_waits_for(marketer):
    campaign = results(NOT_YET, planned=1000)
    keep_snapshots(campaign, every=42)
    words = words_of(marketer.get(reverse("admin:studio-tests")))
    assert "About 700 more accounts are needed" in words


def test_why_nobody_wrote_to_an_account_adds_up(marketer):
    campaign = results(NOT_YET)
    skipped = campaign.gate.messages.filter(state="SKIPPED").order_by("pk")
    open_one, failed, capped = skipped[:3]
    type(open_one).objects.filter(pk=open_one.pk).update(state="READY", reason="")
    type(failed).objects.filter(pk=failed.pk).update(state="FAILED", reason="")
    type(capped).objects.filter(pk=capped.pk).update(reason="CAPPED")
    found = experiment_figures.unsent_reasons(experiment=campaign.experiment)
    assert found == {"OPTED_OUT": 7, "DUE": 1, "FAILED": 1, "CAPPED": 1}


def test_the_list_does_not_wait_for_a_test_of_one_wording(marketer):
    steps = make.document()["steps"]
    del steps[0]["variants"]["b"]
    steps[0]["variants"]["a"]["weight"] = 100
    campaign = results({"a": Arm(100, 30), "holdout": Arm(25, 2)}, steps=steps)
    keep_snapshots(campaign, every=42)
    assert "Nothing to compare" in words_of(marketer.get(reverse("admin:studio-tests")))


def test_an_empty_list_says_how_a_test_begins(marketer):
    words = words_of(marketer.get(reverse("admin:studio-tests")))
    assert "No test yet. A campaign with two wordings starts one by itself" in words


@pytest.fixture
def in_hebrew(marketer):
    """A marketer who reads Hebrew. A request leaves its language behind in the thread."""
    marketer.cookies["django_language"] = "he"
    yield marketer
    translation.activate("en")


def test_signed_numbers_keep_their_sign_on_the_left_in_hebrew(in_hebrew):
    results(AHEAD)
    content = in_hebrew.get(page()).content.decode()
    assert '<bdi dir="ltr">+22.0</bdi>' in content
    assert '<html lang="he" dir="rtl"' in content


def test_ranges_and_letters_stand_alone_in_hebrew(in_hebrew):
    results(AHEAD)
    content = in_hebrew.get(page()).content.decode()
    assert "\u2066+9.5\u2069" in content
    assert "\u2066A\u2069" in content
