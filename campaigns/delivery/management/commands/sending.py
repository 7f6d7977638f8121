from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from campaigns.delivery import selectors, switch
from campaigns.operations.models import SendSwitch
from orchestrator import clock


class Command(BaseCommand):
    help = "The global send switch. `sending off` returns when no new message can be on its way."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["on", "off", "status"])
        parser.add_argument("--by", default="", help="Who decides; recorded. Needed for on and off.")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] != "status":
            if not options["by"]:
                self.stderr.write("Say who decides: --by NAME. Nothing was changed.")
                raise SystemExit(2)
            switch.set_switch(
                is_on=options["what"] == "on", by=options["by"], reason=options["reason"], now=clock.utcnow()
            )
        row = SendSwitch.objects.filter(pk=1).first()
        state = {
            "sending": "on" if selectors.is_sending_on() else "off",
            "by": row.changed_by if row else None,
            "at": row.changed_at.isoformat() if row else None,
            "reason": row.reason if row else "",
            "open_messages": selectors.open_messages(),
        }
        self.stdout.write(json.dumps(state))
