from __future__ import annotations

import functools
import json
import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.delivery import feedback, feedback_inbound
from campaigns.delivery.feedback_inbound import Taken, WrittenBack
from orchestrator import clock
from orchestrator.channels.events import DeliveryEvent
from orchestrator.channels.sendgrid import feedback as sendgrid
from orchestrator.channels.sendgrid.feedback import Problem
from orchestrator.channels.twilio import feedback as twilio
from orchestrator.channels.twilio import inbound
from orchestrator.channels.twilio.inbound import IncomingText
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


@csrf_exempt
@require_POST
def twilio_status(request: HttpRequest, message: str) -> HttpResponse:
    """What became of one text message. Also of one we do not know: its number is somebody's."""
    parse = functools.partial(twilio.parse_status, message_id=message, at=clock.utcnow())
    webhook: Webhook[DeliveryEvent] = Webhook(
        vendor=twilio.PROVIDER, verify=_verify_twilio, parse=parse, apply=_store_status
    )
    response = contract.receive(request, webhook)
    if response.status_code == 200:
        bells.ring("feedback_stored")
    return response


@csrf_exempt
@require_POST
def twilio_inbound(request: HttpRequest) -> HttpResponse:
    """What somebody wrote back. A STOP is in force when this answers; the answer is TwiML."""
    said: list[str] = []
    webhook: Webhook[IncomingText] = Webhook(
        vendor=twilio.PROVIDER,
        verify=_verify_twilio,
        parse=inbound.parse_incoming,
        apply=lambda text: said.extend(_take_text(text)),
    )
    response = contract.receive(request, webhook)
    if response.status_code != 200:
        return response
    bells.ring("feedback_stored")
    return HttpResponse(inbound.answer(*said), content_type=inbound.CONTENT_TYPE)


def _verify_twilio(signed: SignedRequest) -> None:
    signatures.verify_twilio(
        body=signed.body, headers=signed.headers, uri=signed.uri, auth_token=settings.TWILIO_AUTH_TOKEN
    )


def _store_status(event: DeliveryEvent) -> None:
    feedback.store_events(events=[event], now=clock.utcnow(), wall_now=clock.wall_now())


def _take_text(text: IncomingText) -> list[str]:
    """The words of the answer, none where Twilio has answered by itself."""
    taken: Taken = feedback_inbound.take_text(
        written=WrittenBack(
            provider=twilio.PROVIDER,
            channel=twilio.CHANNEL,
            key=text.key,
            provider_id=text.sid,
            sender=text.sender,
            text=text.text,
            said=text.opt_out_type,
        ),
        now=clock.utcnow(),
        wall_now=clock.wall_now(),
    )
    words = "" if text.is_answered else feedback_inbound.answer_words(taken=taken)
    return [words] if words else []


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
