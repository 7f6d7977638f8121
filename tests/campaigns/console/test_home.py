"""The home page: what waits for a person, the figures, what runs, what is still to be set up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from campaigns.analytics import tiles
from campaigns.billing.models import MrrMovement
from campaigns.console import verdict_words
from campaigns.operations.models import LongTask, StaffProfile
from tests.campaigns.console.home import HOME, LATER, looked_at_once
from tests.campaigns.console.reading import words_of
from tests.factories.billing import MrrMovementFactory, SubscriptionFactory
from tests.factories.crm import CrmConnectionFactory, WriteBackFactory
from tests.factories.delivery import CsmTaskFactory
from tests.factories.intake import SourceFactory
from tests.factories.results import HOLDOUT, Arm, campaign_with_results
from tests.factories.sequences import NOW, drafted

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_april():
    with time_machine.travel(LATER, tick=False):
        yield LATER


def test_an_anonymous_visitor_is_asked_to_log_in(client):
    response = client.get(HOME)
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={HOME}")


def test_somebody_who_is_no_staff_is_asked_to_log_in(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("customer", password="pw"))
    assert client.get(HOME).status_code == 302


def test_the_admins_index_is_the_home_page(marketer):
    assert "Needs you" in words_of(marketer.get("/admin/"))
    assert "Needs you" not in words_of(marketer.get("/admin/data/"))


def test_a_new_installation_says_what_comes_first(marketer):
    words = words_of(marketer.get(HOME))
    assert "Nothing waits for you." in words
    assert "No campaign yet. Start with whom you want to reach." in words
    assert "Set up 0 of 6 done" in words
    assert "Nothing long is running." in words
    assert "MRR" not in words


def test_what_is_set_up_shrinks_to_one_line(marketer):
    SourceFactory(last_seen_at=NOW)
    SubscriptionFactory()
    words = words_of(marketer.get(HOME))
    assert "Usage and billing: connected and working." in words
    assert "2 of 6 done" in words


def test_the_date_and_the_age_of_the_data_stand_on_top(marketer, in_april):
    SubscriptionFactory(as_of=LATER - timedelta(minutes=5))
    CrmConnectionFactory(last_synced_at=LATER - timedelta(hours=3))
    words = words_of(marketer.get(HOME))
    assert "Monday, 13 April" in words
    assert "Usage – Billing 5 minutes old CRM 3 hours old" in words


def test_the_date_is_that_of_the_readers_time_zone(marketer, django_user_model):
    maria = django_user_model.objects.get(username="maria")
    StaffProfile.objects.create(user=maria, time_zone="Pacific/Auckland")
    with time_machine.travel("2026-04-13T20:00:00Z", tick=False):
        assert "Tuesday, 14 April" in words_of(marketer.get(HOME))


def test_a_profile_with_a_time_zone_that_does_not_exist_reads_utc(marketer, django_user_model, in_april):
    maria = django_user_model.objects.get(username="maria")
    StaffProfile.objects.create(user=maria, time_zone="Moon/Base")
    assert "Monday, 13 April" in words_of(marketer.get(HOME))


def test_the_page_speaks_the_language_that_was_chosen_and_turns_round(marketer, in_april):
    marketer.post(reverse("set_language"), {"language": "he", "next": HOME})
    html = marketer.get(HOME).content.decode()
    assert '<html lang="he" dir="rtl">' in html
    assert "יום שני, 13 באפריל" in html
    assert "bootstrap.rtl.min.css" in html


def test_a_campaign_with_few_upgrades_is_not_clear_yet(marketer, in_april):
    looked_at_once(campaign_with_results(arms={"a": Arm(50, 2), "b": Arm(50, 3), HOLDOUT: Arm(20, 1)}))
    assert "Seats at 80 % Live 120 5.0 % 5.0 % not clear yet" in words_of(marketer.get(HOME))


def test_the_group_that_lacks_upgrades_is_named(marketer, in_april):
    SubscriptionFactory(started_at=NOW)
    looked_at_once(campaign_with_results(arms={"a": Arm(200, 30), "b": Arm(200, 31), HOLDOUT: Arm(100, 16)}))
    assert "Not clear yet Only 16 upgrades among the held out; 25 needed" in words_of(marketer.get(HOME))


@pytest.mark.parametrize(
    ("days", "accounts", "words"),
    [(4, 30, "A verdict in about 4 days"), (None, 30, "About 30 more accounts are needed"), (None, None, "Not clear")],
)
def test_an_unclear_test_says_what_it_waits_for(days, accounts, words):
    assert verdict_words.when(days_to_go=days, accounts_to_go=accounts).startswith(words)


def test_a_draft_that_cannot_start_says_what_is_missing(marketer, settings, in_april):
    settings.SENDGRID_FROM_EMAIL = ""
    drafted(name="Seats, version 3")
    words = words_of(marketer.get(HOME))
    assert (
        "“Seats, version 3” can’t start yet. Mail has no address that it comes from. An administrator can set it."
        in words
    )
    assert "Seats, version 3 Draft – – – – Review and launch" in words


def test_write_backs_that_wait_for_a_day_are_told_with_the_crms_answer(marketer, in_april):
    for number in range(2):
        WriteBackFactory(key=f"fact-{number}", queued_at=LATER - timedelta(hours=30), last_error="No such property.")
    WriteBackFactory(key="fresh", queued_at=LATER)
    words = words_of(marketer.get(HOME))
    assert "2 CRM write-backs have waited 24 hours. The CRM answers: No such property. Nothing is lost." in words


def test_work_that_takes_long_shows_how_far_it_is(marketer):
    LongTask.objects.create(kind="import", subject="usage.csv", done=52_610, total=84_210, started_at=NOW)
    response = marketer.get(HOME)
    assert "Import usage.csv 52,610 of 84,210" in words_of(response)
    assert '<progress max="84210" value="52610"' in response.content.decode()


def test_expansion_is_compared_with_the_thirty_days_before(in_april):
    subscription = SubscriptionFactory()
    for days, delta in ((1, 60), (29, 48), (31, 100), (61, 500)):
        MrrMovementFactory(
            subscription=subscription,
            kind=MrrMovement.Kind.EXPANSION,
            delta=Decimal(delta),
            at=LATER - timedelta(days=days),
        )
    found = tiles.read_expansion(now=LATER)
    assert (found.mrr, found.before) == (Decimal(108), Decimal(100))
    assert found.change == pytest.approx(0.08)


def test_trials_and_subscriptions_that_ended_are_no_mrr():
    SubscriptionFactory(mrr=Decimal(10), started_at=NOW)
    SubscriptionFactory(mrr=Decimal(20), started_at=NOW, status="TRIALING")
    SubscriptionFactory(mrr=Decimal(30), started_at=NOW, ended_at=NOW + timedelta(days=1))
    assert tiles.read_recurring(now=LATER) == tiles.Recurring(Decimal("10.00"), 1)


def test_the_ranges_of_several_campaigns_add_up_as_squares():
    def results(estimate, half, is_clear=True):
        low, high = estimate - half, estimate + half
        figures = {"estimate": estimate, "anytime_low": low, "anytime_high": high, "is_clear": is_clear}
        return {"incremental": figures}

    found = tiles.sum_earned(results=[results(100.0, 30.0), results(50.0, 40.0), results(9.0, 1.0, is_clear=False)])
    assert (found.estimate, found.low, found.high, found.clear, found.unclear) == (150, 100, 200, 2, 1)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (-3, "1 call to a customer is late."),
        (0, "1 call to a customer is due today."),
        (2, "Nothing waits for you."),
    ],
)
def test_calls_that_are_late_or_due_wait_for_somebody(marketer, in_april, days, told):
    CsmTaskFactory(due_at=LATER + timedelta(days=days))
    words = words_of(marketer.get(HOME))
    assert told in words
    assert ("Nothing waits for you." in words) == (days > 0)


def test_home_tells_of_customers_who_asked_to_be_called_before_the_call_is_due(marketer, in_april):
    CsmTaskFactory(message__channel="email", due_at=LATER + timedelta(days=3))
    CsmTaskFactory(message__channel="email", snoozed_until=LATER + timedelta(days=3))
    assert "1 customer asked to be called." in words_of(marketer.get(HOME))
