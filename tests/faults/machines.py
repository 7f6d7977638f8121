"""Rows that need no stand: invariants that pytest tries in many examples, several processes at a time.

Each process has servers and a seed of its own. What they counted comes back as properties of the tests: numbers add up,
but of those named `most: …` the largest counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from orchestrator import services
from tests.faults import bars
from tests.faults.bars import Row
from tests.faults.stand import NOT_INHERITED, ROOT

MOST = "most: "
_BAD_INPUT = ("test_every_door", "test_bad_input", "test_bad_mail", "test_bad_files", "test_bad_api")


@dataclass(frozen=True, slots=True)
class Machine:
    """`examples` are those of each test; `least` is what all that was counted under `counts` must come to."""

    ids: str
    title: str
    tests: tuple[str, ...]
    examples: int
    processes: int
    counts: str = "examples"
    least: int = 0


MACHINES = {
    "opt-outs": Machine(
        "D5",
        "opt-outs, opt-ins, claims, sends and reports in any order, on four connections",
        ("tests/faults/test_opt_out_machine.py::test_no_send_begins_after_an_opt_out",),
        10_000,
        4,
    ),
    "pulls": Machine(
        "D24",
        "a pull beside open transactions of two writers, in random interleavings",
        (
            "tests/campaigns/operations/test_pulling.py::"
            "test_a_pull_beside_open_transactions_loses_no_row_and_sees_none_twice",
        ),
        1_000,
        1,
    ),
    "bad-input": Machine(
        "D19",
        "hostile input at every address, webhook, file, mail, preview and the API",
        tuple(f"tests/faults/{name}.py" for name in _BAD_INPUT),
        480,
        2,
        counts="cases",
        least=10_000,
    ),
}


def run(machine: Machine, *, seed: int, scale: float, folder: Path) -> Row:
    """`scale` 1: all its examples, shared out among its processes; the seeds count up from `seed`."""
    share = max(1, round(machine.examples * scale / machine.processes))
    seeds = range(seed, seed + machine.processes)
    running = [_launch(machine.tests, share, one, folder / f"seed-{one}") for one in seeds]
    statuses = [process.wait() for process in running]
    for one in seeds:
        _stop_servers(folder / f"seed-{one}")
    counted = _together(_properties(folder / f"seed-{one}" / "result.xml") for one in seeds)
    if machine.counts == "cases":
        counted = {**counted, "web at rest, MB": _web_at_rest_mb()}
    wanted = round(machine.least * min(scale, 1)) or share * machine.processes
    checks = {
        "held in every example": statuses == [0] * machine.processes,
        f"{wanted:,} {machine.counts}": counted.get(machine.counts, 0) >= wanted,
        **(bars.bad_input_checks(counted) if machine.counts == "cases" else {}),
    }
    return Row(machine.ids, machine.title, checks, {**counted, "seeds": list(seeds)})


def _launch(tests: tuple[str, ...], examples: int, seed: int, folder: Path) -> subprocess.Popen[bytes]:
    """With pytest-xdist, for then the test has servers that do not wait for the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["-n", "1", "-p", "no:cacheprovider", "--examples", str(examples), "--hypothesis-seed", str(seed)]
    environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    with (folder / "pytest.out").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *tests, *words, "--junitxml", str(folder / "result.xml")],
            cwd=ROOT,
            env={**environment, "CRESCENDO_VAR": str(folder)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _web_at_rest_mb() -> int:
    """What a process holds that has loaded all that a web server runs. (Its `ru_maxrss` begins with the size of the
    process it was forked from.)"""
    program = "import orchestrator.wsgi; print(open('/proc/self/status').read())"
    environment = {**os.environ, "DATABASE_URL": "postgresql:///none", "REDIS_URL": "unix:///none"}
    environment["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.local"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True, text=True
    )
    return int(done.stdout.partition("VmRSS:")[2].split()[0]) // 1024


def _stop_servers(folder: Path) -> None:
    """The process had a folder of its own there (settings/test.py)."""
    for var in (folder / "test-gw0", folder):
        if var.exists():
            services.stop(var)
            services.release(var)


def _properties(file: Path) -> list[tuple[str, float]]:
    """Of the tests; those of the whole run are Hypothesis's own words."""
    if not file.exists():
        return []
    found = ElementTree.parse(file).iterfind(".//testcase/properties/property")
    return [(str(one.get("name")), float(one.get("value") or 0)) for one in found]


def _together(of_processes: Iterable[Iterable[tuple[str, float]]]) -> Mapping[str, float]:
    counted: dict[str, float] = {}
    for properties in of_processes:
        for name, number in properties:
            if name.startswith(MOST):
                name = name.removeprefix(MOST)
                counted[name] = max(counted.get(name, 0), number)
            else:
                counted[name] = counted.get(name, 0) + number
    return {name: int(number) if number == int(number) else round(number, 1) for name, number in counted.items()}
