"""Segment's tracking API: what a request says, item by item. One bad item does not cost its neighbours. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from campaigns.intake import moments
from campaigns.intake.store import BadItem, NewItem
from orchestrator.webhooks.errors import Unreadable

BATCH_ROUTES = frozenset({"batch", "import"})
KINDS = frozenset({"identify", "track", "group", "page", "screen", "alias"})
MOST_ITEMS = 2500
LARGEST_ITEM = 32 * 1024
LONGEST_ID = 200
# About the request, not about what happened: two sendings of one event differ in these.
_ENVELOPE = frozenset({"sentAt", "writeKey", "integrations", "_metadata", "receivedAt"})


class BadItemError(ValueError):
    """An item that can never be used, and why."""


@dataclass(slots=True)
class Request:
    items: list[NewItem] = field(default_factory=list)
    bad: list[BadItem] = field(default_factory=list)


def read_request(*, route: str, document: Any, receipt: moments.Receipt) -> Request:
    """Raises Unreadable when the request as a whole will never be good."""
    if not isinstance(document, Mapping):
        raise Unreadable("The body is not a JSON object.")
    try:
        sent_at = moments.read_moment(document.get("sentAt"))
    except moments.NotAMomentError:
        sent_at = None
    read = Request()
    for raw in _raw_items(route, document):
        try:
            read.items.append(_read_item(raw, receipt, sent_at))
        except BadItemError as error:
            read.bad.append(bad_item(raw=raw, error=str(error)))
    return read


def read_item(*, item: Mapping[str, Any], receipt: moments.Receipt) -> NewItem:
    """One item that came by another door; its timestamp is taken as it is. Raises BadItemError."""
    return _read_item(item, receipt, None)


def _raw_items(route: str, document: Mapping[str, Any]) -> list[Any]:
    if route not in BATCH_ROUTES:
        return [{**document, "type": route}]
    batch = document.get("batch")
    if not isinstance(batch, list):
        raise Unreadable("The body has no list `batch`.")
    if len(batch) > MOST_ITEMS:
        raise Unreadable(f"The batch has {len(batch)} events; at most {MOST_ITEMS} are taken.")
    shared = document.get("context")
    if not isinstance(shared, Mapping) or not shared:
        return batch
    return [_with_context(item, shared) for item in batch]


def _with_context(item: Any, shared: Mapping[str, Any]) -> Any:
    if not isinstance(item, Mapping):
        return item
    own = item.get("context")
    return {**item, "context": {**shared, **(own if isinstance(own, Mapping) else {})}}


def _read_item(raw: Any, receipt: moments.Receipt, sent_at: Any) -> NewItem:
    if not isinstance(raw, Mapping):
        raise BadItemError("The item is not an object.")
    item = {key: value for key, value in raw.items() if key not in _ENVELOPE and value is not None}
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadItemError(f"The type must be one of {', '.join(sorted(KINDS))}.")
    _check_ids(item, kind)
    for name in ("properties", "traits", "context"):
        if not isinstance(item.setdefault(name, {}), Mapping):
            raise BadItemError(f"`{name}` must be an object.")
    if kind == "track":
        _check_text(item, "event")
    text = json.dumps(item, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > LARGEST_ITEM:
        raise BadItemError(f"The item is larger than {LARGEST_ITEM} bytes.")
    try:
        timestamp = moments.read_moment(item.get("timestamp"))
    except moments.NotAMomentError as error:
        raise BadItemError(str(error)) from None
    return NewItem(
        kind=kind,
        message_id=_message_id(item),
        payload=text,
        at=moments.correct(timestamp=timestamp, sent_at=sent_at, receipt=receipt),
    )


def _check_ids(item: dict[str, Any], kind: str) -> None:
    context = item.get("context")
    for holder, name in ((item, "userId"), (item, "anonymousId"), (item, "groupId"), (item, "previousId")):
        _check_id(holder, name)
    if isinstance(context, dict):
        _check_id(context, "groupId")
    if not item.get("userId") and not item.get("anonymousId"):
        raise BadItemError("The item has neither a userId nor an anonymousId.")
    if kind == "group" and not item.get("groupId"):
        raise BadItemError("A group item needs a groupId.")
    if kind == "alias" and not (item.get("previousId") and item.get("userId")):
        raise BadItemError("An alias item needs a previousId and a userId.")


def _check_id(holder: dict[str, Any], name: str) -> None:
    """Ids are text; whole numbers are taken as their digits, since many products number their accounts."""
    value = holder.get(name)
    if value is None:
        return
    if isinstance(value, int) and not isinstance(value, bool):
        value = holder[name] = str(value)
    if not isinstance(value, str) or len(value) > LONGEST_ID:
        raise BadItemError(f"`{name}` must be a text of at most {LONGEST_ID} characters.")


def _check_text(item: Mapping[str, Any], name: str) -> None:
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise BadItemError(f"A track item needs `{name}`: a text of 1 to 200 characters.")


def _message_id(item: Mapping[str, Any]) -> str:
    """The sender's id, else one made of the content: the same event sent again must be the same event."""
    given = item.get("messageId")
    if isinstance(given, str) and given:
        return given
    if given is not None and given != "":
        raise BadItemError("`messageId` must be a text.")
    return "content-" + sha256(json.dumps(item, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def bad_item(*, raw: Any, error: str) -> BadItem:
    text = json.dumps(raw, ensure_ascii=False)
    if len(text.encode()) > LARGEST_ITEM:
        text = json.dumps({"cut": text[:1000]})
    named = raw if isinstance(raw, Mapping) else {}
    return BadItem(
        kind=str(named.get("type") or "")[:60],
        message_id=str(named.get("messageId") or "")[:200],
        payload=text,
        error=error,
    )
