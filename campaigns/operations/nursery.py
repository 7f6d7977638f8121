"""One process that has loaded everything and parts into the others: what they do not change they share.

    python -m campaigns.operations.nursery SUPERVISOR_PID

Asked by lines of JSON on stdin, it answers each with one on what was its stdout when it began; what is printed goes to
stderr. The supervisor's side is `Nursery`. It has one thread, no connection and nothing to do but to wait, so that a
child begins as a fresh process would, only sooner. If it ends, its children end, and the supervisor begins them all
anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import django
from django.conf import Settings, settings
from django.db import connections
from django.db.utils import ConnectionHandler
from django.utils.module_loading import autodiscover_modules, import_string

from campaigns.operations import leash
from orchestrator.jobs.worker import SUPERVISOR_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.05
# Longer than loading takes on a machine that is very busy.
ANSWER_PATIENCE_S = 60.0


class NotBegunError(OSError):
    """The machine has no room for a process just now, or the nursery may not part: to be tried again."""


class Fork:
    """A child of the nursery, with as much of subprocess.Popen as a supervisor needs."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._nursery.status_of(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(POLL_S)
        return status

    def terminate(self) -> None:
        # Nobody else gets the number of a child before `poll` has told that it ended.
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


class Nursery:
    """The supervisor's side; for one thread, which outlives the children."""

    def __init__(self, *, environment: Mapping[str, str], output: Path) -> None:
        """Returns at once; the first `begin` waits until everything is loaded."""
        with output.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "campaigns.operations.nursery", str(os.getpid())],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        # With its last child the supervisor forgets one that has been replaced: hearing no more, it ends.
        weakref.finalize(self, self.process.stdin.close)
        self._ended: dict[int, int] = {}
        self._is_given_up = False

    def begin(self, *, words: Sequence[str], environment: Mapping[str, str], output: Path) -> Fork:
        """A Python program as `python WORDS...` would start it. If the nursery is gone, what it returns has ended.
        Raises NotBegunError."""
        answer = self._ask({"words": words, "environment": environment, "output": str(output)})
        if answer and "why_not" in answer:
            raise NotBegunError(answer["why_not"])
        return Fork(answer["pid"] if answer else self.process.pid, self)

    def status_of(self, pid: int) -> int | None:
        """None while it runs."""
        if pid not in self._ended:
            answer = self._ask({})
            if answer is None:
                return -signal.SIGKILL
            self._ended |= {int(number): status for number, status in answer["ended"].items()}
        return self._ended.pop(pid, None)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """None when it has ended, or does not answer in whole lines and so is ended: with it end all its children."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if self._is_given_up:
            return None
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            if select.select([self.process.stdout], [], [], ANSWER_PATIENCE_S)[0]:
                return dict(json.loads(self.process.stdout.readline()))
        except (OSError, ValueError, TypeError):
            pass
        self._is_given_up = True
        self.process.kill()
        return None


def main() -> None:
    leash.tie(int(sys.argv[1]))
    answers = keep_answers_apart()
    load()
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _part(asked, answers) if asked else {"ended": dict(_ended())}
        os.write(answers, json.dumps(answer).encode() + b"\n")


def keep_answers_apart() -> int:
    """The descriptor that was stdout; stdout is stderr from now on."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def load() -> None:
    """All that pages and jobs need, and no more: providers' SDKs come when they are needed."""
    django.setup()
    autodiscover_modules("jobs")
    # Last, since it keeps the search for garbage away from all that is there.
    import_string("orchestrator.wsgi.application")
    connections.close_all()


def _part(asked: Mapping[str, Any], answers: int) -> dict[str, Any]:
    if threading.active_count() > 1:
        return {"why_not": "The nursery has a second thread: what that holds, a child would wait for for ever."}
    nursery = os.getpid()
    # The child is in here for good: nothing of it may be caught.
    try:
        pid = os.fork()
    except OSError as error:
        return {"why_not": f"The nursery cannot part: {error}."}
    if not pid:
        os.close(answers)
        _become(nursery=nursery, **asked)
    return {"pid": pid}


def _become(*, nursery: int, words: list[str], environment: Mapping[str, str], output: str) -> NoReturn:
    os.setsid()
    leash.tie(nursery)
    os.environ.update(environment, **{SUPERVISOR_VARIABLE: str(nursery)})
    leash.name_process(os.environ["CRESCENDO_PROCESS"])
    for descriptor, path in enumerate((os.devnull, output, output)):
        opened = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        os.dup2(opened, descriptor)
        os.close(opened)
    is_module = words[0] == "-m"
    sys.argv = words[is_module:]
    read_settings_anew()
    if is_module:
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(words[0], run_name="__main__")
    sys.exit()


def read_settings_anew() -> None:
    """They are read once, and some are of the process: its log, its connections, how long PostgreSQL waits for it."""
    for name in [name for name in sys.modules if name.startswith("orchestrator.settings.")]:
        del sys.modules[name]
    settings._wrapped = Settings(settings.SETTINGS_MODULE)
    vars(connections).clear()
    vars(connections).update(vars(ConnectionHandler()))
    django.setup()


def _ended() -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((ended[0], os.waitstatus_to_exitcode(ended[1])))
    return found


if __name__ == "__main__":
    main()
