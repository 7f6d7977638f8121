from __future__ import annotations

import json
import os

import pytest

from orchestrator.settings import running_demo

VARIABLE = "CRESCENDO_RUNNING_DEMO_PROBE"


@pytest.fixture
def var(tmp_path, monkeypatch):
    """given a demo's folder with its environment, and a process that stands for its supervisor"""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "demo").mkdir()
    (tmp_path / running_demo.FILE).write_text(json.dumps({VARIABLE: "from the demo"}))
    (tmp_path / "up.json").write_text(json.dumps({"up": os.getpid(), "sandbox": 1}))
    yield tmp_path
    os.environ.pop(VARIABLE, None)


def test_a_command_beside_a_running_demo_sees_its_world(var):
    running_demo.adopt(var)
    assert os.environ[VARIABLE] == "from the demo"


def test_what_the_caller_set_stays(var, monkeypatch):
    monkeypatch.setenv(VARIABLE, "mine")
    running_demo.adopt(var)
    assert os.environ[VARIABLE] == "mine"


@pytest.mark.parametrize(
    "state", ['{"up": 1}', '{"up": 999999999, "sandbox": 1}', "not json"], ids=["no sandbox", "ended", "unreadable"]
)
def test_without_a_running_demo_nothing_is_taken_over(var, state):
    (var / "up.json").write_text(state)
    running_demo.adopt(var)
    assert VARIABLE not in os.environ
