"""Life goes on after the table: more days for the running demo, with their usage, for the campaigns started since."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from campaigns.cli.demo import days, load
from campaigns.cli.demo.outside import Outside
from campaigns.cli.demo.setting import DemoSetting
from orchestrator import clock
from orchestrator.sandbox import company as companies

SENT = "usage_sent.json"


def go_on(*, setting: DemoSetting, folder: Path, number: int, progress: Callable[[str, int, int], None]) -> None:
    """Let `number` days pass. The usage of the days since the last run comes in first, then day by day.

    Raises NothingMovesError where the demo's processes stand still, OSError where they are gone.
    """
    company = companies.generate(
        seed=setting.seed, accounts=setting.accounts, days=setting.days, until=setting.last_day
    )
    outside = Outside(setting)
    outside.idle()
    _send(setting, company, folder, lambda done, of: progress("Usage of the days since", done, of))
    days.settle(outside=outside)
    for day in range(1, number + 1):
        days.pass_days(until=clock.utcnow() + timedelta(days=1), outside=outside, progress=lambda at: None)
        _send(setting, company, folder, lambda done, of: None)
        days.settle(outside=outside)
        progress("Days", day, number)


def _send(setting: DemoSetting, company: companies.Company, folder: Path, progress: load.Progress) -> None:
    """What was used on the whole days that were not sent yet. Sent twice after a crash, it counts once."""
    file = folder / SENT
    last = date.fromisoformat(json.loads(file.read_text())["until"]) if file.exists() else setting.last_day
    yesterday = clock.utcnow().date() - timedelta(days=1)
    missing = [last + timedelta(days=number) for number in range(1, (yesterday - last).days + 1)]
    if not missing:
        return
    load.send_usage(setting=setting, company=company, days=missing, progress=progress)
    file.write_text(json.dumps({"until": missing[-1].isoformat()}))
