from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.segments import parse, preview, sessions, unseen
from campaigns.segments.errors import DefinitionError
from campaigns.segments.values import is_date
from orchestrator import clock


class Command(BaseCommand):
    help = "Count who matches a segment definition (JSON file, - for standard input)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("definition", help="file with the definition; - reads standard input")
        parser.add_argument("--ids", action="store_true", help="also list external ids, sorted by code point")
        parser.add_argument("--now", default="", help="judge as of this moment (ISO 8601, UTC unless said)")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            answer = self._preview(options["definition"], options["now"], with_ids=options["ids"])
        except DefinitionError as error:
            self.stdout.write(json.dumps({"error": {"path": error.path, "message": error.message}}, ensure_ascii=False))
            sys.exit(2)
        except sessions.SegmentTooSlow as error:
            self.stderr.write(str(error))
            sys.exit(1)
        self.stdout.write(json.dumps(answer, ensure_ascii=False))

    def _preview(self, name: str, now_text: str, *, with_ids: bool) -> dict[str, Any]:
        now = read_now(now_text)
        definition = parse.parse_definition(read_file(name))
        counted = preview.count_members(document=definition, now=now)
        answer: dict[str, Any] = {"count": counted.count}
        if with_ids:
            answer["ids"] = preview.ids(document=definition, now=now)
        answer["ms"] = counted.milliseconds
        for path, warning in unseen.find_unseen(document=definition):
            self.stderr.write(f"{path}: {warning}")
        return answer


def read_file(name: str) -> bytes:
    """Raises DefinitionError when there is no such file."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise DefinitionError("", f"The file {name} can't be read: {error.strerror}.") from error


def read_now(text: str) -> datetime:
    """Business time now, or what `--now` says."""
    if not text:
        return clock.utcnow()
    if not is_date(text):
        raise DefinitionError("--now", "Expected a moment as 2026-03-01 or 2026-03-01T10:00Z.")
    if "T" not in text:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
