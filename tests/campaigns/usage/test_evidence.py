from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from campaigns.usage.evidence import Standing, gather_evidence

TODAY = date(2026, 11, 24)
SEATS = Standing(
    value=Decimal(9),
    limit=Decimal(10),
    day=TODAY,
    meter="seats_used",
    meter_name="Seats used",
    unit="seats",
    plan="basic",
    plan_name="Basic",
    period_start=date(2026, 11, 10),
    is_total=False,
)


def _line(start: int, end: int, days: int = 29) -> dict[date, Decimal]:
    """Daily values from `start` to `end`, evenly, the last one today."""
    step = Decimal(end - start) / (days - 1)
    return {TODAY - timedelta(days=days - 1 - n): start + step * n for n in range(days)}


def test_the_evidence_tells_the_figures_of_the_moment() -> None:
    told = gather_evidence(standing=SEATS, level=80, history=_line(2, 9))
    assert told == {
        "meter": "seats_used",
        "meter_name": "Seats used",
        "level": 80,
        "value": 9,
        "quota": 10,
        "percent": 90,
        "day": "2026-11-24",
        "unit": "seats",
        "growth_28d": 3.5,
        "added_28d": 7,
        "value_before": 2,
        "since": "2026-10-27",
        "projected_hit_date": "2026-11-28",
        "plan": "basic",
        "plan_name": "Basic",
        "period_start": "2026-11-10",
    }


def test_one_odd_day_does_not_move_the_projection() -> None:
    history = _line(2, 9)
    history[TODAY - timedelta(days=9)] = Decimal(0)
    told = gather_evidence(standing=SEATS, level=80, history=history)
    assert told["projected_hit_date"] == "2026-11-28"


def test_falling_usage_never_hits_the_limit() -> None:
    assert gather_evidence(standing=SEATS, level=80, history=_line(12, 9))["projected_hit_date"] is None


def test_who_is_over_the_limit_has_no_date_to_come() -> None:
    over = replace(SEATS, value=Decimal(12))
    assert gather_evidence(standing=over, level=100, history=_line(2, 12))["projected_hit_date"] is None


def test_a_young_account_is_compared_with_its_first_day() -> None:
    told = gather_evidence(standing=SEATS, level=80, history=_line(3, 9, days=7))
    assert (told["since"], told["added_28d"], told["growth_28d"]) == ("2026-11-18", 6, 2.0)


def test_a_single_day_says_nothing_about_growth() -> None:
    told = gather_evidence(standing=SEATS, level=80, history={TODAY: Decimal(9)})
    assert {told[key] for key in ("since", "added_28d", "growth_28d", "projected_hit_date")} == {None}


def test_growth_from_nothing_is_no_ratio() -> None:
    told = gather_evidence(standing=SEATS, level=80, history=_line(0, 9))
    assert (told["added_28d"], told["growth_28d"]) == (9, None)


def test_totals_are_compared_with_the_28_days_before_and_go_on_at_the_usual_day() -> None:
    calls = replace(SEATS, value=Decimal(850), limit=Decimal(1000), is_total=True)
    history = {TODAY - timedelta(days=n): Decimal(50 if n < 28 else 25) for n in range(56)}
    told = gather_evidence(standing=calls, level=80, history=history)
    assert (told["added_28d"], told["growth_28d"]) == (700, 1.0)
    assert told["projected_hit_date"] == (TODAY + timedelta(days=3)).isoformat()
