from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from campaigns.billing import catalog as plans
from campaigns.consent import topics
from campaigns.usage import catalog as meters
from orchestrator import clock
from orchestrator.jobs import bells


class Command(BaseCommand):
    help = "Plans, features, prices, quotas, meters and consent topics as one JSON document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        apply = actions.add_parser("apply", help="make the catalogue be as the file says; prints JSON")
        apply.add_argument("file", type=Path)
        actions.add_parser("export", help="print the document that would make the catalogue as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "export":
            answer = {"meters": meters.export_meters(), **plans.export_catalog(), "topics": topics.export_topics()}
            self.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False))
            return
        document = _read(options["file"])
        try:
            with transaction.atomic():
                answer = {
                    "meters": meters.apply_meters(meters=document.get("meters", [])),
                    "plans": plans.apply_catalog(document=document, now=clock.utcnow()).as_json(),
                    "topics": topics.apply_topics(topics=document.get("topics", [])),
                }
        except (plans.CatalogError, meters.MeterError, topics.TopicError) as error:
            raise CommandError(
                json.dumps({"error": {"path": error.path, "message": error.message}}), returncode=2
            ) from None
        bells.ring("profiles_changed")
        bells.ring("segments_due")
        self.stdout.write(json.dumps(answer))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=2) from None
    except (ValueError, RecursionError):
        raise CommandError(f"{path} is not JSON in UTF-8.", returncode=2) from None
    if not isinstance(document, dict):
        raise CommandError(f"{path} holds no object with meters, plans and topics.", returncode=2)
    return document
