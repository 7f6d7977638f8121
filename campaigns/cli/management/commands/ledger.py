"""`manage.py ledger SLUG [--messages] [--words]`: where everybody and everything of a campaign is, as JSON.

Its codes are keys for programs; with `--words` a person reads what they mean."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.console import ledger_words
from campaigns.sequences import selectors
from campaigns.sequences.models import Campaign
from orchestrator import clock

WRONG_INPUT = 2
MOST_NAMED = 30


class Command(BaseCommand):
    help = "Print a campaign's ledger as JSON, or its messages as JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--messages", action="store_true", help="one JSON line per message, with addresses")

        parser.add_argument("--words", action="store_true", help="what the codes mean, for reading")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = selectors.by_slug(slug=options["slug"])
        if campaign is None:
            self.stderr.write(f"There is no campaign {options['slug']!r}. {_there_are()}")
            sys.exit(WRONG_INPUT)
        if options["messages"]:
            for line in selectors.ledger_messages(campaign=campaign):
                self.stdout.write(json.dumps(line | (_why(line) if options["words"] else {}), ensure_ascii=False))
            return
        told = selectors.ledger(campaign=campaign, now=clock.utcnow())
        if options["words"]:
            self.stdout.write("\n".join(ledger_words.tell(told)))
            return
        self.stdout.write(json.dumps(told, ensure_ascii=False))


def _why(line: Mapping[str, Any]) -> dict[str, str]:
    return {"why": ledger_words.why_not_sent(line)}


def _there_are() -> str:
    """Those changed last first: what somebody looks for is usually new."""
    slugs = list(Campaign.objects.order_by("-changed_at", "-pk").values_list("slug", flat=True))
    if not slugs:
        return "There is none yet: `manage.py campaign apply FILE.json` makes one."
    more = f" and {len(slugs) - MOST_NAMED} more" if len(slugs) > MOST_NAMED else ""
    return f"There are: {', '.join(slugs[:MOST_NAMED])}{more}."
