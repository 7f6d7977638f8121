from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.segments import parse, preview, sessions, unseen
from campaigns.segments.errors import DefinitionError
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
            # The same moment's count and ids, whatever is written between the two questions.
            answer["ids"] = preview.ids(document=definition, now=now)
            answer["count"] = len(answer["ids"])
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
    """Business time now, or what `--now` says: ISO 8601, a bare day being its first instant in UTC."""
    if not text:
        return clock.utcnow()
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DefinitionError("--now", "Expected a moment as 2026-03-01 or 2026-03-01T10:00Z.") from error
