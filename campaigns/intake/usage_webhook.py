"""Plain server webhooks: Standard Webhooks, and CloudEvents in their three forms, as tracking items."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from campaigns.intake import basic_auth, moments, sources, tracking
from campaigns.intake.store import BadItem, NewItem
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks import signatures
from orchestrator.webhooks.contract import SignedRequest
from orchestrator.webhooks.errors import BadSignature, Unreadable

_STRUCTURED = "application/cloudevents+json"
_BATCHED = "application/cloudevents-batch+json"
_CONTACT = ("userId", "user_id", "contact_id", "contactId", "contact", "userid")
_ACCOUNT = ("groupId", "group_id", "account_id", "accountId", "account", "groupid", "accountid")


@dataclass(frozen=True, slots=True)
class _Message:
    id: str
    type: str
    time: Any
    data: Any
    names: Mapping[str, Any]


def verify_sender(*, slug: str, request: SignedRequest) -> None:
    """Standard Webhooks headers, the signing secret as Bearer, or the write key as Basic. Raises WebhookError."""
    source = sources.find_by_slug(slug=slug)
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if not hmac.compare_digest(credential.strip().encode(), source.signing_secret.encode()):
            raise BadSignature("The bearer is not the source's signing secret.")
    elif scheme.lower() == "basic":
        if not sources.holds_key(source=source, write_key=basic_auth.read_key(request.headers)):
            raise BadSignature("The Basic user is not the source's write key.")
    else:
        signatures.verify_standard_webhook(body=request.body, headers=request.headers, secret=source.signing_secret)


def read_items(
    *, body: bytes, headers: Mapping[str, str], receipt: moments.Receipt
) -> tuple[list[NewItem], list[BadItem]]:
    """Every message as a tracking item. Raises Unreadable when there is no message in it at all.

    In a batch one event that is no CloudEvent does not cost its neighbours.
    """
    items: list[NewItem] = []
    messages, bad = _messages(body, headers)
    for message in messages:
        item = _tracking_item(message)
        try:
            items.append(tracking.read_item(item=item, receipt=receipt))
        except tracking.BadItemError as error:
            bad.append(tracking.bad_item(raw=item, error=str(error)))
    return items, bad


def _messages(body: bytes, headers: Mapping[str, str]) -> tuple[list[_Message], list[BadItem]]:
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    document = bodies.read_json(bodies.decode_body(body, headers.get("Content-Encoding", "")))
    if content_type == _BATCHED:
        if not isinstance(document, list) or len(document) > tracking.MOST_ITEMS:
            raise Unreadable(f"A batch is a list of at most {tracking.MOST_ITEMS} events.")
        return _batched(document)
    if content_type == _STRUCTURED:
        return [_structured(document)], []
    if headers.get("ce-specversion"):
        return [_binary(headers, document)], []
    return [_standard(headers, document)], []


def _batched(document: list[Any]) -> tuple[list[_Message], list[BadItem]]:
    messages: list[_Message] = []
    bad: list[BadItem] = []
    for event in document:
        try:
            messages.append(_structured(event))
        except Unreadable as error:
            bad.append(tracking.bad_item(raw=event, error=str(error)))
    return messages, bad


def _structured(event: Any) -> _Message:
    if not isinstance(event, Mapping) or not all(event.get(name) for name in ("id", "source", "type", "specversion")):
        raise Unreadable("A CloudEvent needs id, source, type and specversion.")
    data = event.get("data")
    if data is None and "data_base64" in event:
        data = _decode(event["data_base64"])
    return _Message(f"{event['source']}#{event['id']}", str(event["type"]), event.get("time"), data, event)


def _binary(headers: Mapping[str, str], data: Any) -> _Message:
    names = {
        name.lower().removeprefix("ce-"): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith("ce-")
    }
    return _structured({**names, "data": data})


def _standard(headers: Mapping[str, str], document: Any) -> _Message:
    if not isinstance(document, Mapping) or not isinstance(document.get("type"), str):
        raise Unreadable("The message has no type.")
    given = headers.get("webhook-id") or document.get("id") or document.get("messageId") or ""
    data = document.get("data", {name: value for name, value in document.items() if name not in {"type", "timestamp"}})
    return _Message(str(given), document["type"], document.get("timestamp"), data, document)


def _decode(text: Any) -> Any:
    try:
        return bodies.read_json(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise Unreadable("data_base64 is not base64.") from None


def _tracking_item(message: _Message) -> dict[str, Any]:
    """A message named as a tracking call carries that call; any other type is the name of an event.

    Who it is about is looked for in the data, then beside it (a CloudEvent's extensions).
    """
    data = message.data if isinstance(message.data, Mapping) else {"value": message.data}
    envelope = {"messageId": message.id or None, "timestamp": message.time}
    if message.type in tracking.KINDS:
        return {**envelope, **data, "messageId": message.id or data.get("messageId"), "type": message.type}
    contact = _first(data, _CONTACT) or _first(message.names, _CONTACT)
    account = _first(data, _ACCOUNT) or _first(message.names, _ACCOUNT)
    properties = data.get("properties")
    if not isinstance(properties, Mapping):
        properties = {name: value for name, value in data.items() if name not in {*_CONTACT, *_ACCOUNT}}
    return {
        **envelope,
        "type": "track",
        "event": message.type,
        "userId": contact,
        "anonymousId": None if contact else f"account:{account}" if account else None,
        "context": {"groupId": account} if account else {},
        "properties": properties,
    }


def _first(holder: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((holder[name] for name in names if isinstance(holder.get(name), str | int)), None)
