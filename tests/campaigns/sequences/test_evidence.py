from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import Plan
from campaigns.segments import store
from campaigns.sequences import evidence, triggers
from campaigns.sequences.models import Entry
from campaigns.usage.models import Meter, UsageDaily
from tests.factories import sequences as make
from tests.factories.billing import QuotaFactory
from tests.factories.usage import MeterFactory, ThresholdCrossingFactory, UsageEventFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]

NOW = make.NOW
TODAY = NOW.date()
GROWTH = {"usage": "api_calls", "agg": "sum", "window": "28d", "per": "previous", "op": ">=", "value": 1.3}
ATTEMPTS = {
    "event": "premium_feature_attempted",
    "window": "14d",
    "where": [{"property": "feature", "op": "=", "value": "sso"}],
    "count": {"op": ">=", "value": 3},
}
CROSSING = {"crossing": "seats_used", "level": 80, "window": "7d"}


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    make.market()
    MeterFactory(code="api_calls", name="API calls", unit="calls", aggregation=Meter.Aggregation.SUM)


def quoted(definition, *accounts):
    segment = store.save_segment(slug="asked", name="", definition=definition, by="t", now=NOW).segment
    return evidence.gather_evidence(segment=segment, account_ids=[one.pk for one in accounts], now=NOW)


def use(account, meter, *, back, value):
    row = Meter.objects.get(code=meter)
    day = TODAY - timedelta(days=back)
    UsageDaily.objects.update_or_create(
        account=account, meter=row, day=day, defaults={"value": Decimal(value), "last_at": NOW}
    )


def attempt(account, *, feature="sso", days=1.0):
    UsageEventFactory(account=account, properties={"feature": feature}, at=NOW - timedelta(days=days))


def test_growth_tells_percent_and_both_windows():
    account = make.account_near_limit()
    for back, value in ((0, 60), (27, 70), (28, 50), (55, 50), (56, 999)):
        use(account, "api_calls", back=back, value=value)
    told = quoted(GROWTH, account)[account.pk]
    assert told == told | {
        "meter": "api_calls",
        "meter_name": "API calls",
        "unit": "calls",
        "value": 130,
        "value_before": 100,
        "growth_percent": 30,
        "window_days": 28,
        "since": (TODAY - timedelta(days=27)).isoformat(),
        "day": TODAY.isoformat(),
    }


def test_growth_from_nothing_is_not_told():
    account = make.account_near_limit()
    use(account, "api_calls", back=0, value=60)
    assert "growth_percent" not in quoted(GROWTH, account)[account.pk]


def test_attempts_at_a_feature_are_counted_with_the_first_and_the_last():
    account = make.account_near_limit()
    for days in (13.0, 2.0, 1.0):
        attempt(account, days=days)
    attempt(account, days=15)
    attempt(account, feature="audit_log")
    told = quoted(ATTEMPTS, account)[account.pk]
    assert (told["attempts"], told["feature"], told["event"]) == (3, "sso", "premium_feature_attempted")
    assert told["first_at"] == (NOW - timedelta(days=13)).isoformat()
    assert told["last_at"] == (NOW - timedelta(days=1)).isoformat()


def test_without_a_condition_the_feature_is_the_one_tried_most():
    account = make.account_near_limit()
    for feature in ("sso", "audit_log", "audit_log"):
        attempt(account, feature=feature)
    told = quoted({"event": "premium_feature_attempted"}, account)[account.pk]
    assert (told["attempts"], told["feature"]) == (3, "audit_log")


def test_events_that_name_no_feature_tell_none():
    account = make.account_near_limit()
    UsageEventFactory(account=account, name="office_opened", at=NOW)
    assert "feature" not in quoted({"event": "office_opened"}, account)[account.pk]


def test_a_share_of_the_quota_tells_todays_figures_and_what_was_added_since():
    account = make.account_near_limit(seats=9)
    use(account, "seats_used", back=28, value=4)
    ThresholdCrossingFactory(account=account, evidence={"value": 8, "quota": 10, "percent": 80})
    told = quoted(make.SEATS, account)[account.pk]
    assert (told["value"], told["quota"], told["percent"], told["level"]) == (9, 10, 90, 80)
    assert (told["added"], told["added_since"]) == (5, (TODAY - timedelta(days=28)).isoformat())
    assert (told["value_before"], told["growth_percent"], told["plan_name"]) == (4, 125, "Basic")


def test_what_was_not_added_is_not_told():
    account = make.account_near_limit(seats=9)
    use(account, "seats_used", back=28, value=9)
    told = quoted(make.SEATS, account)[account.pk]
    assert "added" not in told
    assert told["growth_percent"] == 0


def test_under_all_lines_there_is_no_level():
    account = make.account_near_limit(seats=5)
    assert "level" not in quoted({**make.SEATS, "value": 0.4}, account)[account.pk]


def test_a_crossing_is_told_as_it_was_then():
    account = make.account_near_limit(seats=9)
    then = {"value": 8, "quota": 10, "percent": 80, "growth_28d": 0.6, "added_28d": 3, "since": "2026-02-01"}
    ThresholdCrossingFactory(account=account, evidence=then)
    told = quoted(CROSSING, account)[account.pk]
    named = {"growth_percent": 60, "window_days": 28, "added": 3, "added_since": "2026-02-01"}
    assert told == told | then | named


def test_a_sum_against_the_quota_tells_the_sum():
    account = make.account_near_limit()
    QuotaFactory(plan=Plan.objects.get(code="basic"), meter="api_calls", limit=Decimal(200))
    for back in (0, 29, 30):
        use(account, "api_calls", back=back, value=90)
    definition = {"usage": "api_calls", "agg": "sum", "window": "30d", "per": "quota", "op": ">=", "value": 0.8}
    told = quoted(definition, account)[account.pk]
    assert (told["value"], told["quota"], told["percent"], told["window_days"]) == (180, 200, 90, 30)
    assert told["since"] == (TODAY - timedelta(days=29)).isoformat()


def test_usage_without_a_quota_tells_the_value_alone():
    account = make.account_near_limit()
    use(account, "api_calls", back=0, value=90)
    told = quoted({"usage": "api_calls", "agg": "max", "window": "7d", "op": ">=", "value": 1}, account)[account.pk]
    assert told["value"] == 90
    assert "quota" not in told


def test_two_families_are_quoted_together_and_the_first_one_names_the_meter():
    account = make.account_near_limit(seats=9)
    use(account, "api_calls", back=0, value=60)
    use(account, "api_calls", back=28, value=40)
    attempt(account)
    told = quoted({"all": [make.SEATS, GROWTH, {"event": "premium_feature_attempted"}]}, account)[account.pk]
    assert (told["meter"], told["value"], told["growth_percent"], told["attempts"]) == ("seats_used", 9, 50, 1)


def test_of_two_ways_in_the_one_that_holds_is_quoted():
    full, loud = make.account_near_limit(seats=9), make.account_near_limit(seats=2)
    use(loud, "api_calls", back=0, value=500)
    busy = {"usage": "api_calls", "agg": "sum", "window": "28d", "op": ">=", "value": 100}
    told = quoted({"any": [make.SEATS, busy]}, full, loud)
    assert (told[full.pk]["meter"], told[loud.pk]["meter"]) == ("seats_used", "api_calls")


def test_the_terms_of_the_subscription_are_always_there():
    account = make.account_near_limit()
    told = quoted(ATTEMPTS, account)[account.pk]
    assert (told["plan_name"], told["monthly"], told["currency"]) == ("Basic", "29.00", "USD")


def test_what_stands_under_a_not_brings_nobody_in():
    account = make.account_near_limit(seats=9)
    use(account, "api_calls", back=0, value=500)
    busy = {"usage": "api_calls", "agg": "sum", "window": "28d", "op": ">=", "value": 100}
    told = quoted({"all": [{"not": busy}, make.SEATS]}, account)[account.pk]
    assert told["meter"] == "seats_used"


def test_a_segment_that_is_named_is_read_as_if_it_stood_there():
    account = make.account_near_limit(seats=9)
    store.save_segment(slug="near", name="", definition=make.SEATS, by="t", now=NOW)
    assert quoted({"all": [{"segment": "near"}]}, account)[account.pk]["value"] == 9


def test_an_audience_about_no_meter_quotes_the_newest_crossing():
    account = make.account_near_limit()
    ThresholdCrossingFactory(account=account)
    assert quoted({"field": "account.plan", "op": "=", "value": "basic"}, account)[account.pk]["percent"] == 80


def test_the_meter_of_an_audience_is_the_first_it_names():
    segment = store.save_segment(
        slug="asked", name="", definition={"all": [ATTEMPTS, GROWTH, make.SEATS]}, by="t", now=NOW
    ).segment
    assert triggers.meter_of(segment=segment) == "api_calls"


def test_who_is_enrolled_keeps_the_evidence_of_that_moment():
    account = make.ready_account()
    for days in (3.0, 2.0, 1.0):
        attempt(account, days=days)
    campaign = make.launched(holdout_percent=None, audience={"segment": ATTEMPTS})
    entry = Entry.objects.get(campaign=campaign)
    assert (entry.evidence["attempts"], entry.evidence["feature"]) == (3, "sso")
