from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orchestrator.jobs.scheduler import BellScheduler


class Command(BaseCommand):
    help = "Ring the timetable's bells every second: manage.py rqcron campaigns.cron"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("config_path", nargs="?", default="campaigns.cron", help="module that registers the ticks")

    def handle(self, *_args: Any, **options: Any) -> None:
        scheduler = BellScheduler()
        scheduler.load_config_from_file(options["config_path"])
        scheduler.start()
