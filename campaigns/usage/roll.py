"""From events to one value per account, meter and UTC day.

A reported value sets its day: the newest report stands (a meter kept by MAX keeps the highest).
A counted meter adds what its events bring, or counts anew where adding would be wrong (UNIQUE).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection

from campaigns.usage import kept
from campaigns.usage.models import Meter
from campaigns.usage.record import NewEvent

REPORT = "usage_reported"
# Names the account of the event beside the values: no meter.
_NO_METERS = frozenset({"groupId", "account"})
_LARGEST = Decimal("1e15")

_Key = tuple[int, int, date]


@dataclass(frozen=True, slots=True)
class DailyValue:
    """The value of a meter on a day, as a file or a report says. `at` orders reports of the same day."""

    account_id: int
    meter: str
    day: date
    value: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Rolled:
    """`changed` counts daily values that are new or different; `unknown_meters` were named and left out,
    `bad_values` are codes of known meters whose value was no number below 1e15."""

    changed: int
    unknown_meters: frozenset[str] = frozenset()
    bad_values: frozenset[str] = frozenset()


def roll_events(*, events: Sequence[NewEvent]) -> Rolled:
    """Bring the daily values up to these events, each of which must come here once.

    `usage_reported` carries `{meter code: number}`; a value is taken for the UTC day of the event.
    Call after `record_events` in the same transaction: counts of UNIQUE meters read the stored events.
    """
    meters = {meter.code: meter for meter in Meter.objects.all()}
    owned = [event for event in events if event.account_id is not None]
    reports, unknown, bad = _read_reports(owned, meters)
    changed = set_daily(rows=reports).changed
    counted = [meter for meter in meters.values() if meter.kind == Meter.Kind.EVENT]
    changed += _add_counts(owned, counted, bad)
    return Rolled(changed, frozenset(unknown), frozenset(bad))


def set_daily(*, rows: Sequence[DailyValue]) -> Rolled:
    """Set days of REPORTED meters. Of the same day the newest `at` stands (MAX meters: the highest value).

    The same rows again change nothing. Meters that are unknown or counted from events are left out and returned.
    """
    meters = {meter.code: meter for meter in Meter.objects.filter(kind=Meter.Kind.REPORTED)}
    unknown = {row.meter for row in rows if row.meter not in meters}
    settled: dict[_Key, tuple[Decimal, datetime]] = {}
    highest: dict[_Key, tuple[Decimal, datetime]] = {}
    for row in rows:
        if row.meter in unknown:
            continue
        meter = meters[row.meter]
        key = (row.account_id, meter.pk, row.day)
        if meter.aggregation == Meter.Aggregation.MAX:
            highest[key] = max(highest.get(key, (row.value, row.at)), (row.value, row.at))
        elif key not in settled or settled[key][1] <= row.at:
            settled[key] = (row.value, row.at)
    changed = _upsert(settled, _NEWEST) + _upsert(highest, _HIGHEST)
    return Rolled(changed, frozenset(unknown))


def _read_reports(
    events: Iterable[NewEvent], meters: Mapping[str, Meter]
) -> tuple[list[DailyValue], set[str], set[str]]:
    rows: list[DailyValue] = []
    unknown: set[str] = set()
    bad: set[str] = set()
    for event in events:
        if event.name != REPORT:
            continue
        assert event.account_id is not None
        day = event.at.astimezone(UTC).date()
        for code, given in event.properties.items():
            if code in _NO_METERS:
                continue
            if code not in meters or meters[code].kind != Meter.Kind.REPORTED:
                unknown.add(code)
            elif (value := _number(given)) is None:
                bad.add(code)
            else:
                rows.append(DailyValue(event.account_id, code, day, value, event.at))
    return rows, unknown, bad


def _number(given: Any) -> Decimal | None:
    """A JSON number, exactly. Text that looks like one is text."""
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        return None
    try:
        value = Decimal(repr(given)) if isinstance(given, float) else Decimal(given)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < _LARGEST else None


def _add_counts(events: Sequence[NewEvent], meters: Sequence[Meter], bad: set[str]) -> int:
    changed = 0
    for meter in meters:
        theirs = [event for event in events if event.name == meter.event_name]
        if not theirs:
            continue
        if meter.aggregation == Meter.Aggregation.UNIQUE:
            changed += _count_unique(theirs, meter)
            continue
        values: dict[_Key, tuple[Decimal, datetime]] = {}
        for event in theirs:
            value = _number(event.properties.get(meter.property)) if meter.property else Decimal(1)
            if value is None:
                bad.add(meter.code)
                continue
            assert event.account_id is not None
            key = (event.account_id, meter.pk, event.at.astimezone(UTC).date())
            values[key] = _combine(meter, values.get(key), (value, event.at))
        changed += _upsert(values, _RULES[Meter.Aggregation(meter.aggregation)])
    return changed


def _combine(
    meter: Meter, so_far: tuple[Decimal, datetime] | None, new: tuple[Decimal, datetime]
) -> tuple[Decimal, datetime]:
    if so_far is None:
        return new
    if meter.aggregation == Meter.Aggregation.MAX:
        return max(so_far, new)
    if meter.aggregation == Meter.Aggregation.LAST:
        return new if so_far[1] <= new[1] else so_far
    return so_far[0] + new[0], max(so_far[1], new[1])


_NEWEST = """
    DO UPDATE SET value = EXCLUDED.value, last_at = EXCLUDED.last_at, xid = pg_current_xact_id()
    WHERE EXCLUDED.last_at >= old.last_at
      AND (EXCLUDED.value, EXCLUDED.last_at) IS DISTINCT FROM (old.value, old.last_at)
"""
_HIGHEST = """
    DO UPDATE SET value = EXCLUDED.value, last_at = GREATEST(EXCLUDED.last_at, old.last_at), xid = pg_current_xact_id()
    WHERE EXCLUDED.value > old.value
"""
_ADD = """
    DO UPDATE SET value = EXCLUDED.value + old.value, last_at = GREATEST(EXCLUDED.last_at, old.last_at),
                  xid = pg_current_xact_id()
"""
_RULES = {Meter.Aggregation.SUM: _ADD, Meter.Aggregation.MAX: _HIGHEST, Meter.Aggregation.LAST: _NEWEST}

_UPSERT = """
    INSERT INTO usage_usagedaily AS old (account_id, meter_id, day, value, last_at)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::numeric[], %s::timestamptz[])
    ON CONFLICT (account_id, meter_id, day)
"""


def _upsert(values: Mapping[_Key, tuple[Decimal, datetime]], rule: str) -> int:
    if not values:
        return 0
    # In one order everywhere, so that two rolls never wait for each other in a circle.
    keys = sorted(values)
    columns: list[list[Any]] = [
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
        [values[key][0] for key in keys],
        [values[key][1] for key in keys],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT + rule, columns)
        return int(cursor.rowcount)


_UNIQUE = """
    INSERT INTO usage_usagedaily AS old (account_id, meter_id, day, value, last_at)
    SELECT e.account_id, %(meter)s, given.day, count(DISTINCT {counted}), max(e.at)
      FROM unnest(%(accounts)s::bigint[], %(days)s::date[]) AS given (account_id, day)
      JOIN usage_usageevent e ON e.account_id = given.account_id AND e.name = %(event)s
       AND e.at >= given.day::timestamp AT TIME ZONE 'UTC' AND e.at < (given.day + 1)::timestamp AT TIME ZONE 'UTC'
     GROUP BY e.account_id, given.day
     ORDER BY e.account_id, given.day
    ON CONFLICT (account_id, meter_id, day)
    DO UPDATE SET value = EXCLUDED.value, last_at = EXCLUDED.last_at, xid = pg_current_xact_id()
    -- Of a day whose single events are no longer kept, what is left tells too little: then only more is news.
    WHERE EXCLUDED.value > old.value OR (EXCLUDED.value < old.value AND old.day >= %(whole_since)s)
"""


def _count_unique(events: Sequence[NewEvent], meter: Meter) -> int:
    """Different values of the meter's property, or different contacts where it names none."""
    newest = max(event.received_at for event in events)
    pairs = sorted({(event.account_id, event.at.astimezone(UTC).date()) for event in events})
    counted = "e.properties -> %(property)s::text" if meter.property else "e.contact_id"
    params: dict[str, Any] = {
        "meter": meter.pk,
        "event": meter.event_name,
        "property": meter.property,
        "whole_since": (newest - timedelta(days=kept.events_days())).astimezone(UTC).date(),
        "accounts": [pair[0] for pair in pairs],
        "days": [pair[1] for pair in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNIQUE.format(counted=counted), params)
        return int(cursor.rowcount)
