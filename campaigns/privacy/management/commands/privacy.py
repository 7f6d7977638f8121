"""`manage.py privacy export|object|erase CONTACT`: what the law lets a person ask for, by the contact's id."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.consent import on_behalf
from campaigns.privacy import erase, export
from campaigns.profiles import lookup
from orchestrator import clock

WRONG_INPUT = 2
_BY = "manage.py"


class Command(BaseCommand):
    help = "Export everything held about a contact, record an objection to all marketing, or erase the contact."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["export", "object", "erase"])
        parser.add_argument("contact", help="the contact's id, as its source has it")
        parser.add_argument("--yes", action="store_true", help="erase without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        contact_id = lookup.contact_ids(external_ids=[options["contact"]]).get(options["contact"])
        if contact_id is None:
            self.stderr.write("There is no such contact.")
            sys.exit(WRONG_INPUT)
        now = clock.utcnow()
        if options["what"] == "export":
            self.stdout.write(json.dumps(export.export_contact(contact_id=contact_id, now=now), ensure_ascii=False))
        elif options["what"] == "object":
            on_behalf.record_opt_out(contact_id=contact_id, by=_BY, how=on_behalf.How.OTHER, now=now)
            self.stdout.write("Recorded: no marketing on any channel.")
        elif options["yes"] or self._is_sure(options["contact"]):
            done = erase.erase_contact(contact_id=contact_id, by=_BY, now=now)
            self.stdout.write("Erased." if done else "That contact was erased before.")

    def _is_sure(self, name: str) -> bool:
        self.stdout.write("This cannot be undone. Type the contact's id to erase it: ", ending="")
        self.stdout.flush()
        return sys.stdin.readline().strip() == name
