"""Days in seconds, in the demo that runs beside this command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from campaigns.cli.demo import onward, setting
from campaigns.cli.demo.waiting import NothingMovesError
from orchestrator import clock

MOST_DAYS = 60


class Command(BaseCommand):
    help = "Let days pass in the running demo: usage comes in, people read, click, upgrade; your campaigns get results."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int, help=f"How many days (1 to {MOST_DAYS}).")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.VAR) / "demo"
        if not 1 <= options["number"] <= MOST_DAYS:
            raise CommandError(f"Say a number of days from 1 to {MOST_DAYS}.", returncode=2)
        if setting.MARK not in os.environ:
            raise CommandError("No demo runs in this folder. Start it with `make demo`, then come back.", returncode=3)
        chosen = setting.DemoSetting(**json.loads((folder / "setting.json").read_text()))
        try:
            with _bars() as bars:
                onward.go_on(setting=chosen, folder=folder, number=options["number"], progress=_mover(bars))
        except (NothingMovesError, OSError) as error:
            raise CommandError(f"The demo stopped moving: {error}", returncode=1) from error
        self.stdout.write(f"It is now {clock.utcnow():%-d %B %Y, %H:%M} UTC in the demo.")


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:<30}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _mover(bars: Progress) -> Any:
    tasks: dict[str, TaskID] = {}

    def move(title: str, done: int, of: int) -> None:
        if title not in tasks:
            tasks[title] = bars.add_task(title, total=of)
        bars.update(tasks[title], completed=done, total=of)

    return move
