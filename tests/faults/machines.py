"""Rows that need no stand: invariants that pytest tries in many examples, several processes at a time.

Each process has servers and a seed of its own. What they counted comes back as properties of the test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from orchestrator import services
from tests.faults.bars import Row
from tests.faults.stand import NOT_INHERITED, ROOT


@dataclass(frozen=True, slots=True)
class Machine:
    ids: str
    title: str
    test: str
    examples: int
    processes: int


MACHINES = {
    "opt-outs": Machine(
        "D5",
        "opt-outs, opt-ins, claims, sends and reports in any order, on four connections",
        "tests/faults/test_opt_out_machine.py::test_no_send_begins_after_an_opt_out",
        10_000,
        4,
    ),
    "pulls": Machine(
        "D24",
        "a pull beside open transactions of two writers, in random interleavings",
        "tests/campaigns/operations/test_pulling.py::"
        "test_a_pull_beside_open_transactions_loses_no_row_and_sees_none_twice",
        1_000,
        1,
    ),
}


def run(machine: Machine, *, seed: int, scale: float, folder: Path) -> Row:
    """`scale` 1: all its examples, shared out among its processes; the seeds count up from `seed`."""
    share = max(1, round(machine.examples * scale / machine.processes))
    seeds = range(seed, seed + machine.processes)
    running = [_launch(machine.test, share, one, folder / f"seed-{one}") for one in seeds]
    statuses = [process.wait() for process in running]
    for one in seeds:
        _stop_servers(folder / f"seed-{one}")
    counted: Counter[str] = Counter()
    for one in seeds:
        counted.update(_properties(folder / f"seed-{one}" / "result.xml"))
    checks = {
        "held in every example": statuses == [0] * machine.processes,
        f"{share * machine.processes:,} examples": counted["examples"] >= share * machine.processes,
    }
    return Row(machine.ids, machine.title, checks, {**counted, "seeds": list(seeds)})


def _launch(test: str, examples: int, seed: int, folder: Path) -> subprocess.Popen[bytes]:
    """With pytest-xdist, for then the test has servers that do not wait for the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["-n", "1", "-p", "no:cacheprovider", "--examples", str(examples), "--hypothesis-seed", str(seed)]
    environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    with (folder / "pytest.out").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", test, *words, "--junitxml", str(folder / "result.xml")],
            cwd=ROOT,
            env={**environment, "CRESCENDO_VAR": str(folder)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _stop_servers(folder: Path) -> None:
    """The process had a folder of its own there (settings/test.py)."""
    for var in (folder / "test-gw0", folder):
        if var.exists():
            services.stop(var)
            services.release(var)


def _properties(file: Path) -> dict[str, int]:
    if not file.exists():
        return {}
    found = ElementTree.parse(file).iter("property")
    return {str(one.get("name")): int(one.get("value") or 0) for one in found}
