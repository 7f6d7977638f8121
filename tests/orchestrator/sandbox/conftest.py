from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator import clock
from orchestrator.sandbox.company import Company, generate
from orchestrator.sandbox.server import Sandbox, start_in_thread
from tests.orchestrator.sandbox.product_double import ProductDouble

UNTIL = date(2026, 3, 31)


@pytest.fixture(scope="session")
def company() -> Company:
    return generate(seed=7, accounts=120, days=60, until=UNTIL)


@pytest.fixture
def movable_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCK_OFFSET", str(tmp_path / "offset"))


@pytest.fixture
def product() -> Iterator[ProductDouble]:
    double = ProductDouble()
    yield double
    double.stop()


@pytest.fixture
def start(company: Company, product: ProductDouble, movable_clock: None) -> Iterator[Callable[..., Sandbox]]:
    started: list[Sandbox] = []

    def build(**settings) -> Sandbox:
        defaults = {"product_base": product.base, "company": company, "stripe_webhook_secret": "whsec_test"}
        sandbox = start_in_thread(**{**defaults, **settings})
        started.append(sandbox)
        return sandbox

    yield build
    for sandbox in started:
        sandbox.stop()


def wait_until(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """The only clock these tests watch is a bound: they fail instead of hanging."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("The simulated world did not get there in time.")
        time.sleep(0.01)


def settle(sandbox: Sandbox, *, until: datetime | None = None, hops: int = 8) -> None:
    """Let everything happen that is due; with `until`, move the business clock there in a few hops."""

    def is_idle() -> bool:
        state = sandbox.idle()
        return state["due"] == 0 and state["posting"] == 0

    wait_until(is_idle, seconds=30)
    if until is None:
        return
    step = (until - clock.utcnow()) / hops
    for left in range(hops - 1, -1, -1):
        target = until - left * step
        if target > clock.utcnow() + timedelta(seconds=1):
            clock.advance(to=target)
        wait_until(is_idle, seconds=30)
