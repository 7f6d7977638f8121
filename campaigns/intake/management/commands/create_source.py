from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.intake import sources
from orchestrator import clock


class Command(BaseCommand):
    help = "Make a source of usage; prints its write key and signing secret, this once, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--write-key", help="use this key instead of a new one")
        parser.add_argument("--signing-secret", help="use this secret (whsec_ and base64) instead of a new one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            created = sources.create_source(
                name=options["name"],
                now=clock.utcnow(),
                write_key=options["write_key"],
                signing_secret=options["signing_secret"],
            )
        except sources.SourceError as error:
            raise CommandError(str(error), returncode=2) from None
        keys = {"write_key": created.write_key, "signing_secret": created.signing_secret}
        self.stdout.write(json.dumps({"source": created.source.slug, **keys}))
