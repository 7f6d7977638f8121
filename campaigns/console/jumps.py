"""Ways back to an earlier step: where they may lead, and that people do not go round without waiting."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from campaigns.console import step_tree, step_words
from campaigns.console.step_tree import Node, StepError
from campaigns.sequences import circles, step_file
from campaigns.sequences.reading import CampaignFileError


def usual_target(tree: Sequence[Node], after: str) -> str:
    """For a new way back behind the step, or in a lane of it: the last message with a wait between. Raises StepError
    where there is none."""
    waited = False
    for node in reversed(step_tree.come_through(tree, after)):
        if waited and node.kind == "MESSAGE":
            return node.key
        waited = waited or (node.kind == "WAIT" and not step_tree.is_asking(node.step))
    words = _("A way back needs a message and a wait of some time before it: else people would go round at once.")
    raise StepError(words)


def choices(document: Mapping[str, Any], step: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The earlier steps that everybody came through who reaches this one, as “2. E-mail”; where it leads now too."""
    steps = document["steps"]
    numbers = step_tree.number_steps(steps)
    channels = {one["key"]: one["channel"] for one in steps if one["kind"] == "MESSAGE"}
    offered = {step["to"], *_before(steps, step["key"])}
    found = [one for one in steps if one["key"] in offered and one["key"] in numbers]
    return [(one["key"], f"{numbers[one['key']]}. {step_words.title_of(one, channels, numbers)}") for one in found]


def goes_round_at_once(document: Mapping[str, Any], key: str) -> bool:
    """Whether this way back is part of a circle in which no time passes. A broken file is told elsewhere."""
    try:
        steps = step_file.parse_steps(document["steps"])
    except CampaignFileError:
        return False
    places = {step.key: place for place, step in enumerate(steps)}
    return any(one.is_at_once and one.place == places[key] for one in circles.find_circles(steps=steps))


def guard_words() -> str:
    return _(
        "No time passes on this way round: people would get its messages again at once. Put a wait between, or go back "
        "to a step before one."
    )


def _before(steps: Sequence[dict[str, Any]], key: str) -> set[str]:
    try:
        return {node.key for node, is_sure in step_tree.passed(step_tree.read_tree(steps), key) if is_sure}
    except step_tree.NotALaneError:
        return {step["key"] for step in itertools.takewhile(lambda step: step["key"] != key, steps)}
