"""Notice that an account's usage passed 80, 95 or 100 % of its plan's quota.

What is compared with the quota: the newest daily value, if it is of today or one of the three days
before (older says nothing about now); for meters that add up (SUM) the total since the month of the
billing period began, for quotas of such meters are per month. The day is a UTC day.

A level is crossed once per billing period (the renewal period of the current subscription; for SUM
meters its month). After that it counts as crossed again only in a later period and only when usage was
meanwhile under the level by five points, so that hovering at the line does not ring twice. When a later
report takes the day's value back under the line, the crossing is marked as contradicted; usage that
really gets there in the same period makes it stand again, with new evidence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from campaigns.operations import pulling
from campaigns.usage import current_plan, periods
from campaigns.usage import history as past
from campaigns.usage.evidence import DAYS, Standing, gather_evidence
from campaigns.usage.models import Meter

LEVELS = (80, 95, 100)
HYSTERESIS_POINTS = 5
FRESH_DAYS = 3
CURSOR = "usage.crossings"

_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Candidate:
    account_id: int
    meter_id: int
    standing: Standing
    month_start: date

    @property
    def pair(self) -> _Pair:
        return self.account_id, self.meter_id

    @property
    def levels(self) -> list[int]:
        return [level for level in LEVELS if self.standing.value * 100 >= level * self.standing.limit]


def notice_crossings(*, now: datetime) -> int:
    """Judge every account and meter whose daily values changed since the last run; returns how many levels
    were newly crossed. A jump writes one row per level passed. One run at a time: a second one waits."""
    with transaction.atomic():
        cursor = pulling.lock_cursor(name=CURSOR)
        horizon = _settled_before()
        _contradict(after=cursor.xid, before=horizon, now=now)
        candidates = _with_totals(_read_candidates(after=cursor.xid, before=horizon, now=now))
        fresh = _not_yet_noticed(candidates)
        written = _write(fresh, now=now)
        cursor.xid, cursor.row_id = horizon - 1, 0
        cursor.save(update_fields=["xid", "row_id"])
    return written


def _settled_before() -> int:
    """Every row of an older transaction is committed and visible: nothing will still appear below this id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


_CONTRADICT = """
    UPDATE usage_thresholdcrossing t SET contradicted_at = %(now)s
      FROM usage_usagedaily d, usage_meter m
     WHERE d.xid > %(after)s::text::xid8 AND d.xid < %(before)s::text::xid8
       AND t.account_id = d.account_id AND t.meter_id = d.meter_id AND t.contradicted_at IS NULL
       AND m.id = d.meter_id
       AND CASE WHEN m.aggregation = 'SUM'
           THEN d.day BETWEEN t.period_start AND (t.evidence ->> 'day')::date
                AND t.level * (t.evidence ->> 'quota')::numeric > 100 * (
                    SELECT sum(x.value) FROM usage_usagedaily x
                     WHERE x.account_id = t.account_id AND x.meter_id = t.meter_id
                       AND x.day BETWEEN t.period_start AND (t.evidence ->> 'day')::date)
           ELSE d.day = (t.evidence ->> 'day')::date
                AND t.level * (t.evidence ->> 'quota')::numeric > 100 * d.value
           END
"""

_CANDIDATES = f"""
    SELECT changed.account_id, changed.meter_id, m.code, m.name, m.unit, m.aggregation, newest.day, newest.value,
           q."limit", p.code, p.name, s."interval", COALESCE(s.renews_at, s.started_at)
      FROM (SELECT DISTINCT account_id, meter_id FROM usage_usagedaily
             WHERE xid > %s::text::xid8 AND xid < %s::text::xid8) changed
      JOIN usage_meter m ON m.id = changed.meter_id
      JOIN profiles_account a ON a.id = changed.account_id AND a.merged_into_id IS NULL AND a.erased_at IS NULL
      JOIN LATERAL (SELECT d.day, d.value FROM usage_usagedaily d
                     WHERE d.account_id = changed.account_id AND d.meter_id = changed.meter_id
                       AND d.day BETWEEN %s AND %s
                     ORDER BY d.day DESC LIMIT 1) newest ON true
      JOIN LATERAL (SELECT s.plan_id, s."interval", s.renews_at, s.started_at FROM billing_subscription s
                     WHERE s.account_id = changed.account_id AND {current_plan.is_running("s")}
                     ORDER BY {current_plan.newest_first("s")} LIMIT 1) s ON true
      JOIN billing_plan p ON p.id = s.plan_id
      JOIN billing_quota q ON q.plan_id = p.id AND q.meter = m.code AND q."limit" > 0
     WHERE m.aggregation = 'SUM' OR newest.value * 100 >= {min(LEVELS)} * q."limit"
     ORDER BY changed.account_id, changed.meter_id
"""  # noqa: S608  (made of constants)


def _contradict(*, after: int, before: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CONTRADICT, {"after": str(after), "before": str(before), "now": now})


def _read_candidates(*, after: int, before: int, now: datetime) -> list[_Candidate]:
    today = now.astimezone(UTC).date()
    params: list[Any] = [str(after), str(before), today - timedelta(days=FRESH_DAYS), today, now, now]
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, params)
        return [_candidate(row, today) for row in cursor.fetchall()]


def _candidate(row: Sequence[Any], today: date) -> _Candidate:
    account, meter, code, name, unit, aggregation, day, value, limit, plan, plan_name, interval, anchor = row
    anchor_day = anchor.astimezone(UTC).date()
    is_total = aggregation == Meter.Aggregation.SUM
    month = periods.period_start(day=day if is_total else today, anchor=anchor_day, months=1)
    whole = periods.period_start(day=today, anchor=anchor_day, months=12 if interval == "YEAR" else 1)
    standing = Standing(
        value=value,
        limit=limit,
        day=day,
        meter=code,
        meter_name=name,
        unit=unit,
        plan=plan,
        plan_name=plan_name,
        period_start=month if is_total else whole,
        is_total=is_total,
    )
    return _Candidate(account, meter, standing, month)


_TOTALS = """
    SELECT given.account_id, given.meter_id, sum(d.value)
      FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[]) AS given (account_id, meter_id, first, last)
      JOIN usage_usagedaily d ON d.account_id = given.account_id AND d.meter_id = given.meter_id
       AND d.day BETWEEN given.first AND given.last
     GROUP BY given.account_id, given.meter_id
"""


def _with_totals(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates of SUM meters with the total of their month in place of the day's value."""
    adding = [one for one in candidates if one.standing.is_total]
    params = [*_pair_columns(adding), [one.month_start for one in adding], [one.standing.day for one in adding]]
    totals = {(row[0], row[1]): row[2] for row in _fetch(_TOTALS, params)} if adding else {}
    whole = [
        replace(one, standing=replace(one.standing, value=totals[one.pair])) if one.standing.is_total else one
        for one in candidates
    ]
    return [one for one in whole if one.levels]


_EARLIER = """
    SELECT t.account_id, t.meter_id, t.level, t.period_start, (t.evidence ->> 'day')::date
      FROM unnest(%s::bigint[], %s::bigint[]) AS given (account_id, meter_id)
      JOIN usage_thresholdcrossing t ON t.account_id = given.account_id AND t.meter_id = given.meter_id
     WHERE t.contradicted_at IS NULL
     ORDER BY t.period_start
"""

_DIPPED = """
    SELECT given.account_id, given.meter_id, given.level
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::date[], %s::numeric[])
        AS given (account_id, meter_id, level, since, below)
     WHERE EXISTS (SELECT 1 FROM usage_usagedaily d
                    WHERE d.account_id = given.account_id AND d.meter_id = given.meter_id
                      AND d.day > given.since AND d.value < given.below)
"""


def _not_yet_noticed(candidates: Sequence[_Candidate]) -> list[tuple[_Candidate, int]]:
    """Each candidate with each level it newly crossed."""
    if not candidates:
        return []
    last: dict[tuple[int, int, int], tuple[date, date | None]] = {}
    for account, meter, level, start, day in _fetch(_EARLIER, _pair_columns(candidates)):
        last[account, meter, level] = (start, day)
    fresh, hovering = [], []
    for one in candidates:
        for level in one.levels:
            start, day = last.get((*one.pair, level), (date.min, None))
            if start >= one.standing.period_start:
                continue
            if day is None or one.standing.is_total:
                fresh.append((one, level))
            else:
                hovering.append((one, level, day))
    return [*fresh, *_fell_meanwhile(hovering)]


def _fell_meanwhile(hovering: Sequence[tuple[_Candidate, int, date | None]]) -> list[tuple[_Candidate, int]]:
    """Those crossed in an earlier period whose usage was clearly under the level since then."""
    if not hovering:
        return []
    ones = [one for one, _, _ in hovering]
    params = [
        *_pair_columns(ones),
        [level for _, level, _ in hovering],
        [day for _, _, day in hovering],
        [one.standing.limit * (level - HYSTERESIS_POINTS) / 100 for one, level, _ in hovering],
    ]
    fell = {(row[0], row[1], row[2]) for row in _fetch(_DIPPED, params)}
    return [(one, level) for one, level, _ in hovering if (*one.pair, level) in fell]


_WRITE = """
    INSERT INTO usage_thresholdcrossing AS old (account_id, meter_id, level, period_start, at, evidence)
    SELECT account_id, meter_id, level, period_start, %s, evidence::jsonb
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::date[], %s::text[])
        AS given (account_id, meter_id, level, period_start, evidence)
    ON CONFLICT (account_id, meter_id, level, period_start)
    DO UPDATE SET at = EXCLUDED.at, evidence = EXCLUDED.evidence, contradicted_at = NULL, xid = pg_current_xact_id()
    WHERE old.contradicted_at IS NOT NULL
"""


def _write(fresh: Sequence[tuple[_Candidate, int]], *, now: datetime) -> int:
    if not fresh:
        return 0
    ones = [one for one, _ in fresh]
    history = _read_history(ones)
    documents = [
        json.dumps(gather_evidence(standing=one.standing, level=level, history=history[one.pair]))
        for one, level in fresh
    ]
    params: list[Any] = [
        now,
        *_pair_columns(ones),
        [level for _, level in fresh],
        [one.standing.period_start for one in ones],
        documents,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, params)
        return int(cursor.rowcount)


def _read_history(candidates: Iterable[_Candidate]) -> Mapping[_Pair, Mapping[date, Decimal]]:
    wanted = {one.pair: one.standing.day for one in candidates}
    return past.read_history(wanted=list(wanted.items()), days=2 * DAYS)


def _pair_columns(candidates: Iterable[_Candidate]) -> list[list[int]]:
    pairs = [one.pair for one in candidates]
    return [[account for account, _ in pairs], [meter for _, meter in pairs]]


def _fetch(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
