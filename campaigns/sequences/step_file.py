"""The `steps` of a campaign file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from campaigns.sequences import placing
from campaigns.sequences.reading import CampaignFileError, Node, check_slug
from orchestrator.engine import timing

KINDS = ("MESSAGE", "WAIT", "BRANCH", "EXIT")
MOST_STEPS, MOST_VARIANTS, LONGEST_KEY, LONGEST_VARIANT = 50, 4, 40, 16
LOCALES = ("en", "he", "ro")
# channel -> the texts of one wording: required, optional.
CONTENT: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "email": (("subject", "mjml"), ("text",)),
    "in_app": (("title", "body"), ("button", *placing.KEYS)),
    "sms": (("text",), ()),
    "csm_task": (("text",), ("title",)),
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
    """`channel` and `variants` belong to MESSAGE, `wait` to WAIT, the rest to BRANCH; empty `then` or
    `otherwise`: the step that follows. Variants are by alphabet: JSON keeps no order."""

    key: str
    kind: str
    channel: str = ""
    variants: tuple[VariantSpec, ...] = ()
    wait: timedelta | None = None
    condition: Mapping[str, Any] | None = None
    then: str = ""
    otherwise: str = ""
    path: str = field(default="", compare=False)


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
    node.allow_only(("key", "kind"))
    return StepSpec(key, kind, path=node.path)


def _message(node: Node, key: str) -> StepSpec:
    node.allow_only(("key", "kind", "channel", "variants"))
    channel = node.choice("channel", tuple(CONTENT))
    variants = node.child("variants")
    if not 1 <= len(variants.value) <= MOST_VARIANTS:
        raise CampaignFileError(variants.path, f"A message has 1 to {MOST_VARIANTS} variants.")
    weights = _weights(variants)
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
    texts = {name: node.text(name, longest=LONGEST_TEXT) for name in required}
    plain = [name for name in optional if name not in placing.KEYS]
    texts |= {name: node.text(name, longest=LONGEST_TEXT) for name in plain if node.has(name)}
    return texts | placing.read_place(node) if channel == "in_app" else texts


def _weights(variants: Node) -> dict[str, int]:
    """As written; where none is written, equal shares of 100, the remainder to the first by alphabet."""
    nodes = {name: variants.child(name) for name in sorted(variants.value)}
    written = [name for name, node in nodes.items() if node.has("weight")]
    if written and len(written) < len(nodes):
        missing = next(name for name in nodes if name not in written)
        raise CampaignFileError(nodes[missing].at("weight"), "Give every variant a weight, or none.")
    if written:
        return {name: node.whole("weight", low=0, high=100) for name, node in nodes.items()}
    share, rest = divmod(100, len(nodes))
    return {name: share + (rest if place == 0 else 0) for place, name in enumerate(nodes)}


def _wait(node: Node, key: str) -> StepSpec:
    node.allow_only(("key", "kind", "for"))
    try:
        wait = timing.parse_duration(node.text("for"))
    except ValueError as error:
        raise CampaignFileError(node.at("for"), str(error)) from error
    if wait > timedelta(days=365):
        raise CampaignFileError(node.at("for"), "A wait is at most 365 days.")
    return StepSpec(key, "WAIT", wait=wait, path=node.path)


def _branch(node: Node, key: str) -> StepSpec:
    node.allow_only(("key", "kind", "if", "then", "else"))
    return StepSpec(
        key,
        "BRANCH",
        condition=node.child("if").value,
        then=node.slug("then", longest=LONGEST_KEY) if node.has("then") else "",
        otherwise=node.slug("else", longest=LONGEST_KEY) if node.has("else") else "",
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
    first = next(step for step in steps if step.kind != "WAIT")
    if first.kind != "MESSAGE":
        # Whoever is enrolled has a message from the start; a branch could not say which.
        raise CampaignFileError(first.path, "A campaign begins with a MESSAGE step; only waits may stand before it.")


def _check_targets(steps: Sequence[StepSpec]) -> None:
    keys = {step.key for step in steps}
    for step in steps:
        for name, target in (("then", step.then), ("else", step.otherwise)):
            if target and target not in keys:
                raise CampaignFileError(f"{step.path}.{name}", f"No step has the key {target!r}.")
        if step.kind == "BRANCH" and not (step.then or step.otherwise):
            raise CampaignFileError(step.path, "A branch names where to go: `then`, `else` or both.")


def _check_engagements(steps: Sequence[StepSpec]) -> None:
    """A step that a branch asks about is one of this campaign, unless the condition names another."""
    messages = {step.key for step in steps if step.kind == "MESSAGE"}
    for step in steps:
        for path, asked in _asked_steps(step.condition or {}, f"{step.path}.if"):
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
