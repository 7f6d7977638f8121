"""What the machine has no room for is tried again, and ends nobody who runs."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from campaigns.operations import nursery
from campaigns.operations.nursery import NotBegunError, Nursery
from campaigns.operations.processes import RESTART_AFTER_EARLY_DEATH_S, Program, Supervisor

ASKED = {"words": ["program.py"], "environment": {}, "output": "out"}
NO_ROOM = json.dumps({"why_not": "no room"})
GONE = 2**22 - 1


@pytest.fixture
def answering(tmp_path, monkeypatch):
    """A nursery that answers so, whatever it is asked."""
    made: list[Nursery] = []

    def make(*answers: str) -> Nursery:
        program = tmp_path / "python"
        says = "\n".join(f"read asked; printf '%s\\n' '{answer}'" for answer in answers)
        program.write_text(f"#!/bin/sh\n{says}\nread asked; exec sleep 60\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        made.append(Nursery(environment=os.environ, output=tmp_path / "nursery.out"))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def no_room() -> int:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def test_a_fork_that_fails_is_answered(monkeypatch):
    monkeypatch.setattr(os, "fork", no_room)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert "temporarily unavailable" in nursery._part(ASKED, -1)["why_not"]


def test_with_a_second_thread_nothing_parts(monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("It parted."))
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert "second thread" in nursery._part(ASKED, -1)["why_not"]


def test_what_is_printed_is_no_answer(capfd):
    stdout = os.dup(1)
    answers = nursery.keep_answers_apart()
    os.write(1, b"printed")
    os.write(answers, b"answered")
    os.dup2(stdout, 1)
    assert tuple(capfd.readouterr()) == ("answered", "printed")


def test_one_that_is_not_begun_ends_no_other(answering):
    asked = answering(NO_ROOM, json.dumps({"pid": GONE}), json.dumps({"ended": {}}))
    with pytest.raises(NotBegunError, match="no room"):
        asked.begin(words=[], environment={}, output=Path("out"))
    assert asked.begin(words=[], environment={}, output=Path("out")).poll() is None


@pytest.mark.parametrize("said", ["Loading...", '{"pid": 1', "12", ""])
def test_a_nursery_whose_answer_cannot_be_read_has_ended_and_its_children_with_it(answering, said):
    asked = answering(said, json.dumps({"ended": {}}))
    child = asked.begin(words=[], environment={}, output=Path("out"))
    assert child.poll() == -signal.SIGKILL
    assert asked.process.wait(timeout=10) == -signal.SIGKILL


def test_the_supervisor_tries_again_what_was_not_begun(answering, tmp_path):
    supervisor = Supervisor(var=tmp_path, programs=[])
    supervisor._nursery = answering(NO_ROOM, json.dumps({"pid": GONE}))
    program = Program("web", "web", ["python", "program.py"], is_forked=True)

    child = supervisor._children["web"] = supervisor._launch(program)
    supervisor._look_after(child, child.started_at)
    supervisor._write_state()
    assert (child.process, supervisor._children["web"], json.loads(supervisor._state)["web"]) == (None, child, [])

    supervisor._look_after(child, child.started_at + 2 * RESTART_AFTER_EARLY_DEATH_S)
    begun = supervisor._children["web"].process
    assert begun is not None
    assert begun.pid == GONE


def test_a_supervisor_for_whose_programs_there_is_no_room_stays(monkeypatch, tmp_path):
    (tmp_path / "log").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    supervisor = Supervisor(var=tmp_path, programs=[])
    assert supervisor._launch(Program("sandbox", "sandbox", ["python"])).process is None
