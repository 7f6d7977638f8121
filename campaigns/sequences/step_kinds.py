"""The steps of a campaign file that write to nobody: waits, splits, updates, jumps. Readers take a node or raise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

from campaigns.profiles import known_fields
from campaigns.sequences.reading import CampaignFileError, Node, check_slug
from orchestrator.engine import timing
from orchestrator.engine.planner import LocalTime

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
LONGEST_WAIT = timedelta(days=365)
MOST_WAYS, MOST_TRAITS, LONGEST_KEY = 10, 20, 40
MOST_ROUNDS, USUAL_ROUNDS = 20, 3
LONGEST_VALUE, LONGEST_LIST, LARGEST_NUMBER = 1000, 100, 10**15
_TRAIT = re.compile(r"(account|contact)\.traits\.([^.\s\0]{1,100})")
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "account": known_fields.ACCOUNT_TRAITS,
    "contact": known_fields.CONTACT_TRAITS,
}


@dataclass(frozen=True, slots=True)
class WaySpec:
    """One way of a SPLIT; empty `then`: the step that follows."""

    key: str
    weight: int
    then: str = ""


@dataclass(frozen=True, slots=True)
class WaitSpec:
    """Of `wait`, `until` and `condition` with `wait` as its time-out, one."""

    wait: timedelta | None = None
    until: LocalTime | None = None
    condition: Mapping[str, Any] | None = None
    then: str = ""
    otherwise: str = ""


def read_wait(node: Node) -> WaitSpec:
    if node.has("for") == node.has("until"):
        raise CampaignFileError(node.path, "A wait says either how long (`for`) or until when or what (`until`).")
    if node.has("for"):
        node.allow_only(("key", "kind", "for"))
        return WaitSpec(wait=_duration(node, "for"))
    until = node.child("until")
    if until.has("time") or until.has("weekday"):
        node.allow_only(("key", "kind", "until"))
        return WaitSpec(until=_local_time(until))
    node.allow_only(("key", "kind", "until", "at_most", "then", "else"))
    return WaitSpec(
        wait=_duration(node, "at_most"),
        condition=until.value,
        then=target(node, "then"),
        otherwise=target(node, "else"),
    )


def read_goto(node: Node) -> tuple[str, int]:
    """Where it leads, and how many times it may lead back."""
    node.allow_only(("key", "kind", "to", "at_most"))
    to = node.slug("to", longest=LONGEST_KEY)
    return to, node.whole("at_most", low=1, high=MOST_ROUNDS, default=USUAL_ROUNDS)


def read_ways(node: Node) -> tuple[WaySpec, ...]:
    """By alphabet: JSON keeps no order, and the draw goes by it."""
    node.allow_only(("key", "kind", "ways"))
    ways = node.child("ways")
    if not 2 <= len(ways.value) <= MOST_WAYS:
        raise CampaignFileError(ways.path, f"A split has 2 to {MOST_WAYS} ways.")
    weights = read_weights(ways, "way")
    if not any(weights.values()):
        raise CampaignFileError(ways.path, "One of the ways must have a weight above 0.")
    return tuple(_way(ways.child(name), name, weights[name]) for name in sorted(weights))


def read_traits(node: Node) -> dict[str, Any]:
    """{"account.traits.KEY" or "contact.traits.KEY": value}; null unsets."""
    node.allow_only(("key", "kind", "set"))
    told = node.child("set")
    if not 1 <= len(told.value) <= MOST_TRAITS:
        raise CampaignFileError(told.path, f"An update sets 1 to {MOST_TRAITS} traits.")
    return {name: _trait(told, name) for name in told.value}


def read_weights(nodes: Node, what: str) -> dict[str, int]:
    """As written; where none is written, equal shares of 100, the remainder to the first by alphabet."""
    named = {name: nodes.child(name) for name in sorted(nodes.value)}
    written = [name for name, node in named.items() if node.has("weight")]
    if written and len(written) < len(named):
        missing = next(name for name in named if name not in written)
        raise CampaignFileError(named[missing].at("weight"), f"Give every {what} a weight, or none.")
    if written:
        return {name: node.whole("weight", low=0, high=100) for name, node in named.items()}
    share, rest = divmod(100, len(named))
    return {name: share + (rest if place == 0 else 0) for place, name in enumerate(named)}


def target(node: Node, name: str) -> str:
    return node.slug(name, longest=LONGEST_KEY) if node.has(name) else ""


def read_time(node: Node, key: str) -> time:
    text = node.text(key)
    try:
        if len(text) != len("09:00"):
            raise ValueError(text)
        return time.fromisoformat(text)
    except ValueError as error:
        raise CampaignFileError(node.at(key), "This must be a time of day as 09:00.") from error


def _duration(node: Node, key: str) -> timedelta:
    try:
        found = timing.parse_duration(node.text(key))
    except ValueError as error:
        raise CampaignFileError(node.at(key), str(error)) from error
    if found > LONGEST_WAIT:
        raise CampaignFileError(node.at(key), "A wait is at most 365 days.")
    return found


def _local_time(node: Node) -> LocalTime:
    node.allow_only(("time", "weekday"))
    weekday = WEEKDAYS.index(node.choice("weekday", WEEKDAYS)) if node.has("weekday") else None
    return LocalTime(read_time(node, "time"), weekday)


def _way(node: Node, key: str, weight: int) -> WaySpec:
    check_slug(key, node.path, longest=LONGEST_KEY)
    node.allow_only(("weight", "then"))
    return WaySpec(key, weight, target(node, "then"))


def _trait(node: Node, name: str) -> Any:
    found = _TRAIT.fullmatch(name)
    if found is None:
        words = f"{name!r} is no trait: write account.traits.NAME or contact.traits.NAME, without further dots."
        raise CampaignFileError(node.at(name), words)
    if found[2] in _FIELDS[found[1]]:
        raise CampaignFileError(node.at(name), f"{found[2]!r} is a fact of its own, which no campaign may change.")
    value = node.value[name]
    if not (_is_value(value) or _is_list(value)):
        words = "This must be a text, a number, true, false, null or a list of texts and numbers."
        raise CampaignFileError(node.at(name), words)
    return value


def _is_value(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_VALUE and "\0" not in value
    return isinstance(value, (int, float)) and -LARGEST_NUMBER <= value <= LARGEST_NUMBER


def _is_list(value: object) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= LONGEST_LIST:
        return False
    return all(_is_value(one) and isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in value)
