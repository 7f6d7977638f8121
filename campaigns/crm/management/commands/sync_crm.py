from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.crm import connect, sync
from campaigns.crm.models import CrmConnection, SyncRun
from orchestrator import clock
from orchestrator.connectors import registry
from orchestrator.connectors.contract import ConnectorError
from orchestrator.jobs import bells


class Command(BaseCommand):
    help = "Pull accounts, contacts, memberships, consents and tickets from a CRM; prints JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection", help="its name, for example hubspot")
        parser.add_argument("--full", action="store_true", help="read everything again, not only what changed")
        parser.add_argument("--setup", action="store_true", help="create our upsell_* properties in the CRM first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            connection = connect.find_connection(slug=options["connection"])
        except CrmConnection.DoesNotExist:
            raise CommandError(
                f"No connection is named {options['connection']}: set its key (for HubSpot: HUBSPOT_ACCESS_TOKEN).",
                returncode=2,
            ) from None
        answer: dict[str, Any] = {"connection": connection.slug}
        if options["setup"]:
            answer["created_properties"] = self._set_up(connection)
        run = sync.sync_connection(connection=connection, full=options["full"], now=clock.utcnow(), progress=self._tell)
        bells.ring("profiles_changed")
        bells.ring("usage_rolled" if sync.has_news(run=run) else "segments_due")
        self.stdout.write(json.dumps(answer | {"state": run.state, **run.counts}))
        if run.state == SyncRun.State.FAILED:
            raise CommandError(f"The sync failed: {run.error}", returncode=1)

    def _set_up(self, connection: CrmConnection) -> list[str]:
        try:
            return registry.crm(connection.kind).set_up()
        except ConnectorError as error:
            raise CommandError(f"The properties could not be created: {error}", returncode=1) from None

    def _tell(self, kind: str, taken: int) -> None:
        self.stderr.write(f"{kind}: {taken} records")
