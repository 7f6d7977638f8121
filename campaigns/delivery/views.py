from __future__ import annotations

import functools
import json
import logging
from typing import BinaryIO, cast

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.delivery import feedback, feedback_inbound, feedback_mail
from campaigns.delivery.feedback_inbound import Taken, WrittenBack
from orchestrator import clock
from orchestrator.channels.events import DeliveryEvent
from orchestrator.channels.sendgrid import feedback as sendgrid
from orchestrator.channels.sendgrid import inbound as sendgrid_mail
from orchestrator.channels.sendgrid.feedback import Problem
from orchestrator.channels.twilio import feedback as twilio
from orchestrator.channels.twilio import inbound
from orchestrator.channels.twilio.inbound import IncomingText
from orchestrator.jobs import bells
from orchestrator.webhooks import contract, multipart, signatures
from orchestrator.webhooks.contract import SignedRequest, Webhook
from orchestrator.webhooks.errors import Unreadable

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


@csrf_exempt
@require_POST
def sendgrid_inbound(request: HttpRequest, secret: str) -> HttpResponse:
    """A mail to us. A no in it is in force when this answers. The address is the key: nothing else is signed."""
    if not settings.SENDGRID_INBOUND_SECRET:
        return contract.refuse(503)
    if not constant_time_compare(secret, settings.SENDGRID_INBOUND_SECRET):
        return contract.refuse(401)
    try:
        mail = sendgrid_mail.parse_mail(_read_mail(request))
        feedback_mail.take_mail(mail=mail, now=clock.utcnow(), wall_now=clock.wall_now())
    except (Unreadable, UnreadablePostError):
        log.warning("a mail was not understood", extra={"vendor": sendgrid_mail.PROVIDER})
        return contract.refuse(400)
    except (DatabaseError, InterfaceError) as error:
        log.error("a mail was not stored", extra={"vendor": sendgrid_mail.PROVIDER, "why": type(error).__name__})
        return contract.refuse(503)
    bells.ring("feedback_stored")
    return HttpResponse(status=200)


def _read_mail(request: HttpRequest) -> dict[str, str]:
    """However long the mail is: SendGrid does not bring again what was refused, and there may be a no in it."""
    fields = multipart.read_fields(
        stream=cast("BinaryIO", request),
        content_type=request.META.get("CONTENT_TYPE", ""),
        wanted=sendgrid_mail.FIELDS,
        longest=sendgrid_mail.LONGEST_FIELD,
        longest_body=sendgrid_mail.LONGEST_MAIL,
    )
    return {name: value.decode(sendgrid_mail.AS_BYTES) for name, value in fields.items()}


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
