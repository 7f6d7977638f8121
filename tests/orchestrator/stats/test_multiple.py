from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.stats import multiple

P_VALUES = st.lists(st.floats(0, 1), max_size=20)


@given(p_values=P_VALUES)
def test_adjusting_never_makes_a_p_smaller_and_keeps_the_order(p_values):
    for adjust in (multiple.holm, multiple.benjamini_hochberg, multiple.benjamini_yekutieli):
        adjusted = adjust(p_values)
        assert all(p <= q * (1 + 1e-12) <= 1 + 1e-9 for p, q in zip(p_values, adjusted, strict=True))
        assert [adjusted[place] for place in sorted(range(len(p_values)), key=p_values.__getitem__)] == sorted(adjusted)


def test_one_comparison_stays_as_it_is():
    assert multiple.holm([0.03]) == multiple.benjamini_hochberg([0.03]) == [0.03]
