"""What comes from the nursery is what a fresh process would be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.operations.nursery import ROOT, Fork, Nursery

pytestmark = pytest.mark.journey

# What a process finds of itself: its settings, its words, what was opened before it began.
LOOK = """
import json, logging, os, re, sys, threading
import django
from django.conf import settings
from django.db import connections

django.setup()

def unplaced(value):
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))
print(json.dumps({
    "database": unplaced(connections["default"].get_connection_params()),
    "settings": {name: unplaced(getattr(settings, name)) for name in dir(settings) if name.isupper()},
    "log": logging.getLogger().handlers[0].baseFilename,
    "words": sys.argv,
    "threads": threading.active_count(),
    "environment": {name: os.environ[name] for name in ("CRESCENDO_PROCESS", "ONLY_HERE")},
}), flush=True)
sys.exit(int(os.environ["ONLY_HERE"]))
"""
WAIT = "import time; time.sleep(60)"


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CRESCENDO"))}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local",
        "DATABASE_URL": "postgresql:///none",
        "REDIS_URL": "unix:///none",
        "CRESCENDO_VAR": str(tmp_path_factory.mktemp("var")),
        "CRESCENDO_SUPERVISOR": str(os.getpid()),
        "CRESCENDO_PROCESS": "nursery",
    }


@pytest.fixture(scope="module")
def nursery(environment, tmp_path_factory) -> Iterator[Nursery]:
    made = Nursery(environment=environment, output=tmp_path_factory.mktemp("log") / "nursery.out")
    yield made
    made.stop()


def begin(nursery: Nursery, folder: Path, text: str, *words: str, **environment: str) -> Fork:
    (folder / "program.py").write_text(text)
    return nursery.begin(
        words=[str(folder / "program.py"), *words],
        environment={"CRESCENDO_PROCESS": "somebody", **environment},
        output=folder / "out",
    )


@pytest.mark.parametrize(("name", "words"), [("now-1", ["rqworker", "now"]), ("web", []), ("cron", ["rqcron"])])
def test_a_child_of_the_nursery_is_what_a_fresh_process_would_be(nursery, environment, tmp_path, name, words):
    own = {"CRESCENDO_PROCESS": name, "ONLY_HERE": "7"}

    child = begin(nursery, tmp_path, LOOK, *words, **own)

    fresh = subprocess.run(
        [sys.executable, str(tmp_path / "program.py"), *words],
        cwd=ROOT,
        env={**environment, **own, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.wait(timeout=30), fresh.returncode) == (7, 7), (tmp_path / "out").read_text()
    assert json.loads((tmp_path / "out").read_text()) == json.loads(fresh.stdout)


def test_a_child_ends_when_it_is_asked_to_and_its_end_is_told(nursery, tmp_path):
    child = begin(nursery, tmp_path, WAIT)
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0)

    child.terminate()

    assert child.wait(timeout=10) == -signal.SIGTERM
    child.terminate()


def test_the_children_of_a_nursery_that_cannot_load_have_ended_at_once(environment, tmp_path):
    nursery = Nursery(
        environment={**environment, "DJANGO_SETTINGS_MODULE": "nothing.there"}, output=tmp_path / "nursery.out"
    )

    child = begin(nursery, tmp_path, WAIT)

    assert child.poll() == -signal.SIGKILL
    nursery.stop()
    assert "nothing" in (tmp_path / "nursery.out").read_text()
