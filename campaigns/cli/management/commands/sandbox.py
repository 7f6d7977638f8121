"""The simulated outside world as a process: SendGrid, Twilio, HubSpot, Stripe and the people behind the addresses."""

from __future__ import annotations

import os
import signal
import sys
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from orchestrator import clock
from orchestrator.sandbox import company as companies
from orchestrator.sandbox import server
from orchestrator.sandbox.world import World


class Command(BaseCommand):
    help = "Serve the simulated outside world on 127.0.0.1 until interrupted."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8100)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--accounts", type=int, default=1000)
        parser.add_argument("--days", type=int, default=90, help="Days of usage history.")
        parser.add_argument("--until", help="Last day of history, ISO date (default: yesterday).")
        parser.add_argument("--product", default=settings.PUBLIC_BASE_URL, help="Where webhooks go.")
        parser.add_argument("--sink", action="store_true", help="Answer only: no events, no reactions.")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        yesterday = clock.utcnow().date() - timedelta(days=1)
        until = date.fromisoformat(options["until"]) if options["until"] else yesterday
        server.serve(
            ready=lambda base: self.stdout.write(f"The sandbox answers at {base}."),
            port=options["port"],
            product_base=options["product"],
            company=companies.generate(
                seed=options["seed"], accounts=options["accounts"], days=options["days"], until=until
            ),
            world=World(seed=options["seed"]),
            stripe_webhook_secret=settings.STRIPE_WEBHOOK_SECRET or "whsec_sandbox",
            sendgrid_private_key=os.environ.get("SANDBOX_SENDGRID_PRIVATE_KEY"),
            twilio_auth_token=settings.TWILIO_AUTH_TOKEN or "sandbox",
            in_app_secret=os.environ.get("SANDBOX_IN_APP_SECRET", ""),
            sink=options["sink"],
        )
