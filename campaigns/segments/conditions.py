"""The heads of the grammar that are no groups: one reader each, from an opened object to its node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaigns.delivery import prune
from campaigns.segments import fields, nodes, values
from campaigns.segments.comparing import read_comparison, read_count
from campaigns.segments.errors import DefinitionError
from campaigns.segments.opened import Opened, open_object
from campaigns.usage import kept
from campaigns.usage.crossings import LEVELS

AGGREGATIONS = ("sum", "avg", "min", "max", "last")
CONSENT_STATES = ("granted", "withdrawn", "unknown")
CONSENT_CHANNELS = ("email", "sms", "in_app")
SCORES = ("health", "propensity", "churn", "uplift")
FACTS = ("sent", "delivered", "opened", "clicked", "replied", "dismissed", "unsubscribed", "complained", "converted")
# Crossings are not pruned; ten years is more than there can be.
ALL_KEPT_DAYS = kept.FOR_EVER


def _read_field(opened: Opened, _: bool) -> nodes.Node:
    path = opened.at("field")
    found = fields.find_field(values.read_text(opened.take("field"), path), path)
    comparison = fields.normalise(found, read_comparison(opened, found.kind))
    return nodes.Field(found.owner, found.name, found.keys, comparison, opened.path)


def _read_usage(opened: Opened, _: bool) -> nodes.Node:
    meter = values.read_text(opened.take("usage"), opened.at("usage"))
    agg = _read_choice(opened, "agg", AGGREGATIONS)
    per = _read_choice(opened, "per", ("quota", "previous")) if "per" in opened else None
    days = None
    if "window" in opened or agg != "last" or per == "previous":
        days = _read_days(opened, doubled=per == "previous")
    return nodes.Usage(meter, agg, days, per, read_comparison(opened, "number"), opened.path)


def _read_days(opened: Opened, doubled: bool) -> int:
    window = _read_window(opened, kept.daily_days() // (2 if doubled else 1))
    if window.text.endswith("h"):
        raise DefinitionError(opened.at("window"), "Usage is kept by the day: a window of days or weeks, such as 30d.")
    return window.hours // 24


def _read_event(opened: Opened, _: bool) -> nodes.Node:
    name = values.read_text(opened.take("event"), opened.at("event"))
    window = _read_window(opened, kept.events_days()) if "window" in opened else None
    where = _read_where(opened) if "where" in opened else ()
    return nodes.Event(name, window, where, read_count(opened), opened.path)


def _read_where(opened: Opened) -> tuple[nodes.PropertyTest, ...]:
    given, path = opened.take("where"), opened.at("where")
    if not isinstance(given, list | tuple):
        raise DefinitionError(path, f"Expected a list of property tests, got {values.name_type(given)}.")
    if len(given) > values.LIST_LIMIT:
        raise DefinitionError(path, f"Lists have at most {values.LIST_LIMIT:,} elements; this has {len(given):,}.")
    tests = []
    for index, one in enumerate(given):
        test = open_object(one, f"{path}[{index}]", "A property test")
        keys = fields.split_keys(values.read_text(test.take("property"), test.at("property")), test.at("property"))
        tests.append(nodes.PropertyTest(keys, read_comparison(test, "open"), test.path))
        test.refuse_rest("a property test")
    return tuple(tests)


def _read_crossing(opened: Opened, _: bool) -> nodes.Node:
    meter = values.read_text(opened.take("crossing"), opened.at("crossing"))
    level = values.read_number(opened.take("level"), opened.at("level")).value
    if level not in LEVELS:
        raise DefinitionError(opened.at("level"), f"Expected one of {', '.join(map(str, LEVELS))}.")
    return nodes.Crossing(meter, int(level), _read_window(opened, ALL_KEPT_DAYS), opened.path)


def _read_subscription(opened: Opened, _: bool) -> nodes.Node:
    name = _read_choice(opened, "subscription", tuple(fields.SUBSCRIPTION_KINDS))
    return nodes.SubscriptionTest(name, read_comparison(opened, fields.SUBSCRIPTION_KINDS[name]), opened.path)


def _read_score(opened: Opened, _: bool) -> nodes.Node:
    return nodes.ScoreTest(_read_choice(opened, "score", SCORES), read_comparison(opened, "number"), opened.path)


def _read_engagement(opened: Opened, in_branch: bool) -> nodes.Node:
    fact = _read_choice(opened, "engagement", FACTS)
    named = {
        key: values.read_text(opened.take(key), opened.at(key))
        for key in ("campaign", "step", "channel")
        if key in opened
    }
    if "step" in named and "campaign" not in named and not in_branch:
        raise DefinitionError(opened.at("step"), "A step needs the campaign that it belongs to.")
    window = _read_window(opened, prune.messages_days()) if "window" in opened else None
    return nodes.Engagement(
        fact,
        named.get("campaign"),
        named.get("step"),
        named.get("channel"),
        window,
        read_count(opened),
        opened.path,
    )


def _read_consent(opened: Opened, _: bool) -> nodes.Node:
    channel = _read_choice(opened, "consent", CONSENT_CHANNELS)
    topic = values.read_text(opened.take("topic"), opened.at("topic"))
    return nodes.Consent(channel, topic, _read_choice(opened, "is", CONSENT_STATES), opened.path)


def _read_segment(opened: Opened, _: bool) -> nodes.Node:
    return nodes.SegmentRef(values.read_text(opened.take("segment"), opened.at("segment")), opened.path)


def _read_bucket(opened: Opened, _: bool) -> nodes.Node:
    name = values.read_text(opened.take("bucket"), opened.at("bucket"))
    given, path = opened.take("percent"), opened.at("percent")
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise DefinitionError(path, "Expected two numbers: [low, high].")
    low, high = (values.read_number(end, f"{path}[{index}]").value for index, end in enumerate(given))
    if not 0 <= low < high <= 100:
        raise DefinitionError(path, "Expected 0 ≤ low < high ≤ 100.")
    return nodes.Bucket(name, low, high, opened.path)


def _read_window(opened: Opened, kept_days: int) -> nodes.Duration:
    window = values.read_duration(opened.take("window"), opened.at("window"))
    if window.hours > kept_days * 24:
        raise DefinitionError(
            opened.at("window"), f"The window {window.text} is longer than what is kept: at most {kept_days}d."
        )
    return window


def _read_choice(opened: Opened, key: str, choices: tuple[str, ...]) -> str:
    given: Any = opened.take(key)
    if not isinstance(given, str) or given not in choices:
        raise DefinitionError(opened.at(key), f"Expected one of {', '.join(choices)}.")
    return given


READERS: dict[str, Callable[[Opened, bool], nodes.Node]] = {
    "field": _read_field,
    "usage": _read_usage,
    "event": _read_event,
    "crossing": _read_crossing,
    "subscription": _read_subscription,
    "score": _read_score,
    "engagement": _read_engagement,
    "consent": _read_consent,
    "segment": _read_segment,
    "bucket": _read_bucket,
}
