from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from orchestrator import services
from tests import prepared

ROOT = Path(__file__).resolve().parents[2]
OWNER = """
import sys
from pathlib import Path
from orchestrator import services
var = Path(sys.argv[1])
services.start_postgres(var)
services.start_redis(var)
print("started", flush=True)
sys.stdin.readline()
"""
pytestmark = pytest.mark.faults


@pytest.fixture
def empty_var() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crescendo-test-") as folder:
        path = Path(folder) / "var"
        yield path
        services.release(path)
        services.stop(path)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """One for all tests: to lay and to remove its thousands of files is most of what a test would do."""
    with tempfile.TemporaryDirectory(prefix="crescendo-test-") as folder:
        path = Path(folder) / "var"
        prepared.lay(path)
        yield path


@pytest.fixture
def var(cluster) -> Iterator[Path]:
    """given servers' data, and no server"""
    assert servers_of(cluster) == set()
    yield cluster
    services.release(cluster)
    services.stop(cluster)


def owner_of(var: Path) -> subprocess.Popen[str]:
    """Another process that uses the folder's servers until its standard input ends."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(var)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None and owner.stdout.readline() == "started\n"
    return owner


def servers_of(var: Path) -> set[int]:
    found = set()
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and str(var.resolve()) in process.cwd():
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def postmaster(var: Path) -> int:
    return int((var / "pg" / "postmaster.pid").read_text().split("\n")[0])


def redis_pid(var: Path) -> int:
    return int((var / "redis" / "redis.pid").read_text())


def kill_and_wait(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def test_servers_answer_and_the_last_user_stops_them(var):
    database, redis = services.start_postgres(var), services.start_redis(var)

    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    configuration = Redis.from_url(redis).config_get("append*")
    assert (configuration["appendonly"], configuration["appendfsync"]) == ("yes", "everysec")
    assert Redis.from_url(redis).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    services.release(var)
    assert servers_of(var) == set()


def test_a_user_that_leaves_does_not_disturb_one_that_stays(var):
    owner = owner_of(var)
    pid = postmaster(var)
    services.start_postgres(var)

    owner.communicate("done\n")

    assert postmaster(var) == pid
    assert servers_of(var) != set()


def test_servers_of_an_owner_killed_with_9_are_adopted_and_then_stopped(var):
    owner = owner_of(var)
    pids = postmaster(var), redis_pid(var)
    owner.kill()
    owner.wait()

    services.start_postgres(var)
    services.start_redis(var)

    assert (postmaster(var), redis_pid(var)) == pids
    services.release(var)
    assert servers_of(var) == set()


def test_servers_killed_with_9_start_again_with_their_data(var):
    with psycopg.connect(services.start_postgres(var), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    Redis.from_url(services.start_redis(var)).set("kept", "7")
    kill_and_wait(postmaster(var))
    kill_and_wait(redis_pid(var))

    database, redis = services.start_postgres(var), services.start_redis(var)

    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert Redis.from_url(redis).get("kept") == b"7"


def test_only_a_server_that_is_gone_is_revived(var):
    services.start_postgres(var)
    services.start_redis(var)
    assert services.revive(var, postgres=True, redis=True) == []
    before = redis_pid(var)
    kill_and_wait(postmaster(var))

    assert services.revive(var, postgres=False, redis=True) == []
    assert services.revive(var, postgres=True, redis=True) == ["PostgreSQL"]
    with psycopg.connect(services.start_postgres(var)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert redis_pid(var) == before


def test_a_number_that_now_belongs_to_another_program_is_no_server(var):
    services.start_postgres(var)
    file = var / "pg" / "postmaster.pid"
    kill_and_wait(postmaster(var))
    file.write_text("\n".join([str(os.getpid()), *file.read_text().split("\n")[1:]]))

    database = services.start_postgres(var)

    assert postmaster(var) != os.getpid()
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_redis_whose_socket_was_removed_is_replaced(empty_var):
    services.start_redis(empty_var)
    old = redis_pid(empty_var)
    services.redis_socket(empty_var).unlink()

    assert Redis.from_url(services.start_redis(empty_var)).ping()

    assert redis_pid(empty_var) != old
    assert not psutil.pid_exists(old) or psutil.Process(old).status() == psutil.STATUS_ZOMBIE


def test_two_folders_do_not_disturb_each_other(empty_var):
    other = empty_var.parent / "other"
    mine, theirs = services.start_redis(empty_var), services.start_redis(other)
    Redis.from_url(mine).set("whose", "mine")

    services.release(empty_var)

    assert Redis.from_url(theirs).get("whose") is None
    assert servers_of(other) != set()
    services.release(other)
    assert servers_of(other) == set()


def test_a_deep_folder_gets_its_socket_in_the_temporary_folder(empty_var):
    deep = empty_var / ("d" * 120)

    url = services.start_redis(deep)

    assert Redis.from_url(url).ping()
    assert services.redis_socket(deep).parent == Path(tempfile.gettempdir())
    assert services.redis_socket(deep) != services.redis_socket(empty_var / ("e" * 120))
    services.release(deep)
    assert servers_of(deep) == set()
