"""Run a command that ends when its supervisor does, even if that one is killed with -9.

    python -m campaigns.operations.leash SUPERVISOR_PID PROGRAM ARGUMENTS...

The kernel sends SIGTERM when the parent dies (Linux); the request survives the exec, so that the command line
people see in `ps` is the program's own. Kept apart from the supervisor and free of Django: it costs 20 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def tie(parent: int) -> None:
    """This process ends when `parent` does, which must be the one that started it."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("The supervisor ended before this process began.")


def name_process(name: str) -> None:
    """What `top` and `ps -o comm` show; the kernel takes 15 bytes."""
    _prctl(PR_SET_NAME, name.encode())


def _prctl(option: int, value: int | bytes) -> None:
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value)


def main() -> None:
    command = sys.argv[2:]
    tie(int(sys.argv[1]))
    os.execv(command[0], command)  # noqa: S606  (the program that the supervisor chose)


if __name__ == "__main__":
    main()
