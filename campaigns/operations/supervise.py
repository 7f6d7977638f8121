"""A running Crescendo: web, workers and cron under one supervisor. `manage.py up` and `manage.py demo` use it."""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from campaigns.operations import programs
from campaigns.operations.processes import AlreadyRunningError, Program, Supervisor, refuse_second

READY_PATIENCE_S = 90.0


class PortTakenError(RuntimeError):
    """Another program listens there."""


class NotReadyError(RuntimeError):
    """/readyz did not answer 200 in time; the text holds its last answer."""


@contextmanager
def running(
    *,
    port: int,
    workers: int | None,
    host: str = "127.0.0.1",
    web: int = 2,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    wait_until_ready: bool = False,
) -> Iterator[Supervisor]:
    """Start everything and stop it on leaving, whatever the reason; a signal raises SystemExit inside.

    `workers` is the number on `now` (one on `bulk` is added); None starts none and lets /readyz do without.
    `extra`: further programs as {name: {"command": [...], "environment": {...}}}.
    Raises AlreadyRunningError, PortTakenError, NotReadyError.
    """
    refuse_if_busy(host=host, port=port)
    environment = {"PUBLIC_BASE_URL": os.environ.get("PUBLIC_BASE_URL") or f"http://127.0.0.1:{port}"}
    if workers is None:
        environment["READY_NEEDS_WORKERS"] = "0"
    others = [
        Program(name, name, spec["command"], dict(spec.get("environment") or {}))
        for name, spec in (extra or {}).items()
    ]
    wanted = [
        programs.web(host=host, port=port, processes=web, environment=environment),
        *(programs.workers(count=workers, environment=environment) if workers is not None else []),
        programs.cron(environment=environment),
        *others,
    ]
    connections.close_all()
    supervisor = Supervisor(
        var=Path(settings.VAR), programs=wanted, facts={"port": port}, revive=settings.REVIVE_SERVICES
    )
    try:
        supervisor.start()
        if wait_until_ready:
            await_ready(port=port, patience_s=READY_PATIENCE_S)
        yield supervisor
    finally:
        supervisor.stop()


def await_ready(*, port: int, patience_s: float | None = None) -> None:
    """Return when /readyz first answers 200. Raises NotReadyError; `patience_s` None waits for ever."""
    started = time.monotonic()
    while True:
        status, answer = ask_ready(port=port)
        if status == http.HTTPStatus.OK:
            return
        if patience_s is not None and time.monotonic() - started > patience_s:
            raise NotReadyError(f"/readyz on port {port} is still not ready after {patience_s:.0f} s: {answer}")
        time.sleep(0.2)


def ask_ready(*, port: int) -> tuple[int, str]:
    """Status and body of /readyz; status 0 when nobody answers."""
    named = [host for host in settings.ALLOWED_HOSTS if not host.startswith(("*", "."))]
    host = "127.0.0.1" if "127.0.0.1" in named or not named else named[0]
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", "/readyz", headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read(4000).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, f"nobody answers ({error})"


def refuse_if_busy(*, host: str, port: int) -> None:
    """Raises AlreadyRunningError or PortTakenError."""
    refuse_second(var=Path(settings.VAR))
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(f"Port {port} is in use ({error.strerror}). Choose another with --port.") from None


__all__ = [
    "AlreadyRunningError",
    "NotReadyError",
    "PortTakenError",
    "Supervisor",
    "ask_ready",
    "await_ready",
    "running",
]
