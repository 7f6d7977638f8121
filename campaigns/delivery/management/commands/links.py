from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from campaigns.delivery import selectors
from campaigns.delivery.models import Message


class Command(BaseCommand):
    help = "Print the links of a message as JSON. They act for a person, so this is refused in production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("message", help="The message's uuid, as in the ledger.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SETTINGS_MODULE.endswith(".production"):
            self._refuse("Links act for the person they were sent to: this command does not run in production.", 3)
        try:
            found = selectors.links_of_message(uuid=UUID(options["message"]))
        except ValueError:
            self._refuse("That is no message uuid.", 2)
        except Message.DoesNotExist:
            self._refuse("There is no message with this uuid.", 2)
        else:
            self.stdout.write(json.dumps(found))

    def _refuse(self, words: str, status: int) -> None:
        self.stderr.write(words)
        raise SystemExit(status)
