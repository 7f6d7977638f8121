from __future__ import annotations

import json
import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.delivery import feedback
from orchestrator import clock
from orchestrator.channels.events import DeliveryEvent
from orchestrator.channels.sendgrid import feedback as sendgrid
from orchestrator.channels.sendgrid.feedback import Problem
from orchestrator.jobs import bells
from orchestrator.webhooks import contract, signatures
from orchestrator.webhooks.contract import SignedRequest, Webhook

log = logging.getLogger(__name__)

type Parsed = tuple[list[DeliveryEvent], list[Problem]]


@csrf_exempt
@require_POST
def sendgrid_events(request: HttpRequest) -> HttpResponse:
    """SendGrid's reports: verified on the raw bytes and stored. Opt-outs among them are in force when this answers."""
    response = contract.receive(request, _SENDGRID)
    if response.status_code == 200:
        bells.ring("feedback_stored")
    return response


def _verify(signed: SignedRequest) -> None:
    signatures.verify_sendgrid(
        body=signed.body, headers=signed.headers, public_key=settings.SENDGRID_WEBHOOK_PUBLIC_KEY
    )


def _store(parsed: Parsed) -> None:
    events, problems = parsed
    for problem in problems:
        log.warning("a report was not understood: %s", problem.reason, extra={"vendor": sendgrid.PROVIDER})
    feedback.store_events(
        events=events,
        unreadable=[
            feedback.Unreadable(key=feedback.unreadable_key(_as_bytes(problem.raw)), reason=problem.reason)
            for problem in problems
        ],
        provider=sendgrid.PROVIDER,
        now=clock.utcnow(),
        wall_now=clock.wall_now(),
    )


def _as_bytes(raw: object) -> bytes:
    return json.dumps(raw, sort_keys=True).encode()


_SENDGRID: Webhook[Parsed] = Webhook(
    vendor=sendgrid.PROVIDER, verify=_verify, parse=sendgrid.parse_events, apply=_store
)
