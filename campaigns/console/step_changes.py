"""What the buttons of the step list do to a draft's document."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from campaigns.console import drafts, jumps, skeleton, step_tree, ways
from campaigns.console.step_tree import Node, Step, StepError
from campaigns.sequences import audience
from campaigns.sequences.models import Campaign
from campaigns.usage import selectors as usage

# kind of a new step -> what its key begins with
STEMS = {
    "email": "mail",
    "sms": "text",
    "in_app": "banner",
    "csm_task": "call",
    "webhook": "hook",
    "wait": "wait",
    "wait_time": "wait",
    "wait_event": "wait",
    "split": "split",
    "update": "note",
    "question": "question",
    "goto": "back",
    "exit": "leave",
}


# What a new step is that needs to know nothing of its campaign.
_PLAIN: Mapping[str, Mapping[str, Any]] = {
    "wait": {"kind": "WAIT", "for": "3d"},
    "wait_time": {"kind": "WAIT", "until": {"time": "09:00"}},
    "split": {"kind": "SPLIT", "ways": {"a": {"weight": 50}, "b": {"weight": 50}}},
    "exit": {"kind": "EXIT"},
}
_MAKERS = {
    "in_app": skeleton.new_banner,
    "csm_task": skeleton.new_task,
    "webhook": skeleton.new_webhook,
}


def change(*, campaign: Campaign, document: dict[str, Any], words: list[str]) -> dict[str, str]:
    """`words` as the button says them (`views.steps.change_steps`). Returns which message the page should show
    afterwards, and as `place` at which step it should stand. Raises StepError, NotALaneError."""
    match words:
        case ["wording", key]:
            return {"step": key, "variant": drafts.add_wording(document=document, key=key)}
        case ["unword", key, letter]:
            drafts.remove_wording(document=document, letter=letter)
            return {"step": key}
    tree = step_tree.read_tree(document["steps"])
    shown = _rearrange(campaign, tree, words)
    drafts.change_steps(document=document, tree=tree)
    return shown


def _rearrange(campaign: Campaign, tree: list[Node], words: list[str]) -> dict[str, str]:
    match words:
        case ["remove", key]:
            step_tree.remove(tree, key)
            return {}
        case ["up", key]:
            step_tree.move(tree, key, -1)
        case ["down", key]:
            step_tree.move(tree, key, 1)
        case ["into", key, branch, lane]:
            step_tree.put_into(tree, key, branch, lane)
        case ["out", key]:
            step_tree.put_out(tree, key)
        case ["duplicate", key]:
            twin = step_tree.duplicate(tree, key)
            return {"step": twin, "place": twin}
        case ["way", key]:
            ways.add(step_tree.find(tree, key))
        case ["unway", key, way]:
            ways.remove(tree, step_tree.find(tree, key), way)
        case ["add", kind, key, *lane] if kind in STEMS and len(lane) <= 1:
            return _add(campaign, tree, kind, key, lane[0] if lane else "")
        case _:
            raise StepError(_("This change is not known."))
    return {"place": key}


def _add(campaign: Campaign, tree: list[Node], kind: str, key: str, lane: str) -> dict[str, str]:
    step = _new_step(campaign, tree, kind, key, lane)
    step_tree.insert(tree, step, after=key, lane=lane)
    place = {"place": step["key"]}
    return place | {"step": step["key"]} if step["kind"] == "MESSAGE" else place


def _new_step(campaign: Campaign, tree: list[Node], kind: str, after: str, lane: str) -> Step:
    key = step_tree.new_key(STEMS[kind], {node.key for node in step_tree.walk(tree)})
    if kind == "email":
        meter = audience.meter_of(segment=campaign.edited_segment)
        return skeleton.new_mail(key=key, has_meter=meter is not None, unit=usage.unit_of(meter=meter), wordings=1)
    if kind in ("question", "wait_event"):
        clicked = {"engagement": "clicked", "step": _last_message(tree, after, lane)}
        if kind == "question":
            return {"key": key, "kind": "BRANCH", "if": clicked}
        return {"key": key, "kind": "WAIT", "until": clicked, "at_most": "7d"}
    if kind == "goto":
        return {"key": key, "kind": "GOTO", "to": jumps.usual_target(tree, after)}
    if kind in _PLAIN:
        return {"key": key, **copy.deepcopy(_PLAIN[kind])}
    if kind == "update":
        return {"key": key, "kind": "UPDATE", "set": {"account.traits.last_campaign": campaign.slug}}
    if kind == "sms":
        return skeleton.new_sms(key=key, sender=skeleton.sender_name())
    return _MAKERS[kind](key=key)


def _last_message(tree: list[Node], after: str, lane: str) -> str:
    """The last one that everybody got who comes to the new place. Raises StepError where there is none."""
    sure = [one.key for one in step_tree.come_through(tree, after) if one.kind == "MESSAGE"]
    if not sure:
        raise StepError(_("Ask after a message: there is none before this place."))
    return sure[-1]
