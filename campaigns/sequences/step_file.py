"""The `steps` of a campaign file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from campaigns.sequences import placing, step_kinds
from campaigns.sequences.reading import CampaignFileError, Node, check_slug
from campaigns.sequences.step_kinds import WaySpec
from orchestrator import http
from orchestrator.engine.planner import LocalTime

KINDS = ("MESSAGE", "WAIT", "BRANCH", "SPLIT", "UPDATE", "GOTO", "EXIT")
MOST_STEPS, MOST_VARIANTS, LONGEST_KEY, LONGEST_VARIANT = 50, 4, 40, 16
LOCALES = ("en", "he", "ro")
# channel -> the texts of one wording: required, optional.
CONTENT: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "email": (("subject", "mjml"), ("text",)),
    "in_app": (("title", "body"), ("button", *placing.KEYS)),
    "sms": (("text",), ()),
    "csm_task": (("text",), ("title",)),
    "webhook": (("url", "body"), ()),
}
LONGEST_TEXT = 200_000


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """`content` maps a locale to the texts of its channel."""

    key: str
    weight: int
    content: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class StepSpec:
    """`channel` and `variants` belong to MESSAGE, `wait` and `until` to WAIT, `ways` to SPLIT, `traits` to UPDATE.
    `condition`, `then` and `otherwise` belong to BRANCH and to a WAIT for a condition, whose time-out is `wait`; an
    empty `then` or `otherwise` is the step that follows. A GOTO leads to `then`, back at most `at_most` times.
    Variants and ways are by alphabet: JSON keeps no order."""

    key: str
    kind: str
    channel: str = ""
    variants: tuple[VariantSpec, ...] = ()
    wait: timedelta | None = None
    until: LocalTime | None = None
    condition: Mapping[str, Any] | None = None
    then: str = ""
    otherwise: str = ""
    ways: tuple[WaySpec, ...] = ()
    traits: Mapping[str, Any] = field(default_factory=dict)
    at_most: int = 0
    path: str = field(default="", compare=False)

    @property
    def condition_path(self) -> str:
        return f"{self.path}.until" if self.kind == "WAIT" else f"{self.path}.if"

    @property
    def is_asking(self) -> bool:
        """A WAIT that ends when its condition holds."""
        return self.kind == "WAIT" and self.condition is not None


def parse_steps(value: object) -> tuple[StepSpec, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_STEPS:
        raise CampaignFileError("steps", f"This must be a list of 1 to {MOST_STEPS} steps.")
    steps = tuple(_step(Node.of(one, f"steps[{place}]")) for place, one in enumerate(value))
    _check_keys(steps)
    _check_targets(steps)
    _check_engagements(steps)
    _check_comparison(steps)
    return steps


def _step(node: Node) -> StepSpec:
    key = node.slug("key", longest=LONGEST_KEY)
    kind = node.choice("kind", KINDS)
    if kind == "MESSAGE":
        return _message(node, key)
    if kind == "WAIT":
        return _wait(node, key)
    if kind == "BRANCH":
        return _branch(node, key)
    if kind == "SPLIT":
        return StepSpec(key, kind, ways=step_kinds.read_ways(node), path=node.path)
    if kind == "UPDATE":
        return StepSpec(key, kind, traits=step_kinds.read_traits(node), path=node.path)
    if kind == "GOTO":
        to, at_most = step_kinds.read_goto(node)
        return StepSpec(key, kind, then=to, at_most=at_most, path=node.path)
    node.allow_only(("key", "kind"))
    return StepSpec(key, kind, path=node.path)


def _message(node: Node, key: str) -> StepSpec:
    node.allow_only(("key", "kind", "channel", "variants"))
    channel = node.choice("channel", tuple(CONTENT))
    variants = node.child("variants")
    if not 1 <= len(variants.value) <= MOST_VARIANTS:
        raise CampaignFileError(variants.path, f"A message has 1 to {MOST_VARIANTS} variants.")
    weights = step_kinds.read_weights(variants, "variant")
    return StepSpec(
        key,
        "MESSAGE",
        channel=channel,
        variants=tuple(_variant(variants.child(name), name, channel, weights[name]) for name in sorted(weights)),
        path=node.path,
    )


def _variant(node: Node, key: str, channel: str, weight: int) -> VariantSpec:
    check_slug(key, node.path, longest=LONGEST_VARIANT)
    node.allow_only(("weight", "content"))
    content = node.child("content")
    content.allow_only(LOCALES)
    if not content.value:
        raise CampaignFileError(content.path, "A variant has a text in at least one language.")
    return VariantSpec(key, weight, {locale: _texts(content.child(locale), channel) for locale in content.value})


def _texts(node: Node, channel: str) -> dict[str, str]:
    required, optional = CONTENT[channel]
    node.allow_only((*required, *optional))
    if channel == "webhook":
        return {"url": _url(node), "body": _body(node)}
    texts = {name: node.text(name, longest=LONGEST_TEXT) for name in required}
    plain = [name for name in optional if name not in placing.KEYS]
    texts |= {name: node.text(name, longest=LONGEST_TEXT) for name in plain if node.has(name)}
    return texts | placing.read_place(node) if channel == "in_app" else texts


def _url(node: Node) -> str:
    """Whether it may be called is judged by `check` and when it is: that depends on the installation."""
    url = node.text("url", longest=http.LONGEST_URL)
    try:
        http.read_url(url, allow_private=True)
    except http.ForbiddenAddress as error:
        raise CampaignFileError(node.at("url"), str(error)) from error
    return url


def _body(node: Node) -> str:
    """The JSON object as text, as every other content is one."""
    body = node.child("body")
    if not body.value:
        raise CampaignFileError(body.path, "The body is empty.")
    return json.dumps(body.value, ensure_ascii=False)


def _wait(node: Node, key: str) -> StepSpec:
    read = step_kinds.read_wait(node)
    return StepSpec(
        key,
        "WAIT",
        wait=read.wait,
        until=read.until,
        condition=read.condition,
        then=read.then,
        otherwise=read.otherwise,
        path=node.path,
    )


def _branch(node: Node, key: str) -> StepSpec:
    node.allow_only(("key", "kind", "if", "then", "else"))
    return StepSpec(
        key,
        "BRANCH",
        condition=node.child("if").value,
        then=step_kinds.target(node, "then"),
        otherwise=step_kinds.target(node, "else"),
        path=node.path,
    )


def _check_keys(steps: Sequence[StepSpec]) -> None:
    seen: set[str] = set()
    for step in steps:
        if step.key in seen:
            raise CampaignFileError(f"{step.path}.key", f"The key {step.key!r} is used twice.")
        seen.add(step.key)
    if not any(step.kind == "MESSAGE" for step in steps):
        raise CampaignFileError("steps", "A campaign has at least one MESSAGE step.")
    first = next(step for step in steps if step.kind != "WAIT" or step.is_asking)
    if first.kind != "MESSAGE":
        # Whoever is enrolled has a message from the start; a branch could not say which.
        words = "A campaign begins with a MESSAGE step; only waits for a time may stand before it."
        raise CampaignFileError(first.path, words)


def _check_targets(steps: Sequence[StepSpec]) -> None:
    keys = {step.key for step in steps}
    for step in steps:
        ways = ((f"ways.{way.key}.then", way.then) for way in step.ways)
        then = "to" if step.kind == "GOTO" else "then"
        for name, target in ((then, step.then), ("else", step.otherwise), *ways):
            if target and target not in keys:
                raise CampaignFileError(f"{step.path}.{name}", f"No step has the key {target!r}.")
        if step.kind == "GOTO" and step.then == step.key:
            raise CampaignFileError(f"{step.path}.to", "A step cannot lead to itself.")
        if step.kind == "BRANCH" and not (step.then or step.otherwise):
            raise CampaignFileError(step.path, "A branch names where to go: `then`, `else` or both.")


def _check_engagements(steps: Sequence[StepSpec]) -> None:
    """A step that a branch asks about is one of this campaign, unless the condition names another."""
    messages = {step.key for step in steps if step.kind == "MESSAGE"}
    for step in steps:
        for path, asked in _asked_steps(step.condition or {}, step.condition_path):
            if asked not in messages:
                raise CampaignFileError(path, f"No MESSAGE step has the key {asked!r}: nobody could react to it.")


def _asked_steps(condition: object, path: str) -> Iterator[tuple[str, str]]:
    """Paths and keys; whether the condition is well-formed is the grammar's business."""
    if isinstance(condition, list):
        for place, one in enumerate(condition):
            yield from _asked_steps(one, f"{path}[{place}]")
    elif isinstance(condition, Mapping):
        asked = condition.get("step")
        if "engagement" in condition and "campaign" not in condition and isinstance(asked, str):
            yield f"{path}.step", asked
        for name in ("all", "any", "not", "any_contact", "any_account"):
            yield from _asked_steps(condition.get(name), f"{path}.{name}")


def _check_comparison(steps: Sequence[StepSpec]) -> None:
    """The arm belongs to the account, so that steps with several variants have the same ones."""
    compared = [step for step in steps if len(step.variants) > 1]
    for step in compared[1:]:
        if {one.key for one in step.variants} != {one.key for one in compared[0].variants}:
            words = f"Steps with several variants must have the same ones, here those of {compared[0].key!r}."
            raise CampaignFileError(f"{step.path}.variants", words)
