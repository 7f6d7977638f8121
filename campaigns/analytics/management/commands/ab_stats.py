"""`manage.py ab_stats INPUT.json [--output OUT.json]`: statistics of tests that were collected elsewhere."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from orchestrator.stats import external

WRONG_INPUT = 2


class Command(BaseCommand):
    help = "Compute A/B statistics for the cases of a JSON file; prints JSON by case id."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("input", type=Path, help='{"cases": [{"id", "kind", "input"}, ...]}')
        parser.add_argument("--output", type=Path, help="write there instead of to standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            results = external.compute(_read_cases(options["input"]))
        except (external.BadCaseError, OSError) as error:
            self.stderr.write(str(error))
            sys.exit(WRONG_INPUT)
        text = json.dumps(results, indent=2, ensure_ascii=False)
        if options["output"]:
            options["output"].write_text(text + "\n", encoding="utf-8")
        else:
            self.stdout.write(text)


def _read_cases(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise external.BadCaseError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("cases"), list):
        raise external.BadCaseError(f'{path} needs {{"cases": [...]}}.')
    return document["cases"]
