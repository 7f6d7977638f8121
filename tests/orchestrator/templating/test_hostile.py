"""Whatever a template holds, it ends with an error or a result: within 2 s of CPU, 256 MB and its own context.

CPU and not wall time: on a shared machine the suite's other processes would decide.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestrator.templating import hostile

NAMES = sorted(path.name for path in hostile.FOLDER.glob("*.liquid"))
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server():
    command = [sys.executable, "-m", "tests.orchestrator.templating.hostile"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate()


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_template_takes_neither_time_nor_memory_nor_what_is_not_its(server, name):
    server.stdin.write(f"{name}\n")
    server.stdin.flush()
    found = json.loads(server.stdout.readline())
    assert found["end"] in {"REFUSED", "MADE"}, found
    assert found["seconds"] < hostile.SECONDS, found
    assert hostile.CANARY not in found["words"]


def test_there_is_a_corpus():
    assert len(NAMES) >= 70
