from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.usage import record, roll
from campaigns.usage.models import Meter, UsageDaily, UsageEvent
from tests.factories.profiles import AccountFactory, ContactFactory
from tests.factories.usage import MeterFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def _event(account_id: int | None, properties: dict[str, Any], **changes: Any) -> record.NewEvent:
    given: dict[str, Any] = {
        "at": AT,
        "account_id": account_id,
        "contact_id": None,
        "name": "usage_reported",
        "properties": properties,
        "source": "product",
        "message_id": "m-1",
        "received_at": AT,
    }
    return record.NewEvent(**(given | changes))


def _values() -> dict[tuple[str, date], Decimal]:
    return {(daily.meter.code, daily.day): daily.value for daily in UsageDaily.objects.select_related("meter")}


def test_one_report_carries_the_values_of_all_meters() -> None:
    account = AccountFactory()
    MeterFactory(code="seats_used")
    MeterFactory(code="storage_gb")
    outcome = roll.roll_events(events=[_event(account.pk, {"seats_used": 8, "storage_gb": 1.5, "groupId": "acc"})])
    assert outcome == roll.Rolled(changed=2)
    assert _values() == {("seats_used", AT.date()): Decimal(8), ("storage_gb", AT.date()): Decimal("1.5")}


def test_unknown_meters_and_values_that_are_no_numbers_are_left_out_and_told() -> None:
    account = AccountFactory()
    MeterFactory(code="seats_used")
    MeterFactory(code="projects")
    outcome = roll.roll_events(events=[_event(account.pk, {"seats_used": "8", "projects": True, "colour": 3})])
    assert outcome == roll.Rolled(0, frozenset({"colour"}), frozenset({"seats_used", "projects"}))
    assert not UsageDaily.objects.exists()


@pytest.mark.parametrize("aggregation", [Meter.Aggregation.LAST, Meter.Aggregation.SUM])
@pytest.mark.parametrize("order", [1, -1])
def test_of_two_reports_of_a_day_the_later_one_stands_in_any_order(aggregation: str, order: int) -> None:
    account = AccountFactory()
    MeterFactory(aggregation=aggregation)
    reports = [
        _event(account.pk, {"seats_used": 9}),
        _event(account.pk, {"seats_used": 4}, at=AT + timedelta(hours=1)),
    ][::order]
    for report in reports:
        roll.roll_events(events=[report])
    assert _values() == {("seats_used", AT.date()): Decimal(4)}


@pytest.mark.parametrize("order", [1, -1])
def test_a_meter_kept_by_its_maximum_keeps_the_highest_report(order: int) -> None:
    account = AccountFactory()
    MeterFactory(aggregation=Meter.Aggregation.MAX)
    for value in [9, 4][::order]:
        roll.roll_events(events=[_event(account.pk, {"seats_used": value}, at=AT + timedelta(hours=value))])
    assert _values() == {("seats_used", AT.date()): Decimal(9)}


def test_the_same_report_again_changes_nothing() -> None:
    account = AccountFactory()
    MeterFactory()
    report = _event(account.pk, {"seats_used": 8.123456})
    roll.roll_events(events=[report])
    before = UsageDaily.objects.get()
    assert roll.roll_events(events=[report]) == roll.Rolled(changed=0)
    assert UsageDaily.objects.get().xid == before.xid


def test_the_day_is_the_utc_day_of_the_event() -> None:
    account = AccountFactory()
    MeterFactory()
    local = datetime.fromisoformat("2026-11-25T01:00:00+02:00")
    roll.roll_events(events=[_event(account.pk, {"seats_used": 8}, at=local)])
    assert _values() == {("seats_used", date(2026, 11, 24)): Decimal(8)}


def test_events_without_account_are_rolled_into_nothing() -> None:
    MeterFactory()
    assert roll.roll_events(events=[_event(None, {"seats_used": 8})]) == roll.Rolled(changed=0)


def test_a_counted_meter_adds_its_events() -> None:
    account = AccountFactory()
    MeterFactory(code="logins", kind=Meter.Kind.EVENT, aggregation=Meter.Aggregation.SUM, event_name="logged_in")
    roll.roll_events(events=[_event(account.pk, {}, name="logged_in"), _event(account.pk, {}, name="other")])
    roll.roll_events(events=[_event(account.pk, {}, name="logged_in")])
    assert _values() == {("logins", AT.date()): Decimal(2)}


def test_a_counted_meter_adds_up_its_property() -> None:
    account = AccountFactory()
    MeterFactory(
        code="rows", kind=Meter.Kind.EVENT, aggregation=Meter.Aggregation.SUM, event_name="exported", property="rows"
    )
    events = [_event(account.pk, {"rows": rows}, name="exported") for rows in (3, 4.5, "many")]
    outcome = roll.roll_events(events=events)
    assert _values() == {("rows", AT.date()): Decimal("7.5")}
    assert outcome.bad_values == {"rows"}


def test_a_counted_meter_cannot_be_reported() -> None:
    account = AccountFactory()
    MeterFactory(code="logins", kind=Meter.Kind.EVENT, event_name="logged_in")
    outcome = roll.roll_events(events=[_event(account.pk, {"logins": 7})])
    assert outcome == roll.Rolled(0, frozenset({"logins"}))


def test_a_unique_meter_counts_different_contacts_over_several_batches() -> None:
    account = AccountFactory()
    MeterFactory(code="dau", kind=Meter.Kind.EVENT, aggregation=Meter.Aggregation.UNIQUE, event_name="logged_in")
    first, second = ContactFactory(), ContactFactory()
    for contact in (first, second, first):
        events = [_event(account.pk, {}, name="logged_in", contact_id=contact.pk)]
        record.record_events(events=events)
        roll.roll_events(events=events)
    assert _values() == {("dau", AT.date()): Decimal(2)}


@pytest.mark.parametrize(("days_late", "value"), [(760, 1), (762, 2)])
def test_a_day_whose_events_are_gone_is_not_counted_down(days_late: int, value: int) -> None:
    account = AccountFactory()
    MeterFactory(code="dau", kind=Meter.Kind.EVENT, aggregation=Meter.Aggregation.UNIQUE, event_name="logged_in")
    first, second = ContactFactory(), ContactFactory()
    events = [_event(account.pk, {}, name="logged_in", contact_id=one.pk) for one in (first, second)]
    record.record_events(events=events)
    roll.roll_events(events=events)
    UsageEvent.objects.all().delete()

    late = _event(account.pk, {}, name="logged_in", contact_id=first.pk, received_at=AT + timedelta(days=days_late))
    record.record_events(events=[late])
    roll.roll_events(events=[late])

    assert _values() == {("dau", AT.date()): Decimal(value)}


def test_a_file_may_set_days_and_names_unknown_meters() -> None:
    account = AccountFactory()
    MeterFactory()
    rows = [
        roll.DailyValue(account.pk, "seats_used", date(2026, 11, 1), Decimal(5), AT),
        roll.DailyValue(account.pk, "colour", date(2026, 11, 1), Decimal(5), AT),
    ]
    assert roll.set_daily(rows=rows) == roll.Rolled(1, frozenset({"colour"}))
    assert roll.set_daily(rows=rows[:1]) == roll.Rolled(0)


def test_events_are_stored_with_all_they_carry() -> None:
    account, contact = AccountFactory(), ContactFactory()
    event = _event(account.pk, {"feature": "ssö", "n": 1.5}, contact_id=contact.pk, name="tried")
    assert record.record_events(events=[event, _event(None, {}, message_id="m-2")]) == 2
    stored = UsageEvent.objects.get(message_id="m-1")
    assert (stored.at, stored.account_id, stored.contact_id) == (AT, account.pk, contact.pk)
    assert (stored.name, stored.properties, stored.received_at) == ("tried", {"feature": "ssö", "n": 1.5}, AT)


_REPORTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-3, 12), st.booleans()), min_size=1, max_size=8, unique_by=lambda r: r[0]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=_REPORTS, split=st.integers(0, 8))
def test_the_newest_report_stands_however_reports_are_batched(reports: list[tuple[int, int, bool]], split: int) -> None:
    with transaction.atomic():
        account = AccountFactory()
        MeterFactory()
        events = [
            _event(account.pk, {"seats_used": value}, at=AT + timedelta(minutes=minute)) for minute, value, _ in reports
        ]
        roll.roll_events(events=events[:split])
        roll.roll_events(events=events[split:])
        newest = max(reports)
        assert UsageDaily.objects.get(account=account).value == newest[1]
        transaction.set_rollback(True)
