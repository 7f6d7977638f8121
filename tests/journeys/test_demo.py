"""The main job with real processes while workers are killed: nothing lost, nothing doubled, every sum closes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests import prepared

ROOT = Path(__file__).resolve().parents[2]
KILLS = 8
SECONDS_BETWEEN_KILLS = 1.5
IN_FLIGHT = 50


class Killer(threading.Thread):
    """Kills a random worker on `now` with -9 every so often, from the moment the campaign is launched."""

    def __init__(self, var: Path) -> None:
        super().__init__(daemon=True)
        self.var = var
        self.kills = 0
        self.stopping = threading.Event()
        self.random = random.Random(7)

    def run(self) -> None:
        while not self.stopping.is_set() and self.kills < KILLS:
            time.sleep(SECONDS_BETWEEN_KILLS if self.kills else 0.2)
            if self._campaign_runs():
                self._kill_one()

    def _campaign_runs(self) -> bool:
        """Workers log that they send: the first sign that messages are under way."""
        return any("messages sent" in log.read_text() for log in (self.var / "log").glob("now-*.log"))

    def _kill_one(self) -> None:
        workers = json.loads((self.var / "up.json").read_text())["workers"]
        pids = [pid for name, pid in workers.items() if name.startswith("now")]
        try:
            os.kill(self.random.choice(pids), signal.SIGKILL)
        except (ProcessLookupError, IndexError):
            return
        self.kills += 1


@pytest.fixture(scope="module")
def var():
    """A folder of its own: any other run of pytest closes those of this one to PostgreSQL, which is not root."""
    with tempfile.TemporaryDirectory(prefix="crescendo-demo-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def demo(var):
    """given a small company's demo, with workers killed in the middle of it"""
    prepared.lay(var)
    killer = Killer(var)
    killer.start()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DJANGO_SETTINGS_MODULE", "CLOCK_OFFSET", "DATABASE_URL", "REDIS_URL"}
    }
    finished = subprocess.run(
        [sys.executable, "manage.py", "demo", "--once", "--accounts", "150", "--days", "60", "--seed", "3"],
        cwd=ROOT,
        env={**environment, "CRESCENDO_VAR": str(var)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    killer.stopping.set()
    assert (var / "demo" / "result.json").exists(), finished.stdout[-3000:] + finished.stderr[-3000:]
    report = json.loads((var / "demo" / "result.json").read_text())
    return finished, killer.kills, report, var


pytestmark = pytest.mark.journey


def test_the_workers_were_really_killed(demo):
    _, kills, _, _ = demo
    assert kills == KILLS


def test_every_sum_of_the_table_closes(demo):
    finished, _, report, _ = demo
    checks = [*report["checks"], *(check for one in report["campaigns"] for check in one["checks"])]
    assert [check["sentence"] for check in checks if not check["ok"]] == []
    assert finished.returncode == 0, finished.stderr[-2000:]


def test_no_mail_reached_the_provider_twice(demo):
    _, _, report, _ = demo
    assert report["provider"]["accepted"] == report["provider"]["messages"] > 0


def test_each_planned_message_was_sent_or_is_explained(demo):
    _, kills, report, _ = demo
    states = sum((Counter(one["ledger"]["messages"]) for one in report["campaigns"]), Counter())
    still_open = sum(states[state] for state in ("PLANNED", "READY", "CLAIMED", "SENDING", "UNKNOWN"))
    assert still_open == 0
    assert states["UNDETERMINED"] <= kills * IN_FLIGHT
    assert states["FAILED"] == 0


def test_the_whole_main_job_ran(demo):
    """then messages went out on every channel, people upgraded, and the CRM was told"""
    _, _, report, _ = demo
    channels = {step["channel"] for one in report["campaigns"] for step in one["steps"] if step["sent"]}
    assert channels == {"email", "sms", "in_app", "csm_task"}
    assert report["campaigns"][0]["conversions"]["enrolled"] > 0
    assert report["campaigns"][0]["conversions"]["via_link"] > 0
    assert set(report["write_backs"]["DEAL"]) == {"DONE"}


def test_the_held_out_got_nothing(demo):
    _, _, report, _ = demo
    [holdout] = [arm for arm in report["campaigns"][0]["arms"] if arm["arm"] == "holdout"]
    assert holdout["assigned"] > 0
    assert (holdout["sent"], holdout["clicked"]) == (0, 0)


def test_no_process_is_left_behind(demo):
    _, _, _, var = demo
    listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    assert [line for line in listing.splitlines() if str(var) in line] == []
