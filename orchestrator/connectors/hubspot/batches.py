"""Batches of writes to HubSpot, of which some inputs may be refused while the others are written.

HubSpot refuses a whole batch for one bad input; such a batch is halved until the bad one is alone, or the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestrator import http
from orchestrator.connectors.contract import LONGEST_WRITE, NOT_ASKED, ConnectorMisconfigured, ConnectorRefusal
from orchestrator.connectors.hubspot.api import HubSpotApi, results_of

BATCH = 100

type Input = dict[str, Any]
# Our key of a record, HubSpot's id of it, the id of what it is linked to.
type Link = tuple[str, str, str]


def end() -> float:
    """`until` of the functions below, for a write that begins now."""
    return time.monotonic() + LONGEST_WRITE.total_seconds()


def upsert(api: HubSpotApi, name: str, inputs: list[Input]) -> Any:
    return api.call(api.batches[name].upsert, batch_input_simple_public_object_batch_input_upsert={"inputs": inputs})


def write(
    send: Callable[[list[Input]], Any], inputs: list[Input], key_of: Callable[[Any], str], *, until: float
) -> tuple[dict[str, str], dict[str, str]]:
    """({our key: HubSpot's id} written, {our key: reason} refused). Busy and connection-wide refusals are raised."""
    if time.monotonic() > until:
        return {}, {one["id"]: NOT_ASKED for one in inputs}
    try:
        answer = send(inputs)
    except ConnectorMisconfigured:
        raise
    except ConnectorRefusal as refusal:
        if len(inputs) == 1:
            return {}, {inputs[0]["id"]: refusal.detail}
        middle = len(inputs) // 2
        first, second = (write(send, half, key_of, until=until) for half in (inputs[:middle], inputs[middle:]))
        return first[0] | second[0], first[1] | second[1]
    written = {key_of(result): str(result.id) for result in results_of(answer)}
    missing = [one["id"] for one in inputs if one["id"] not in written]
    return written, {key: _reason(answer, key) for key in missing}


def link(api: HubSpotApi, *, source: str, target: str, links: Sequence[Link], until: float) -> dict[str, str]:
    """Default associations, all at once; when that is refused one by one, to know whose fault it is.

    Returns {our key: reason} for those that could not be linked.
    """
    if not links:
        return {}
    if time.monotonic() > until:
        return {key: NOT_ASKED for key, _, _ in links}
    words = f"The {source.removesuffix('s')} is written but not linked to its {target}:"
    try:
        answer = _associate(api, source, target, links)
    except ConnectorMisconfigured:
        raise
    except ConnectorRefusal as refusal:
        if len(links) == 1:
            return {links[0][0]: f"{words} {refusal.detail}"}
        one_by_one = [link(api, source=source, target=target, links=[one], until=until) for one in links]
        return {key: why for refused in one_by_one for key, why in refused.items()}
    if not getattr(answer, "errors", None):
        return {}
    linked = {str(result._from.id) for result in answer.results or ()}
    return {key: f"{words} {_reason(answer, to)}" for key, own_id, to in links if own_id not in linked}


def _associate(api: HubSpotApi, source: str, target: str, links: Sequence[Link]) -> Any:
    return api.call(
        api.associations.create_default,
        from_object_type=source,
        to_object_type=target,
        batch_input_public_default_association_multi_post={
            "inputs": [{"from": {"id": own_id}, "to": {"id": to}} for _, own_id, to in links]
        },
    )


def _reason(answer: Any, key: str) -> str:
    """Why HubSpot left `key` out of a partly written batch (HTTP 207)."""
    errors = list(getattr(answer, "errors", None) or ())
    own = [error for error in errors if key in _named(error)] or errors
    return http.redact(str(own[0].message)) if own else "HubSpot did not confirm it and gave no reason."


def _named(error: Any) -> Iterator[str]:
    for values in (error.context or {}).values():
        yield from values


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
