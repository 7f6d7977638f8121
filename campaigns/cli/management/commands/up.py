from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from campaigns.operations import supervise

REFUSED = 3
RELOAD_EVERY_S = 1.0
HINT_AFTER_S = 20.0


class Command(BaseCommand):
    help = "Run Crescendo: web, workers and cron, supervised, on the configured or embedded services. Ctrl-C stops all."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--workers", type=int, default=2, help="workers on the queue `now`; one on `bulk` is added")
        parser.add_argument("--web", type=int, default=2, help="web processes, of 8 threads each")
        parser.add_argument("--no-migrate", action="store_true", help="start on the database as it is")
        parser.add_argument("--no-workers", action="store_true", help="you run `manage.py rqworker now|bulk` yourself")

        parser.add_argument("--reload", action="store_true", help="begin anew whenever a source file changes")

    def handle(self, *_args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            supervise.refuse_if_busy(host=options["host"], port=options["port"])
            if not options["no_migrate"]:
                call_command("migrate", interactive=False, verbosity=1, stdout=self.stderr, skip_checks=True)
            with supervise.running(
                host=options["host"],
                port=options["port"],
                workers=None if options["no_workers"] else options["workers"],
                web=options["web"],
            ) as site:
                url = f"http://{options['host']}:{options['port']}"
                self.stderr.write(f"Starting on {url}; logs in {Path(settings.VAR) / 'log'}. Ctrl-C stops everything.")
                self._await_ready(options["port"])
                self.stdout.write(json.dumps({"ready": url}))
                self.stdout.flush()
                _serve(site, is_reloading=options["reload"])
        except (supervise.AlreadyRunningError, supervise.PortTakenError) as error:
            self.stderr.write(str(error))
            sys.exit(REFUSED)
        except SystemExit as leaving:
            # Asked to end before it was ready: that is no failure.
            sys.exit(0 if leaving.code in {128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP} else 1)
        self.stderr.write("Everything is stopped.")

    def _await_ready(self, port: int) -> None:
        while True:
            try:
                return supervise.await_ready(port=port, patience_s=HINT_AFTER_S)
            except supervise.NotReadyError as error:
                self.stderr.write(f"{error} More in {Path(settings.VAR) / 'log'}.")


def _serve(site: supervise.Supervisor, *, is_reloading: bool) -> None:
    seen = _newest_source()
    while not site.wait(RELOAD_EVERY_S if is_reloading else None):
        newest = _newest_source()
        if newest != seen:
            seen = newest
            site.restart()


def _newest_source() -> float:
    folders = ("campaigns", "orchestrator")
    return max(file.stat().st_mtime for name in folders for file in (Path(settings.ROOT) / name).rglob("*.py"))
