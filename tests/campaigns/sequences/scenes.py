"""Scenes that the tests of a module share: each is built once; what a test changes in it is undone after the test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tests.factories import sequences as make


@dataclass(frozen=True, slots=True)
class Scene:
    """A market and ready accounts, and what was launched there."""

    accounts: int = 1
    campaigns: tuple[dict[str, Any], ...] = ()

    def build(self) -> None:
        make.market()
        for _ in range(self.accounts):
            make.ready_account()
        for campaign in self.campaigns:
            make.launched(**campaign)


def of(*campaigns: dict[str, Any], accounts: int = 1) -> pytest.MarkDecorator:
    """Marks tests whose fixture `scene` is to be this one. Those with the very same mark share its rows."""
    return pytest.mark.parametrize(
        "scene", [Scene(accounts=accounts, campaigns=campaigns)], indirect=True, ids=[pytest.HIDDEN_PARAM]
    )


def campaign(*steps: dict[str, Any], now: datetime = make.NOW, **changes: Any) -> dict[str, Any]:
    """Of these steps, for all accounts there are."""
    return {"now": now, "holdout_percent": None, "steps": [*steps], **changes}
