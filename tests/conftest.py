"""What every test may use: a business clock of its own, an empty Redis, Chromium."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import psycopg.sql
import pytest
from django.conf import settings
from django.db import transaction
from django.test import TransactionTestCase
from django.utils import translation

from orchestrator.jobs import queues
from tests import emptied, prepared, scale

# Playwright's synchronous interface keeps an event loop in this thread; Django would refuse its ORM there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# How long an example takes says nothing here; on CI the examples are the same on every run.
hypothesis.settings.register_profile("crescendo", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("crescendo")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--examples", type=int, help="How many examples the tests of invariants try (few without).")


def pytest_configure(config: pytest.Config) -> None:
    if number := config.getoption("--examples"):
        os.environ[scale.VARIABLE] = str(number)


# The one without windows draws the same pages with less than two thirds of the work.
CHROMIUM = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium browser tests are skipped aloud."""
    if CHROMIUM:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="No Chromium. To run it: apt-get install chromium-headless-shell"))


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end; the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)


def pytest_sessionfinish() -> None:
    """Pytest collects garbage five times at the end; the process ends anyway."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "No Chromium" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} BROWSER TESTS WERE SKIPPED. To run them: apt-get install chromium-headless-shell",
            red=True,
            bold=True,
        )


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """A server that only this run uses need not wait for the disk: no test takes the machine's power away."""
    prepared.offer()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        for name in ("fsync", "full_page_writes"):
            server.execute(psycopg.sql.SQL("ALTER SYSTEM SET {} = off").format(psycopg.sql.Identifier(name)))
        server.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        prepared.keep()
        emptied.allow_sending()


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptied.empty_by_deleting)
        yield


@pytest.fixture(scope="module")
def shared_rows(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Rows that the tests of a module share are made once, by a fixture of the module that asks for this one. What a
    test changes is undone after it; the objects in memory are not, so each test reads its own."""
    for item in request.session.items:
        mark = item.get_closest_marker("django_db") if item.path == request.path else None
        assert mark is None or not mark.kwargs.get("transaction"), (
            f"Nothing is shared beside {item.nodeid}: it commits."
        )
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A page asked for in Hebrew leaves its language on in this thread: the next test begins in English again."""
    with translation.override("en"):
        yield


@pytest.fixture
def business_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clock file of this test's own, at wall time; move it with `clock.advance(to=...)`."""
    path = tmp_path / "clock.offset"
    monkeypatch.setenv("CLOCK_OFFSET", str(path))
    return path


@pytest.fixture
def empty_redis() -> Iterator[Any]:
    """This run's own Redis number, emptied before and after."""
    connection = queues.connection()
    connection.flushdb()
    yield connection
    connection.flushdb()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}


@pytest.fixture
def logged_in(page: Any, live_server: Any, django_user_model: Any, client: Any) -> Any:
    """A page of the marketer Maria; `page.problems` gathers console and page errors."""
    client.force_login(django_user_model.objects.create_superuser("maria", "maria@example.test", "pw"))
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    return page
