"""Keeps a set of processes running; supervise.py says which.

Each child leads a process group of its own. A child that dies takes its group with it and is started again
within two seconds. Children end when the supervisor does (leash.py), and the state file says which processes
belong to this checkout, so that a start after a kill -9 can clear away what is left of the last one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from campaigns.operations.nursery import ROOT, Fork, Nursery
from orchestrator.jobs.worker import SUPERVISOR_VARIABLE

log = logging.getLogger(__name__)

POLL_S = 0.2
RESTART_AFTER_S = 0.3
RESTART_AFTER_EARLY_DEATH_S = 1.2  # a program that cannot start must not keep a core busy
EARLY_S = 5.0
STOP_PATIENCE_S = 15.0
REVIVE_EVERY_S = 1.0
KIN_VARIABLE = "CRESCENDO_KIN"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AlreadyRunningError(RuntimeError):
    """Another supervisor holds this var folder."""


@dataclass(frozen=True)
class Program:
    """`kind` groups the child in the state file: web, worker, cron, sandbox. With `is_forked` it is a Python
    program of ours (`command` begins with the interpreter) and comes from the nursery."""

    name: str
    kind: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_forked: bool = False


@dataclass
class _Child:
    """`process` is None where it could not be begun; it is then as one that died at once."""

    program: Program
    process: subprocess.Popen[bytes] | Fork | None
    started_at: float
    died_at: float | None = None


class Supervisor:
    """Owns `var` and the children from `start` to `stop`. SIGINT, SIGTERM and SIGHUP raise SystemExit meanwhile.

    `revive` starts again what of the embedded servers is gone and names it; asked every second.
    """

    def __init__(
        self,
        *,
        var: Path,
        programs: Sequence[Program],
        facts: Mapping[str, Any] | None = None,
        revive: Callable[[], list[str]] | None = None,
    ) -> None:
        self._var = var
        self._programs = programs
        self._facts = dict(facts or {})
        self._children: dict[str, _Child] = {}
        self._nursery: Nursery | None = None
        self._state = ""
        self._ended = threading.Event()
        # The kernel's word that a parent died speaks of the thread that started the child: this one lives long enough.
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._revive = revive
        self._reviver = threading.Thread(target=self._keep_services, name="services", daemon=True)
        self._handlers: dict[signal.Signals, Any] = {}
        self._lock = contextlib.ExitStack()

    def start(self) -> None:
        """Raises AlreadyRunningError. Call `stop` whatever happens afterwards."""
        self._lock.enter_context(_exclusive(self._var))
        end_leftovers(var=self._var)
        self._handlers = {signum: signal.signal(signum, _leave) for signum in STOP_SIGNALS}
        (self._var / "log").mkdir(parents=True, exist_ok=True)
        self._watcher.start()
        self._reviver.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Until a signal asks this process to end (True), or for so many seconds (False)."""
        try:
            self._ended.wait(seconds)
        except SystemExit:
            return True
        return False

    def restart(self) -> None:
        """Let every child end and begin anew, with the code as it is now."""
        self._nursery = None  # it ends when the last of its children has
        for process in self._processes():
            process.terminate()

    def _processes(self) -> list[subprocess.Popen[bytes] | Fork]:
        return [child.process for child in list(self._children.values()) if child.process is not None]

    def _watch(self) -> None:
        for program in self._programs:
            if not self._ended.is_set():
                self._children[program.name] = self._launch(program)
        self._write_state()
        while not self._ended.wait(POLL_S):
            for child in list(self._children.values()):
                self._look_after(child, time.monotonic())
            self._write_state()
        self._stop_children()

    def _look_after(self, child: _Child, now: float) -> None:
        if child.process is not None and child.process.poll() is None:
            return
        if child.died_at is None:
            child.died_at = now
            if child.process is not None:
                _kill_group(child.process.pid)
                status = child.process.returncode
                log.warning("%s ended (status %s) and is started again.", child.program.name, status)
        early = child.died_at - child.started_at < EARLY_S
        if now - child.died_at >= (RESTART_AFTER_EARLY_DEATH_S if early else RESTART_AFTER_S):
            self._children[child.program.name] = self._launch(child.program)

    def _keep_services(self) -> None:
        """Apart from the children's watch: a database that recovers takes its time."""
        while self._revive is not None and not self._ended.wait(REVIVE_EVERY_S):
            try:
                for name in self._revive():
                    log.warning("%s was gone and is started again.", name)
            except Exception:
                log.exception("An embedded server could not be started again.")

    def stop(self) -> None:
        """Ask every child to end, wait for pieces of work under way, then insist. Signals are ignored meanwhile."""
        for signum in self._handlers:
            signal.signal(signum, signal.SIG_IGN)
        self._ended.set()
        for thread in (self._watcher, self._reviver):
            if thread.is_alive():
                thread.join()
        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)
        self._lock.close()

    def _stop_children(self) -> None:
        processes = self._processes()
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_PATIENCE_S
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in processes:
            _kill_group(process.pid)
            process.wait()
        if nursery := self._nursery:
            nursery.stop()
        (self._var / "up.json").unlink(missing_ok=True)

    def _launch(self, program: Program) -> _Child:
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **program.environment,
            "CRESCENDO_PROCESS": program.name,
            SUPERVISOR_VARIABLE: str(os.getpid()),
            KIN_VARIABLE: str(self._var.resolve()),
        }
        output = self._var / "log" / f"{program.name}.out"
        begin = self._fork if program.is_forked else self._spawn
        process: subprocess.Popen[bytes] | Fork | None
        try:
            process = begin(program.command, environment, output)
        except OSError as error:
            log.error("%s could not be begun and is tried again: %s", program.name, error)
            process = None
        return _Child(program, process, time.monotonic())

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
        leash = [sys.executable, "-m", "campaigns.operations.leash", str(os.getpid())]
        with output.open("ab") as opened:
            return subprocess.Popen(
                [*leash, *command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=opened,
                stderr=opened,
                start_new_session=True,
            )

    def _fork(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> Fork:
        nursery = self._nursery
        if nursery is None or nursery.process.poll() is not None:
            named = {**environment, "CRESCENDO_PROCESS": "nursery"}
            nursery = self._nursery = Nursery(environment=named, output=output.with_name("nursery.out"))
        return nursery.begin(words=command[1:], environment=environment, output=output)

    def _write_state(self) -> None:
        state: dict[str, Any] = {"up": os.getpid(), "web": [], "workers": {}, "cron": None, **self._facts}
        if nursery := self._nursery:
            state["nursery"] = nursery.process.pid
        for child in self._children.values():
            if child.process is None:
                continue
            pid, program = child.process.pid, child.program
            if program.kind == "web":
                state["web"] = [pid, *_children_of(pid)]
            elif program.kind == "worker":
                state["workers"][program.name] = pid
            else:
                state[program.kind] = pid
        text = json.dumps(state)
        if text != self._state:
            scratch = self._var / "up.json.new"
            scratch.write_text(text + "\n")
            scratch.replace(self._var / "up.json")
            self._state = text


def _leave(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def end_leftovers(*, var: Path) -> None:
    """End what a killed supervisor of this folder left behind. Call it while holding the folder."""
    try:
        state = json.loads((var / "up.json").read_text())
    except (FileNotFoundError, ValueError):
        return
    numbers = [value for value in state.values() if isinstance(value, int)]
    pids = {*numbers, *state.get("web", []), *state.get("workers", {}).values()} - {os.getpid()}
    for pid in pids:
        if _is_kin(pid, var):
            _kill_group(pid)
    (var / "up.json").unlink(missing_ok=True)


def refuse_second(*, var: Path) -> None:
    """Raises AlreadyRunningError while a supervisor of this folder lives."""
    with _exclusive(var):
        return


@contextlib.contextmanager
def _exclusive(var: Path) -> Iterator[None]:
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"{var} is in use: `up` or `demo` already runs there (var/up.json).") from None
        yield


def _is_kin(pid: int, var: Path) -> bool:
    """Whether a process was started by a supervisor of this folder: numbers are given out again."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{KIN_VARIABLE}={var.resolve()}".encode() in environment


def _children_of(pid: int) -> list[int]:
    try:
        return sorted(int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:
        return []


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
