"""Does the interval hold what it promises? The whole demo over many seeds, each held against the sandbox's truth.

    python benchmarks/coverage.py [--seeds 20] [--accounts 2000] [--days 30] [--side-by-side 1] [--write FILE.md]

Every seed is a company of its own in a data folder of its own (var/coverage), through the real processes. Seeds
already done are not run again. Prints one JSON line per seed and one for all; exit status 1 if fewer than 16
in 20 hold or a sum does not close.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NEEDED_SHARE = 16 / 20


def main() -> int:
    options = _options()
    seeds = range(1, options.seeds + 1)
    with ThreadPoolExecutor(options.side_by_side) as pool:
        rows = list(pool.map(lambda seed: run_seed(seed=seed, accounts=options.accounts, days=options.days), seeds))
    total = summarise(rows=rows, accounts=options.accounts, days=options.days)
    print(json.dumps(total))
    if options.write:
        Path(options.write).write_text(as_markdown(rows=rows, total=total))
    return 0 if total["covered"] >= NEEDED_SHARE * len(rows) and total["closed"] == len(rows) else 1


def run_seed(*, seed: int, accounts: int, days: int) -> dict[str, Any]:
    var = ROOT / "var" / "coverage" / f"{accounts}-{seed}"
    result = var / "demo" / "result.json"
    seconds = 0.0
    if not result.exists():
        var.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        command = [
            sys.executable, "manage.py", "demo", "--once", "--seed", str(seed), "--accounts", str(accounts),
            "--days", str(days),
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name != "CLOCK_OFFSET"}
        with (var / "demo.out").open("w") as out:
            subprocess.run(
                command, cwd=ROOT, env={**environment, "CRESCENDO_VAR": str(var)}, stdout=out, stderr=out, check=False
            )
        seconds = time.monotonic() - started
    if not result.exists():
        raise SystemExit(f"Seed {seed} gave no result: see {var / 'demo.out'}.")
    row = read_row(seed=seed, report=json.loads(result.read_text()), seconds=seconds)
    print(json.dumps(row), flush=True)
    return row


def read_row(*, seed: int, report: dict[str, Any], seconds: float) -> dict[str, Any]:
    seats = report["campaigns"][0]
    money, arms = seats["money"], {arm["arm"]: arm for arm in seats["arms"]}
    return {
        "seed": seed,
        "audience": seats["ledger"]["accounts"]["audience"],
        "holdout": arms["holdout"]["assigned"],
        "holdout_upgraded": arms["holdout"]["upgraded"],
        "estimate": money["incremental"],
        "low": money["low"],
        "high": money["high"],
        "anytime_low": money["anytime_low"],
        "anytime_high": money["anytime_high"],
        "true": money["true"],
        "is_clear": money["is_clear"],
        "covers": money["covers_truth"],
        "anytime_covers": money["anytime_low"] <= money["true"] <= money["anytime_high"],
        "closed": report["is_closed"],
        "verdict": money["verdict"],
        "seconds": round(seconds),
    }


def summarise(*, rows: list[dict[str, Any]], accounts: int, days: int) -> dict[str, Any]:
    return {
        "seeds": len(rows),
        "accounts": accounts,
        "days": days,
        "covered": sum(row["covers"] for row in rows),
        "anytime_covered": sum(row["anytime_covers"] for row in rows),
        "clear": sum(row["is_clear"] for row in rows),
        "closed": sum(row["closed"] for row in rows),
        "machine": f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}",
    }


def as_markdown(*, rows: list[dict[str, Any]], total: dict[str, Any]) -> str:
    lines = [
        "# Does the interval hold?",
        "",
        f"The demo over {total['seeds']} seeds at {total['accounts']} accounts and {total['days']} days of usage,",
        "through the real processes, held against the sandbox's known truth. `make coverage-seeds` runs it again.",
        "",
        f"**{total['covered']} of {total['seeds']}** fixed 95 % intervals of incremental MRR cover the truth; "
        f"**{total['anytime_covered']}** of the anytime intervals do.",
        f"All sums closed in {total['closed']} of {total['seeds']} runs. Machine: {total['machine']}.",
        "",
        "| seed | audience | held out | upgraded | estimate | low | high | any low | any high | truth | covers |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        money = " | ".join(
            f"{row[key]:,.0f}" for key in ("estimate", "low", "high", "anytime_low", "anytime_high", "true")
        )
        lines.append(
            f"| {row['seed']} | {row['audience']} | {row['holdout']} | {row['holdout_upgraded']} | {money} "
            f"| {'yes' if row['covers'] else 'no'} |"
        )
    return "\n".join(lines) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--side-by-side", type=int, default=1)
    parser.add_argument("--write", help="Write the table to this file.")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
