"""The e-mail provider of a stand, in a process of its own: the sandbox with people who do nothing but receive.

    python -m tests.faults.provider PORT PRODUCT_BASE SEED

Its reports are signed, some come twice, late or out of order; `processed` is the evidence that a mail was taken.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import date

from orchestrator.sandbox import company, server
from orchestrator.sandbox.world import EventNoise, Habits, World

# Who opens and clicks has no part in these runs; addresses that bounce do: a bounce is evidence, too.
QUIET = Habits(
    opens=0.0,
    machine_opens=0.02,
    curious_clicks=0.0,
    declines=0.0,
    one_click_unsubscribes=0.0,
    page_unsubscribes=0.0,
    provider_unsubscribes=0.0,
    complaints=0.0,
    scanned_domains=0.0,
    sms_landlines=0.0,
    sms_dead_numbers=0.0,
    sms_unreachable=0.0,
    sms_blocked=0.0,
    sms_filtered=0.0,
)
# At most seven seconds late: the evidence window of these runs is ten.
NOISE = EventNoise(repeated=0.1, late=0.1, latest_hours=7 / 3600)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port, product, seed = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    server.serve(
        ready=lambda base: print(base, flush=True),
        port=port,
        product_base=product,
        company=company.generate(seed=seed, accounts=1, days=1, until=date(2026, 3, 1)),
        world=World(seed=seed, habits=QUIET, noise=NOISE),
        stripe_webhook_secret="whsec_faults",
        sendgrid_private_key=os.environ["FAULTS_SENDGRID_PRIVATE_KEY"],
    )


if __name__ == "__main__":
    main()
