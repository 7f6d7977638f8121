#!/usr/bin/env python
"""Run Crescendo's management commands."""

from __future__ import annotations

import os
import select
import sys

# As a shell tells a program that ended by SIGPIPE.
CLOSED_PIPE = 141


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings.local")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _has_lost_its_reader():
            raise
        # Whoever reads has read enough, as `head` does. What is still in the buffer would be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)


def _has_lost_its_reader() -> bool:
    """Of what is printed: another pipe or socket may be the broken one."""
    watch = select.poll()
    watch.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0))


if __name__ == "__main__":
    main()
