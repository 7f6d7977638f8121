from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.api import keys
from campaigns.api.models import ApiKey
from orchestrator import clock


class Command(BaseCommand):
    help = "Make a key of the JSON API; prints it, this once, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who calls with it")
        parser.add_argument("--role", required=True, type=str.upper, choices=ApiKey.Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            created = keys.create_key(name=options["name"], role=options["role"], by="command line", now=clock.utcnow())
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        answer = {"name": created.api_key.name, "role": created.api_key.role.lower(), "key": created.secret}
        self.stdout.write(json.dumps(answer))
