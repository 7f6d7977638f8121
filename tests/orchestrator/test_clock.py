from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

import orchestrator
from orchestrator import clock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def offset_file(tmp_path, monkeypatch):
    path = tmp_path / "clock_offset"
    monkeypatch.setenv("CLOCK_OFFSET", str(path))
    return path


@pytest.fixture(autouse=True)
def wall_time():
    with time_machine.travel(START, tick=False):
        yield


def test_without_an_offset_business_time_is_wall_time(monkeypatch):
    monkeypatch.delenv("CLOCK_OFFSET", raising=False)
    assert clock.utcnow() == clock.wall_now() == START


def test_a_file_not_written_yet_is_no_offset(offset_file):
    assert clock.utcnow() == START


def test_advancing_moves_business_time_and_not_wall_time(offset_file):
    clock.advance(to=START + timedelta(days=3))
    assert clock.utcnow() == START + timedelta(days=3)
    assert clock.wall_now() == START


def test_whoever_reads_the_same_file_sees_the_same_time(offset_file):
    offset_file.write_text("3600")
    assert clock.utcnow() == START + timedelta(hours=1)


def test_business_time_goes_on_ticking_after_an_advance(offset_file):
    clock.advance(to=START + timedelta(days=1))
    with time_machine.travel(START + timedelta(seconds=9), tick=False):
        assert clock.utcnow() == START + timedelta(days=1, seconds=9)


def test_business_time_never_moves_back(offset_file):
    clock.advance(to=START + timedelta(days=2))
    with pytest.raises(clock.ClockMovedBackError):
        clock.advance(to=START + timedelta(days=1))
    assert clock.utcnow() == START + timedelta(days=2)


def test_a_deployment_without_an_offset_file_cannot_be_moved(monkeypatch):
    monkeypatch.delenv("CLOCK_OFFSET", raising=False)
    with pytest.raises(RuntimeError, match="cannot be moved"):
        clock.advance(to=START + timedelta(days=1))


def test_the_pure_cores_never_ask_for_the_time():
    root = Path(orchestrator.__file__).parent
    asked = [
        f"{path.name}:{node.lineno}"
        for room in ("engine", "stats", "templating")
        for path in sorted((root / room).glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "time_ns", "monotonic"}
    ]
    assert asked == []
