from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from campaigns.billing.models import Plan, Subscription
from campaigns.profiles.models import Account
from campaigns.usage import crossings, selectors
from campaigns.usage.models import Meter, ThresholdCrossing, UsageDaily
from tests.factories.billing import PlanFactory, QuotaFactory, SubscriptionFactory
from tests.factories.profiles import AccountFactory
from tests.factories.usage import NOW, MeterFactory
from tests.settled import wait_until_settled

# A pull sees rows of finished transactions only: here every statement is one.
pytestmark = pytest.mark.django_db(transaction=True)
TODAY = NOW.date()
RENEWS_AT = NOW + timedelta(days=16)


@pytest.fixture
def account() -> Account:
    """Ten seats, billed by the month on the 10th."""
    MeterFactory()
    plan = PlanFactory(code="basic", name="Basic")
    QuotaFactory(plan=plan, meter="seats_used", limit=Decimal(10))
    account: Account = AccountFactory()
    SubscriptionFactory(account=account, plan=plan, renews_at=RENEWS_AT)
    return account


def _use(account: Account, seats: float, *, day: date = TODAY, meter: str = "seats_used") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_usagedaily (account_id, meter_id, day, value, last_at)"
            " SELECT %s, id, %s, %s, %s FROM usage_meter WHERE code = %s"
            " ON CONFLICT (account_id, meter_id, day)"
            " DO UPDATE SET value = EXCLUDED.value, xid = pg_current_xact_id()",
            [account.pk, day, Decimal(str(seats)), NOW, meter],
        )


def _standing() -> list[int]:
    rows = ThresholdCrossing.objects.filter(contradicted_at__isnull=True)
    return sorted(rows.values_list("level", flat=True))


def _notice(now: datetime = NOW) -> int:
    wait_until_settled()
    return crossings.notice_crossings(now=now)


@pytest.mark.parametrize(
    ("seats", "levels"),
    [(7.9, []), (8, [80]), (9.4, [80]), (9.5, [80, 95]), (9.999, [80, 95]), (10, [80, 95, 100]), (25, [80, 95, 100])],
)
def test_a_jump_writes_one_row_per_level_passed(account: Account, seats: float, levels: list[int]) -> None:
    _use(account, seats)
    assert _notice() == len(levels)
    assert _standing() == levels


def test_the_evidence_and_the_period_are_kept_with_the_crossing(account: Account) -> None:
    for back in range(29):
        _use(account, 9 - back * 0.25, day=TODAY - timedelta(days=back))
    _notice()
    crossing = ThresholdCrossing.objects.get()
    assert crossing.period_start == date(2026, 11, 10)
    assert crossing.at == NOW
    expected = {"value": 9, "quota": 10, "percent": 90, "added_28d": 7, "projected_hit_date": "2026-11-28"}
    assert crossing.evidence == crossing.evidence | expected


def test_a_level_is_noticed_once_in_a_billing_period(account: Account) -> None:
    _use(account, 8)
    _notice()
    _use(account, 3, day=TODAY + timedelta(days=1))
    _use(account, 9, day=TODAY + timedelta(days=2))
    assert _notice(NOW + timedelta(days=2)) == 0


def test_a_run_without_changes_finds_nothing(account: Account) -> None:
    _use(account, 8)
    _notice()
    assert _notice() == 0


def test_hovering_at_the_line_does_not_ring_again_in_the_next_period(account: Account) -> None:
    _use(account, 8)
    _notice()
    later = NOW + timedelta(days=20)
    _use(account, 7.6, day=later.date() - timedelta(days=1))
    _use(account, 8.5, day=later.date())
    assert _notice(later) == 0


def test_after_a_real_fall_the_next_period_counts_again(account: Account) -> None:
    _use(account, 8)
    _notice()
    later = NOW + timedelta(days=20)
    _use(account, 7.4, day=later.date() - timedelta(days=1))
    _use(account, 8.5, day=later.date())
    assert _notice(later) == 1
    starts = ThresholdCrossing.objects.order_by("period_start").values_list("period_start", flat=True)
    assert list(starts) == [date(2026, 11, 10), date(2026, 12, 10)]


def test_a_later_report_of_the_same_day_takes_a_crossing_back(account: Account) -> None:
    _use(account, 9.6)
    _notice()
    _use(account, 9)
    _notice(NOW + timedelta(hours=1))
    assert _standing() == [80]
    assert ThresholdCrossing.objects.get(level=95).contradicted_at == NOW + timedelta(hours=1)


def test_what_was_taken_back_can_be_crossed_again_in_the_same_period(account: Account) -> None:
    _use(account, 8)
    _notice()
    _use(account, 2)
    _notice()
    _use(account, 8.2)
    assert _notice(NOW + timedelta(hours=2)) == 1
    crossing = ThresholdCrossing.objects.get()
    assert (crossing.contradicted_at, crossing.evidence["value"]) == (None, 8.2)


@pytest.mark.parametrize(("days_ago", "noticed"), [(0, 1), (3, 1), (4, 0)])
def test_old_values_say_nothing_about_now(account: Account, days_ago: int, noticed: int) -> None:
    _use(account, 8, day=TODAY - timedelta(days=days_ago))
    assert _notice() == noticed


def test_a_newer_low_value_counts_and_not_an_older_high_one(account: Account) -> None:
    _use(account, 9, day=TODAY - timedelta(days=1))
    _use(account, 5)
    assert _notice() == 0


def test_tomorrow_has_not_happened(account: Account) -> None:
    _use(account, 9, day=TODAY + timedelta(days=1))
    assert _notice() == 0


@pytest.mark.parametrize("limit", [None, Decimal(0)])
def test_without_a_limit_there_is_nothing_to_cross(account: Account, limit: Decimal | None) -> None:
    plan = Plan.objects.get()
    plan.quotas.update(limit=limit)
    _use(account, 100)
    assert _notice() == 0


def test_without_a_current_subscription_there_is_nothing_to_cross(account: Account) -> None:
    Subscription.objects.update(status="CANCELED")
    _use(account, 100)
    assert _notice() == 0


def test_an_erased_account_is_left_alone(account: Account) -> None:
    Account.objects.update(erased_at=NOW)
    _use(account, 100)
    assert _notice() == 0


def test_a_meter_that_adds_up_is_compared_by_its_total_of_the_month(account: Account) -> None:
    MeterFactory(code="api_calls", aggregation=Meter.Aggregation.SUM)
    QuotaFactory(plan=Plan.objects.get(), meter="api_calls", limit=Decimal(1000))
    _use(account, 900, day=date(2026, 11, 9), meter="api_calls")
    for back in range(9):
        _use(account, 90, day=TODAY - timedelta(days=back), meter="api_calls")
    assert _notice() == 1
    assert ThresholdCrossing.objects.get().evidence["value"] == 810


def test_a_corrected_day_takes_the_crossing_of_a_total_back(account: Account) -> None:
    MeterFactory(code="api_calls", aggregation=Meter.Aggregation.SUM)
    QuotaFactory(plan=Plan.objects.get(), meter="api_calls", limit=Decimal(1000))
    _use(account, 500, day=TODAY - timedelta(days=1), meter="api_calls")
    _use(account, 320, meter="api_calls")
    _notice()
    _use(account, 50, day=TODAY - timedelta(days=1), meter="api_calls")
    _notice()
    assert _standing() == []


def test_a_row_whose_transaction_is_still_open_is_noticed_when_it_commits(account: Account) -> None:
    other = connection.copy()
    other.ensure_connection()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "INSERT INTO usage_usagedaily (account_id, meter_id, day, value, last_at)"
                " SELECT %s, id, %s, 9, %s FROM usage_meter",
                [account.pk, TODAY, NOW],
            )
        late = AccountFactory()
        SubscriptionFactory(account=late, plan=Plan.objects.get(), renews_at=RENEWS_AT)
        _use(late, 9)
        crossings.notice_crossings(now=NOW)
        other.commit()
    finally:
        other.close()
    _notice()
    assert ThresholdCrossing.objects.count() == 2


def test_the_newest_evidence_is_that_of_the_highest_level(account: Account) -> None:
    _use(account, 9.5)
    _notice()
    found = selectors.newest_evidence(account_ids=[account.pk, account.pk + 1], meter="seats_used")
    assert {pk: evidence["level"] for pk, evidence in found.items()} == {account.pk: 95}


def test_evidence_that_was_taken_back_is_not_quoted(account: Account) -> None:
    _use(account, 8)
    _notice()
    _use(account, 2)
    _notice()
    assert selectors.newest_evidence(account_ids=[account.pk]) == {}
    assert UsageDaily.objects.get().value == 2
