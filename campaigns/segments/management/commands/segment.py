from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.segments import store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.management.commands.segment_preview import read_file
from campaigns.segments.models import Segment
from orchestrator import clock
from orchestrator.jobs import bells


class Command(BaseCommand):
    help = "Stored segments as code: apply a definition file, or export the live definition."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        apply = acts.add_parser("apply", help="make the file's definition the segment's live version")
        apply.add_argument("slug")
        apply.add_argument("file", help="JSON; - reads standard input")
        apply.add_argument("--name", default="", help="what people read; the slug when it is new and has none")
        export = acts.add_parser("export", help="print the live definition")
        export.add_argument("slug")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            answer = self._apply(options) if options["act"] == "apply" else self._export(options["slug"])
        except DefinitionError as error:
            self.stdout.write(json.dumps({"error": {"path": error.path, "message": error.message}}, ensure_ascii=False))
            sys.exit(2)
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=None if options["act"] == "apply" else 2))

    def _apply(self, options: dict[str, Any]) -> dict[str, Any]:
        slug = options["slug"]
        before = Segment.objects.filter(slug=slug).values_list("live_version_id", flat=True).first()
        version = store.save_segment(
            slug=slug,
            name=options["name"],
            definition=read_file(options["file"]),
            by="command line",
            now=clock.utcnow(),
        )
        changed = version.pk != before
        if changed:
            bells.ring("segments_due")
        return {"slug": slug, "version": version.number, "changed": changed}

    def _export(self, slug: str) -> Any:
        segment = Segment.objects.filter(slug=slug).select_related("live_version").first()
        if segment is None or segment.live_version is None:
            raise DefinitionError("", f"There is no segment {slug}.")
        return segment.live_version.definition
