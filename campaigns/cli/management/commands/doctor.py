from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from campaigns.analytics import stalls
from campaigns.cli import switched_off
from campaigns.console import stall_words
from campaigns.delivery import switch
from campaigns.operations import diagnosis
from campaigns.operations.findings import Finding, Level
from orchestrator import clock

SENDING = "Sending"
MARKS = {Level.GOOD: "  ok  ", Level.NOTE: " note ", Level.WRONG: "WRONG "}


class Command(BaseCommand):
    help = (
        "Examine services, migrations, workers, clock, keys, webhooks and translations. Status 1: something is wrong."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object per finding instead of words")

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = list(diagnosis.examine(wall_now=clock.wall_now()))
        if Finding(Level.GOOD, "Migrations", "all applied.") in findings:
            findings += [self._sending(), *self._stalled()]
        for finding in findings:
            words = json.dumps(asdict(finding)) if options["json"] else self._line(finding)
            self.stdout.write(words)
        wrong = sum(finding.level is Level.WRONG for finding in findings)
        said = f"Wrong: {wrong} of {len(findings)}." if wrong else "Nothing is wrong."
        is_off = any(finding.about == SENDING and finding.level is Level.NOTE for finding in findings)
        self.stderr.write(f"{said} Worth a look: sending is off." if is_off else said)
        sys.exit(1 if wrong else 0)

    def _sending(self) -> Finding:
        """Off is a note, never wrong: a person decided it, or has to, and either way knows of it."""
        now = clock.utcnow()
        standing = switch.read_standing()
        if off := switched_off.say(standing, now=now):
            return Finding(Level.NOTE, SENDING, off)
        if standing.at is None or standing.by == switch.OURSELVES:
            return Finding(Level.GOOD, SENDING, "on.")
        why = f": {standing.reason}" if standing.reason else ""
        return Finding(Level.GOOD, SENDING, f"on since {standing.at:%Y-%m-%d %H:%M} UTC, by {standing.by}{why}.")

    def _stalled(self) -> list[Finding]:
        """One for each campaign, channel and reason; what somebody wanted so is only noted."""
        now, wall_now = clock.utcnow(), clock.wall_now()
        about = "What stands still"
        with translation.override("en"):
            found = [
                Finding(
                    Level.NOTE if one.is_quiet else Level.WRONG,
                    about,
                    f"{one.campaign}: {stall_words.title(one)}. {stall_words.detail(one, now=now, wall_now=wall_now)}",
                )
                for one in stalls.find_stalls(now=now, wall_now=wall_now)
            ]
        return found or [Finding(Level.GOOD, about, f"nothing for more than {settings.STALLED_AFTER_MIN} minutes.")]

    def _line(self, finding: Finding) -> str:
        return f"{MARKS[finding.level]} {finding.about}: {finding.words}"
