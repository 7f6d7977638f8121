"""The main job on a generated company: everything real but the outside world, which is simulated."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.cli.demo import run, setting
from campaigns.operations import processes
from orchestrator import clock


class Command(BaseCommand):
    help = "Run the main job on a generated company and print what came of it; then serve the site until Ctrl-C."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop after the table.")
        parser.add_argument("--accounts", type=int, help="How many accounts the company has (default 1000).")
        parser.add_argument("--seed", type=int, help="Which company (default 1).")
        parser.add_argument("--days", type=int, default=90, help="Days of usage before the campaign.")
        parser.add_argument("--port", type=int, help="Port of the site (default 8000 if free).")
        parser.add_argument("--workers", type=int, default=2, help="Workers on the queue `now`.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.VAR) / "demo"
        try:
            processes.refuse_second(var=Path(settings.VAR))
            chosen = setting.open_setting(
                folder=folder,
                seed=options["seed"],
                accounts=options["accounts"],
                days=options["days"],
                port=options["port"],
                now=clock.utcnow(),
            )
        except setting.DemoMismatchError as error:
            raise CommandError(str(error), returncode=2) from error
        except processes.AlreadyRunningError as error:
            raise CommandError(str(error), returncode=3) from error
        if setting.MARK not in os.environ:
            # Settings are read at import: start again with the sandbox as the outside world.
            os.environ.update(chosen.environment())
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  (this very program)
        is_closed = run.run_demo(setting=chosen, folder=folder, is_once=options["once"], workers=options["workers"])
        if not is_closed:
            sys.exit(1)
