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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults import bars, chaos, scenarios
from tests.faults.bars import Row
from tests.faults.stand import ROOT, Stand, standing

BATCH = 200
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
    parser.add_argument("--only", action="append", choices=sorted(ROWS), help="this row; may be repeated")
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
    freezes = max(1, round(8 * given.scale))
    figures = scenarios.frozen(stand, campaign="frozen", messages=2500 * freezes, freezes=freezes)
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
        stand, "redis", campaign="redis", messages=round(10_000 * given.scale), seconds=seconds
    )
    return bars.redis_row(figures, stand, seconds)


def run_postgres(stand: Stand, given: argparse.Namespace) -> Row:
    seconds = 30 * given.scale
    figures = scenarios.service_away(
        stand, "postgres", campaign="postgres", messages=round(10_000 * given.scale), seconds=seconds
    )
    return bars.postgres_row(figures, stand, seconds)


def run_bad_day(stand: Stand, given: argparse.Namespace) -> Row:
    figures = scenarios.bad_day(
        stand, campaign="bad-day", messages=round(5000 * given.scale), seconds=max(10, 300 * given.scale)
    )
    return bars.bad_day_row(figures, stand)


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
    "bad-day": run_bad_day,
    "capped": run_capped,
    "deployed": run_deployed,
}


def run_row(name: str, given: argparse.Namespace, folder: Path) -> Row:
    """On a stand of its own, so that no row inherits the troubles of another."""
    load = os.getloadavg()[0]
    began = time.monotonic()
    batch = BATCH if given.batches else 1
    with standing(folder / name, workers=given.workers, batch=batch, seed=given.seed) as stand:
        row = ROWS[name](stand, given)
    key = f"{name}-batches-{given.seed}" if given.batches else f"{name}-{given.seed}"
    size = "full" if given.scale >= 1 and (name != "chaos" or given.messages >= FULL) else "smaller"
    about: dict[str, Any] = {"key": key, "size": size, "seed": given.seed, "batch": batch, "workers": given.workers}
    row.about |= about | {"load_before": round(load, 1), "seconds": round(time.monotonic() - began)}
    return row


def main() -> int:
    given = arguments()
    results = ROOT / "var" / "faults.json"
    results.parent.mkdir(exist_ok=True)
    known: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    missed = 0
    with tempfile.TemporaryDirectory(prefix="crescendo-faults-") as scratch:
        for name in given.only or ROWS:
            row = run_row(name, given, given.folder or Path(scratch))
            print(json.dumps(row.line(), ensure_ascii=False), flush=True)
            missed += not row.is_met
            known[row.about["key"]] = row.line()
            results.write_text(json.dumps(known, ensure_ascii=False, indent=1))
            if given.write:
                bars.write_document(given.write, known)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
