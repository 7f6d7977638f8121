"""Days that pass while messages wait for the switch: it is named at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.cli.demo import days
from campaigns.cli.demo.waiting import NothingMovesError
from campaigns.delivery import switch
from orchestrator import clock
from tests.factories.delivery import ReadyMessageFactory

pytestmark = pytest.mark.django_db


class Nobody:
    """No people and no providers."""

    def __init__(self) -> None:
        self.asked = 0

    def idle(self, **_within: float) -> dict[str, int]:
        self.asked += 1
        return {"due": 0, "posting": 0}


def test_a_switch_that_is_off_is_named_with_what_to_press(monkeypatch):
    monkeypatch.setattr(days, "SWITCH_S", 0.0)
    monkeypatch.setattr(days, "RINGING", ())
    now = clock.utcnow()
    ReadyMessageFactory(gate__slug="seats-80", due_at=now - timedelta(minutes=1))
    switch.set_switch(is_on=False, by="dana", reason="a look first", now=now)

    with pytest.raises(NothingMovesError) as stop:
        days.settle(outside=Nobody())  # type: ignore[arg-type]

    said = str(stop.value)
    assert said.startswith("Sending was switched off by dana, ")
    assert "“a look first”. 1 message is due and waits. Switch it on: the page Sending" in said


def test_time_passes_though_sending_is_off_while_nothing_waits_for_it(monkeypatch):
    monkeypatch.setattr(days, "SWITCH_S", -1.0)
    monkeypatch.setattr(days, "RINGING", ())
    switch.set_switch(is_on=False, by="dana", now=clock.utcnow())
    outside = Nobody()

    days.settle(outside=outside)  # type: ignore[arg-type]

    assert outside.asked == 2, "It was quiet twice, and nobody was told to switch it on."
