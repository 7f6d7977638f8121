from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.intake import stats
from campaigns.intake.models import Source


class Command(BaseCommand):
    help = "What became of the events that came, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", help="of this source alone")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = stats.count_events(source=options["source"])
        except Source.DoesNotExist:
            raise CommandError(f"There is no source {options['source']}.", returncode=2) from None
        self.stdout.write(json.dumps(counts))
