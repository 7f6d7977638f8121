"""docs/wording.md names every word from data that a text may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.sequences import wording

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "wording.md").read_text()


@pytest.mark.parametrize("name", sorted(wording.variables(has_offer=True)))
def test_every_variable_is_described(name):
    group, _dot, last = name.partition(".")
    described = f"`{name}`" in PAGE or f"`{last}`" in PAGE or (name.endswith("_code") and "`_code`" in PAGE)
    other = name in ("offer.currency", "offer.pricing_model")
    assert f"`{group}." in PAGE
    assert described or other
