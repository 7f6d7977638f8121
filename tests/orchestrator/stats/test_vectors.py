"""Reference numbers from two to four independent implementations each: all must be met within 1e-6."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.stats import external

CASES = json.loads((Path(__file__).parents[2] / "fixtures" / "ab_vectors.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_reference_number_is_met(case):
    computed = external.compute([{key: case[key] for key in ("id", "kind", "input")}])[case["id"]]
    for key, expected in case["expected"].items():
        assert _flat(computed[key]) == pytest.approx(_flat(expected), rel=1e-6, abs=0), key


def _flat(value):
    return [one for part in value for one in _flat(part)] if isinstance(value, list) else [value]
