from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from campaigns.operations import diagnosis
from campaigns.operations.findings import Finding, Level
from orchestrator import clock

MARKS = {Level.GOOD: "  ok  ", Level.NOTE: " note ", Level.WRONG: "WRONG "}


class Command(BaseCommand):
    help = (
        "Examine services, migrations, workers, clock, keys, webhooks and translations. Status 1: something is wrong."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object per finding instead of words")

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = list(diagnosis.examine(wall_now=clock.wall_now()))
        for finding in findings:
            words = json.dumps(asdict(finding)) if options["json"] else self._line(finding)
            self.stdout.write(words)
        wrong = sum(finding.level is Level.WRONG for finding in findings)
        self.stderr.write(f"Wrong: {wrong} of {len(findings)}." if wrong else "Nothing is wrong.")
        sys.exit(1 if wrong else 0)

    def _line(self, finding: Finding) -> str:
        return f"{MARKS[finding.level]} {finding.about}: {finding.words}"
