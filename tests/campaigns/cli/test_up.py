"""`manage.py up` as an operator meets it: real processes in a folder of their own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator import services
from tests import prepared

ROOT = Path(__file__).resolve().parents[3]
READY_PATIENCE_S = 90
pytestmark = pytest.mark.journey


class Up:
    def __init__(self, var: Path) -> None:
        self.var = var
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None

    def environment(self) -> dict[str, str]:
        foreign = ("DATABASE_URL", "REDIS_URL", "CLOCK_OFFSET", "CRESCENDO_PROCESS", "CRESCENDO_SUPERVISOR")
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return {**kept, "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local", "CRESCENDO_VAR": str(self.var)}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1", "--web", "1", *words]

    def start(self, *words: str) -> dict[str, Any]:
        """Returns the ready line."""
        self.process = subprocess.Popen(
            self.command(*words),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        impatience = threading.Timer(READY_PATIENCE_S, self.process.terminate)
        impatience.start()
        line = self.process.stdout.readline()
        impatience.cancel()
        assert line, f"up was not ready: {self.complaints()}"
        return dict(json.loads(line))

    def complaints(self) -> str:
        return "\n".join(file.read_text()[-2000:] for file in (self.var / "log").glob("*.out"))

    def end(self, signum: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(timeout=25)

    def state(self) -> dict[str, Any]:
        return dict(json.loads((self.var / "up.json").read_text()))

    def readyz(self) -> tuple[int, dict[str, Any]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def processes(self) -> set[int]:
        """Everything that was started for this folder: by its environment, or by the folder it works in."""
        found = set()
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get("CRESCENDO_VAR") == str(self.var) or str(self.var) in process.cwd()
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.add(process.pid)
            except psutil.Error:
                continue
        return found


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crescendo-up-") as folder:
        path = (Path(folder) / "var").resolve()
        prepared.lay(path)
        yield path
        services.stop(path)


@pytest.fixture
def up(var: Path) -> Iterator[Up]:
    site = Up(var)
    yield site
    if site.process is not None and site.process.poll() is None:
        site.end(signal.SIGKILL)


def seconds_until(holds: Callable[[], bool], patience: float) -> float:
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > patience:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - started


def was_replaced(up: Up, name: str, old: int) -> bool:
    return pid_of(up.state(), name) != old


def pid_of(state: dict[str, Any], name: str) -> int:
    return int({**state, "web": state["web"][0], **state["workers"]}[name])


def test_up_tells_when_it_is_ready_restarts_what_dies_and_leaves_nothing(up):
    ready = up.start()

    assert ready == {"ready": f"http://127.0.0.1:{up.port}"}
    state = up.state()
    assert (state["up"], state["port"], set(state["workers"])) == (up.process.pid, up.port, {"now-1", "bulk-1"})
    for name in ("now-1", "bulk-1", "cron", "web"):
        process = psutil.Process(pid_of(state, name))
        assert process.ppid() == state["nursery"]
        assert process.name() == name or sys.platform != "linux"
    status, answer = up.readyz()
    assert (status, answer["ok"], set(answer["workers"])) == (200, True, {"now", "bulk"})

    for name in ("now-1", "cron", "web"):
        old = pid_of(up.state(), name)
        os.kill(old, signal.SIGKILL)
        assert seconds_until(partial(was_replaced, up, name, old), patience=10) < 2

    before = up.state()
    os.kill(before["nursery"], signal.SIGKILL)
    for name in ("nursery", "now-1", "bulk-1", "cron", "web"):
        seconds_until(partial(was_replaced, up, name, pid_of(before, name)), patience=30)
        assert psutil.Process(pid_of(up.state(), name)).is_running()
    assert not up.processes() & {pid_of(before, name) for name in ("nursery", "now-1", "bulk-1", "cron", "web")}

    second = subprocess.run(up.command(), cwd=ROOT, env=up.environment(), capture_output=True, text=True, check=False)
    assert (second.returncode, second.stdout) == (3, "")

    assert up.end(signal.SIGTERM) == 0
    assert up.processes() == set()
    assert not (up.var / "up.json").exists()


def test_children_end_with_an_up_that_was_killed_and_the_next_start_goes_on(up):
    up.start()
    up.end(signal.SIGKILL)

    assert seconds_until(lambda: not (up.processes() - server_pids(up.var)), patience=15) < 5

    up.start("--no-migrate")
    assert up.readyz()[0] == 200
    assert up.end(signal.SIGINT) == 0
    assert up.processes() == set()


def test_up_without_workers_is_ready_without_them(up):
    up.start("--no-workers")

    assert up.state()["workers"] == {}
    assert up.readyz()[0] == 200
    assert up.end(signal.SIGTERM) == 0


def test_embedded_servers_that_are_killed_come_back_by_themselves(up):
    up.start("--no-workers")
    for pid in server_pids(up.var):
        with suppress(ProcessLookupError):  # a back end that went with its postmaster
            os.kill(pid, signal.SIGKILL)

    assert seconds_until(lambda: up.readyz()[0] == 200, patience=60) < 30
    assert up.end(signal.SIGTERM) == 0
    assert up.processes() == set()


def server_pids(var: Path) -> set[int]:
    """The embedded servers: the next start adopts them where nobody was left to stop them."""
    found = set()
    for process in psutil.process_iter():
        try:
            if str(var) in process.cwd():
                found.add(process.pid)
        except psutil.Error:
            continue
    return found
