"""The demo from empty database to printed table, in the order a new customer would go through it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from campaigns.billing.models import Subscription
from campaigns.cli.demo import chosen, days, load, result, table
from campaigns.cli.demo.outside import Outside
from campaigns.cli.demo.setting import DemoSetting
from campaigns.cli.demo.waiting import wait_for
from campaigns.crm.models import WriteBack
from campaigns.operations import partitions, statistics, supervise
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.sequences import apply, launch
from campaigns.sequences.models import Campaign
from campaigns.usage.models import UsageDaily, UsageEvent
from orchestrator import clock
from orchestrator.sandbox import company as companies

# One day more than the goal's window: every account has had its full 14 days.
RUNS_FOR = timedelta(days=15)
PERSON = "demo"
# Longer than a write-back's lease.
WRITE_BACK_PATIENCE_S = 180.0


def run_demo(*, setting: DemoSetting, folder: Path, is_once: bool, workers: int) -> bool:
    """True when every sum closed. Starts and stops all processes it needs."""
    console = Console(width=None if sys.stdout.isatty() else 100)
    company = companies.generate(
        seed=setting.seed, accounts=setting.accounts, days=setting.days, until=setting.last_day
    )
    outside = Outside(setting)
    call_command("migrate", verbosity=0)
    # Before any worker writes: a new partition locks the table that its events go to.
    partitions.make_months(now=clock.utcnow(), back=6)
    with supervise.running(
        port=setting.port, workers=workers, extra={"sandbox": _sandbox_command(setting)}, wait_until_ready=True
    ) as site:
        outside.wait_until_up()
        password = _make_person()
        with Progress(
            TextColumn("{task.description:<44}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        ) as progress:
            _bring_in(setting=setting, company=company, outside=outside, progress=progress)
            launched = _launch(setting=setting, progress=progress)
            outside.begin()
            _pass_days(started=launched[0].launched_at, outside=outside, progress=progress)
        witness = result.hear_witness(outside=outside, file=folder / "witness.json")
        report = result.collect(campaigns=launched, witness=witness, now=clock.utcnow())
        (folder / "result.json").write_text(json.dumps(report, indent=1, default=str))
        table.print_report(console=console, report=report)
        if not is_once:
            console.print(
                f"\nThe site is at [bold]{setting.product_base}/admin/[/bold], name {PERSON}, password {password}."
            )
            console.print(f"The customer's own application: {setting.sandbox_base}/app/")
            console.print(
                "To let days pass for campaigns of your own, in a second terminal: "
                "[bold].venv/bin/python manage.py pass_days 15[/bold]"
            )
            console.print("Ctrl-C stops everything.")
            site.wait()
    return bool(report["is_closed"])


def _sandbox_command(setting: DemoSetting) -> dict[str, Any]:
    """The sandbox's own process. Its secrets go by environment: a command line is visible to everybody."""
    command = [
        sys.executable, "manage.py", "sandbox", "--port", str(setting.sandbox_port), "--seed", str(setting.seed),
        "--accounts", str(setting.accounts), "--days", str(setting.days), "--until", setting.until,
        "--product", setting.product_base,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "SANDBOX_SENDGRID_PRIVATE_KEY": setting.sendgrid_private_key,
        "SANDBOX_IN_APP_SECRET": setting.signing_secret,
    }
    return {"command": command, "environment": environment}


def _make_person() -> str:
    """A staff member to log in as; the password is new on each run and shown once."""
    password = secrets.token_urlsafe(9)
    model = get_user_model()
    person, _ = model.objects.get_or_create(
        username=PERSON, defaults={"is_staff": True, "is_superuser": True, "email": "demo@harbourline.example"}
    )
    person.set_password(password)
    person.save(update_fields=["password"])
    return password


@contextmanager
def _bar(progress: Progress, title: str, total: int | None = None) -> Iterator[Any]:
    task = progress.add_task(title, total=total)

    def move(done: int, of: int) -> None:
        progress.update(task, completed=done, total=of)

    yield move
    known = progress.tasks[task].total or 1
    progress.update(task, completed=known, total=known)


def _bring_in(*, setting: DemoSetting, company: companies.Company, outside: Outside, progress: Progress) -> None:
    if Campaign.objects.filter(slug=chosen.ALL[0].slug, launched_at__isnull=False).exists():
        return
    now = clock.utcnow()
    load.load_catalogue(company=company, now=now)
    load.open_source(setting=setting, now=now)
    with _bar(progress, "Pulling accounts and contacts from the CRM") as move:
        load.pull_crm(company=company, now=now, progress=move)
    with _bar(progress, "Subscriptions by billing webhooks") as move:
        load.announce_billing(outside=outside, company=company, progress=move)
    with _bar(progress, f"{setting.days} days of usage by the official client") as move:
        load.send_usage(setting=setting, company=company, days=list(company.history()), progress=move)
    with _bar(progress, "Taking the usage in") as move:
        load.wait_for_intake(progress=move)
    statistics.renew_statistics(Account, Contact, Membership, Subscription, UsageDaily, UsageEvent)
    with _bar(progress, "Noticing who crossed 80 %", total=1):
        days.settle(outside=outside)


def _launch(*, setting: DemoSetting, progress: Progress) -> list[Campaign]:
    wanted = chosen.choose(days=setting.days)
    with _bar(progress, "Launching the campaigns", total=len(wanted)) as move:
        now = clock.utcnow()
        for number, one in enumerate(wanted, start=1):
            if not Campaign.objects.filter(slug=one.slug, launched_at__isnull=False).exists():
                apply.apply_campaign(document=one.document(), by=PERSON, now=now)
                # The draw is part of what a seed fixes.
                entry = Campaign.objects.get(slug=one.slug)
                launch.launch(campaign=entry, by=PERSON, now=now, salt=f"{one.slug}-{setting.seed}")
            move(number, len(wanted))
    return [Campaign.objects.get(slug=one.slug) for one in wanted]


def _pass_days(*, started: datetime | None, outside: Outside, progress: Progress) -> None:
    assert started is not None
    until = started + RUNS_FOR
    total = int(RUNS_FOR.total_seconds() // 3600)
    with _bar(progress, "15 days of the campaigns, in hours") as move:
        days.settle(outside=outside)
        days.pass_days(
            until=until,
            outside=outside,
            progress=lambda at: move(min(total, int((at - started).total_seconds() // 3600)), total),
        )
    with _bar(progress, "Telling the CRM") as move:
        wait_for(_told, progress=move, what="write-backs", patience_s=WRITE_BACK_PATIENCE_S)


def _told() -> tuple[int, int]:
    """Write-backs done or given up, of all. One whose worker was killed is tried again when its lease is over."""
    return WriteBack.objects.exclude(state=WriteBack.State.PENDING).count(), WriteBack.objects.count()
