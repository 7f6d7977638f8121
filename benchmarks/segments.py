"""How long a segment takes over many accounts, against the same question written by hand.

    python benchmarks/segments.py [--accounts N] [--rounds N]

Makes a database of its own, fills it, and drops it again. Prints one JSON line per figure:
`count` (from the saved definition), `by_hand` (the SQL a person would write), their `ratio`, `rebuild`
(all stays written anew), `refresh` (nothing changed) and `row_by_row` (one account against the definition).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_segments")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from campaigns.segments import evaluate, preview, refresh, sessions, store  # noqa: E402
from campaigns.segments.models import Segment, SegmentMembership  # noqa: E402

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DAYS = 10
DEFINITION = {
    "all": [
        {"field": "account.country", "op": "in", "value": ["IL", "RO"]},
        {"field": "account.plan", "op": "=", "value": "basic"},
        {"usage": "api_calls", "agg": "sum", "window": "30d", "op": ">=", "value": 500},
    ]
}
BY_HAND = """
    SELECT count(*) FROM profiles_account a
      JOIN billing_subscription s ON s.account_id = a.id AND s.status = 'ACTIVE'
      JOIN billing_plan p ON p.id = s.plan_id AND p.code = 'basic'
      JOIN (SELECT account_id FROM usage_usagedaily
             WHERE meter_id = (SELECT id FROM usage_meter WHERE code = 'api_calls')
               AND day BETWEEN %s AND %s GROUP BY account_id HAVING sum(value) >= 500) u ON u.account_id = a.id
     WHERE a.country IN ('IL', 'RO') AND a.erased_at IS NULL AND a.merged_into_id IS NULL
"""
FILL = (
    "INSERT INTO usage_meter (code, name, unit, kind, aggregation, event_name, property)"
    " VALUES ('api_calls', 'API calls', '', 'REPORTED', 'SUM', '', '')",
    "INSERT INTO billing_plan (code, name, rank, is_on_sale)"
    " VALUES ('basic', 'Basic', 10, true), ('pro', 'Pro', 20, true)",
    "INSERT INTO profiles_account"
    " (external_id, name, domain, country, time_zone, traits, trait_times, revision, added_at)"
    " SELECT 'A' || n, 'Company ' || n, '', (ARRAY['IL','RO','DE','US'])[1 + n %% 4], '', '{{}}', '{{}}', 0, %(now)s"
    " FROM generate_series(1, {accounts}) n",
    "INSERT INTO billing_subscription (external_id, account_id, plan_id, status, currency, interval, quantity, mrr,"
    " started_at, cancel_scheduled, billing_item_id, billing_price_id, as_of)"
    " SELECT 'S' || a.id, a.id, p.id, 'ACTIVE', 'USD', 'MONTH', 1, 29, %(now)s - interval '100 days',"
    " false, '', '', %(now)s"
    " FROM profiles_account a JOIN billing_plan p ON p.code = CASE WHEN a.id %% 3 = 0 THEN 'pro' ELSE 'basic' END",
    "INSERT INTO usage_usagedaily (account_id, meter_id, day, value, last_at)"
    " SELECT a.id, m.id, %(today)s - d, (a.id * 7 + d * 13) %% 100, %(now)s"
    " FROM profiles_account a CROSS JOIN usage_meter m CROSS JOIN generate_series(0, {last_day}) d",
    "ANALYZE",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    name = settings.DATABASES["default"]["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        _fill(options.accounts)
        _measure(options.accounts, options.rounds)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _fill(accounts: int) -> None:
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement.format(accounts=accounts, last_day=DAYS - 1), {"now": NOW, "today": NOW.date()})


def _measure(accounts: int, rounds: int) -> None:
    counted = _timed(lambda: preview.count_members(document=DEFINITION, now=NOW).count, rounds)
    by_hand = _timed(_count_by_hand, rounds)
    assert counted[1] == by_hand[1], (counted, by_hand)
    _tell("count", counted[0], accounts, matching=counted[1])
    _tell("by_hand", by_hand[0], accounts, matching=by_hand[1])
    print(json.dumps({"figure": "ratio", "value": round(counted[0] / by_hand[0], 2), "accounts": accounts}))
    segment = store.save_segment(slug="bench", name="", definition=DEFINITION, by="benchmark", now=NOW).segment
    rebuilt = _timed(lambda: _rebuild(segment), max(1, rounds // 2))
    _tell("rebuild", rebuilt[0], accounts, entered=rebuilt[1])
    unchanged = _timed(lambda: refresh.refresh_segment(segment=segment, now=NOW).entered, rounds)
    _tell("refresh", unchanged[0], accounts, entered=unchanged[1])
    one = _timed(lambda: len(evaluate.matching_ids(document=DEFINITION, ids=[accounts // 2], now=NOW)), rounds * 10)
    _tell("row_by_row", one[0], 1, matching=one[1])


def _count_by_hand() -> int:
    with sessions.bounded(seconds=60, read_only=True), connection.cursor() as cursor:
        cursor.execute(BY_HAND, [NOW.date() - timedelta(days=29), NOW.date()])
        return int(cursor.fetchone()[0])


def _rebuild(segment: Segment) -> int:
    SegmentMembership.objects.filter(segment=segment).delete()
    return refresh.refresh_segment(segment=segment, now=NOW).entered


def _timed(act: Callable[[], int], rounds: int) -> tuple[float, int]:
    """Median seconds after one round to warm up, and what the act returned last."""
    act()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        result = act()
        taken.append(time.perf_counter() - began)
    return median(taken), result


def _tell(figure: str, seconds: float, accounts: int, **more: int) -> None:
    print(json.dumps({"figure": figure, "ms": round(seconds * 1000, 1), "accounts": accounts, **more}))


if __name__ == "__main__":
    main()
