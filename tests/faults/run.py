"""The fault suite at full size: every row of the table in docs/faults.md, on stands of their own.

    python -m tests.faults.run [--only chaos …] [--messages 100000 --kills 50 …] [--batches] [--write FILE]

Each row prints one JSON line when it is through. Exit status 1 when a bar was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tests.faults import bars, chaos, machines, scenarios
from tests.faults.bars import Row
from tests.faults.machines import MACHINES
from tests.faults.scenarios import Figures
from tests.faults.stand import ROOT, Stand, standing

# What mostly waits: for a clock, or for its own processes' turn. The longest first.
WAITING = ("opt-outs", "redis", "bad-day", "frozen", "storm", "slow", "pulls")
AT_ONCE = 4
BATCH = 200
# All but one of them are frozen beside each other.
WORKERS = {"frozen": 11}
FULL = 100_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=FULL)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--flushes", type=int, default=5)
    parser.add_argument("--pg-crashes", type=int, default=3)
    parser.add_argument("--redis-kills", type=int, default=1)
    parser.add_argument("--cron-kills", type=int, default=1)
    parser.add_argument("--opt-outs", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batches", action="store_true", help=f"up to {BATCH} mails in a request")
    parser.add_argument("--scale", type=float, default=1.0, help="size of every row but `chaos` (1: as documented)")
    parser.add_argument("--only", action="append", choices=sorted({*ROWS, *MACHINES}), help="this row; may be repeated")
    parser.add_argument("--folder", type=Path, help="keep the stand's data and logs there")
    parser.add_argument("--write", type=Path, help="bring this document's table up to date")
    return parser.parse_args()


def run_chaos(stand: Stand, given: argparse.Namespace) -> Row:
    verdict = chaos.run(
        stand,
        campaign="chaos",
        messages=given.messages,
        kills=given.kills,
        flushes=given.flushes,
        pg_crashes=given.pg_crashes,
        redis_kills=given.redis_kills,
        cron_kills=given.cron_kills,
        opt_outs=given.opt_outs,
        fault_scale=10.0 if stand.batch > 1 else 1.0,
        seed=given.seed,
    )
    return bars.chaos_row(verdict, stand)


def run_lossy(stand: Stand, given: argparse.Namespace) -> Row:
    verdict = chaos.run(
        stand,
        campaign="lossy",
        messages=round(6000 * given.scale),
        kills=15,
        flushes=2,
        pg_crashes=1,
        redis_kills=1,
        cron_kills=1,
        lost_events=0.3,
        fault_scale=10.0 if stand.batch > 1 else 1.0,
        seed=given.seed,
    )
    return bars.lossy_row(verdict, stand)


def run_frozen(stand: Stand, given: argparse.Namespace) -> Row:
    freezes = max(1, round(100 * given.scale))
    figures = scenarios.frozen(
        stand, campaign="frozen", messages=500 * freezes, freezes=freezes, at_once=stand.workers - 1
    )
    return bars.frozen_row(figures, stand)


def run_paused(stand: Stand, given: argparse.Namespace) -> Row:
    figures = scenarios.paused(stand, campaign="paused", messages=round(10_000 * given.scale), resume=True)
    return bars.paused_row(figures, stand)


def run_stopped(stand: Stand, given: argparse.Namespace) -> Row:
    figures = scenarios.paused(stand, campaign="stopped", messages=round(10_000 * given.scale), resume=False)
    return bars.stopped_row(figures, stand)


def run_redis(stand: Stand, given: argparse.Namespace) -> Row:
    seconds = 300 * given.scale
    figures = scenarios.service_away(
        stand, service="redis", campaign="redis", messages=round(10_000 * given.scale), seconds=seconds
    )
    return bars.redis_row(figures, stand, seconds)


def run_postgres(stand: Stand, given: argparse.Namespace) -> Row:
    seconds = 30 * given.scale
    figures = scenarios.service_away(
        stand, service="postgres", campaign="postgres", messages=round(10_000 * given.scale), seconds=seconds
    )
    return bars.postgres_row(figures, stand, seconds)


def run_connections(stand: Stand, given: argparse.Namespace) -> Row:
    seconds = 10 * given.scale
    figures = scenarios.service_away(
        stand, service="connections", campaign="connections", messages=round(10_000 * given.scale), seconds=seconds
    )
    return bars.connections_row(figures, stand, seconds)


def run_bad_day(stand: Stand, given: argparse.Namespace) -> Row:
    figures = _bad_day(stand, given, campaign="bad-day", seconds=300, faults={"rate_5xx_before": 1.0})
    return bars.bad_day_row(figures, stand, "answers 500")


def run_storm(stand: Stand, given: argparse.Namespace) -> Row:
    faults = {"rate_429": 1.0, "retry_after_s": bars.RETRY_AFTER_S}
    figures = _bad_day(stand, given, campaign="storm", seconds=120, faults=faults, channel="sms")
    return bars.storm_row(figures, stand)


def run_slow(stand: Stand, given: argparse.Namespace) -> Row:
    figures = _bad_day(stand, given, campaign="slow", seconds=60, faults={"latency_s": 30.0})
    return bars.bad_day_row(figures, stand, "takes everything and answers after 30 s")


def _bad_day(
    stand: Stand,
    given: argparse.Namespace,
    *,
    campaign: str,
    seconds: float,
    faults: dict[str, float],
    channel: str = "email",
) -> Figures:
    return scenarios.bad_day(
        stand,
        campaign=campaign,
        messages=round(5000 * given.scale),
        seconds=max(10, seconds * given.scale),
        faults=faults,
        channel=channel,
    )


def run_capped(stand: Stand, given: argparse.Namespace) -> Row:
    figures = scenarios.capped(stand, campaign="capped", accounts=round(2000 * given.scale), per_account=4)
    return bars.capped_row(figures, stand)


def run_deployed(stand: Stand, given: argparse.Namespace) -> Row:
    figures = scenarios.deployed(stand, campaign="deployed", messages=round(10_000 * given.scale))
    return bars.deployed_row(figures, stand)


ROWS: dict[str, Callable[[Stand, argparse.Namespace], Row]] = {
    "chaos": run_chaos,
    "lossy": run_lossy,
    "frozen": run_frozen,
    "paused": run_paused,
    "stopped": run_stopped,
    "redis": run_redis,
    "postgres": run_postgres,
    "connections": run_connections,
    "bad-day": run_bad_day,
    "storm": run_storm,
    "slow": run_slow,
    "capped": run_capped,
    "deployed": run_deployed,
}


def run_row(name: str, given: argparse.Namespace, folder: Path) -> Row:
    """On a stand of its own, so that no row inherits the troubles of another."""
    load = os.getloadavg()[0]
    began = time.monotonic()
    batch = BATCH if given.batches else 1
    about: dict[str, Any] = {"key": f"{name}-{given.seed}", "seed": given.seed, "load_before": round(load, 1)}
    if name in MACHINES:
        row = machines.run(MACHINES[name], seed=given.seed, scale=given.scale, folder=folder / name)
    else:
        workers = WORKERS.get(name, given.workers)
        with standing(folder / name, workers=workers, batch=batch, seed=given.seed, web=2) as stand:
            row = ROWS[name](stand, given)
        about["key"] = f"{name}-batches-{given.seed}" if given.batches else about["key"]
        about |= {"batch": batch, "workers": workers}
    about["size"] = "full" if given.scale >= 1 and (name != "chaos" or given.messages >= FULL) else "smaller"
    row.about |= about | {"seconds": round(time.monotonic() - began)}
    return row


def main() -> int:
    given = arguments()
    results = ROOT / "var" / "faults.json"
    results.parent.mkdir(exist_ok=True)
    known: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    missed = 0
    with tempfile.TemporaryDirectory(prefix="crescendo-faults-") as scratch:
        for row in _rows(given, given.folder or Path(scratch)):
            print(json.dumps(row.line(), ensure_ascii=False), flush=True)
            missed += not row.is_met
            known[row.about["key"]] = row.line()
            results.write_text(json.dumps(known, ensure_ascii=False, indent=1))
            if given.write:
                bars.write_document(given.write, known)
    return 1 if missed else 0


def _rows(given: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Those that work hard one by one, then those that mostly wait beside each other."""
    names = given.only or [*ROWS, *MACHINES]
    for name in names:
        if name not in WAITING:
            yield run_row(name, given, folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(run_row, name, given, folder) for name in WAITING if name in names]
        for done in as_completed(waiting):
            yield done.result()


if __name__ == "__main__":
    sys.exit(main())
