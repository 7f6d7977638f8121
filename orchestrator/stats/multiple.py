"""Adjusted p-values when several comparisons are made at once, in the order given."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise error: for variants x goals."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """False discovery rate: for segments."""
    return _step_up(p_values, 1.0)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """False discovery rate under any dependence."""
    return _step_up(p_values, sum(1 / rank for rank in range(1, len(p_values) + 1)))


def _step_up(p_values: Sequence[float], factor: float) -> list[float]:
    order = sorted(range(len(p_values)), key=lambda place: p_values[place], reverse=True)
    adjusted, running, count = [0.0] * len(p_values), 1.0, len(p_values)
    for behind, place in enumerate(order):
        running = min(running, factor * count / (count - behind) * p_values[place])
        adjusted[place] = running
    return adjusted
