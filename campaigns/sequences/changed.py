"""What is different between two versions of a campaign, for whoever approves the newer one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.step_file import StepSpec

ADDED, REMOVED, MOVED, CHANGED = "ADDED", "REMOVED", "MOVED", "CHANGED"
# Parts of the file in the order of the campaign's page, by the spec's own names.
PARTS = ("name", "goal", "offer", "audience", "entry", "recipients", "exit_on", "limits")


@dataclass(frozen=True, slots=True)
class Change:
    """`part` is one of PARTS, or `steps` with the step's key; `where` says for a CHANGED message which wordings, as
    `a.en`, empty for anything else of it."""

    kind: str
    part: str
    step: str = ""
    where: tuple[str, ...] = ()


def find_changes(*, old: CampaignSpec, new: CampaignSpec) -> list[Change]:
    """Parts first, then the steps in the order of the newer version, removed ones last."""
    parts = [Change(CHANGED, part) for part in PARTS if _said(old, part) != _said(new, part)]
    return [*parts, *_steps(old, new)]


def _said(spec: CampaignSpec, part: str) -> object:
    """An offer is the same however it is named: a file makes one, it changes none."""
    if part == "offer":
        return spec.offer.slug if spec.offer is not None else ""
    return getattr(spec, part)


def _steps(old: CampaignSpec, new: CampaignSpec) -> Iterator[Change]:
    before = {step.key: step for step in old.steps}
    after = {step.key: step for step in new.steps}
    order = [step.key for step in old.steps if step.key in after]
    moved = _moved(order, [step.key for step in new.steps if step.key in before])
    for key, step in after.items():
        if key not in before:
            yield Change(ADDED, "steps", key)
            continue
        if key in moved:
            yield Change(MOVED, "steps", key)
        if step != before[key]:
            yield Change(CHANGED, "steps", key, tuple(_wordings(before[key], step)))
    yield from (Change(REMOVED, "steps", key) for key in before if key not in after)


def _moved(before: list[str], after: list[str]) -> set[str]:
    """Those outside the longest run that kept its order: the fewest steps whose moving explains the new order."""
    places = {key: place for place, key in enumerate(before)}
    best: dict[str, list[str]] = {}
    for key in after:
        earlier = [run for last, run in best.items() if places[last] < places[key]]
        best[key] = [*_longest(earlier), key]
    return set(after) - set(_longest(list(best.values())))


def _longest(runs: Sequence[list[str]]) -> list[str]:
    return max(runs, key=len) if runs else []


def _wordings(before: StepSpec, after: StepSpec) -> Iterator[str]:
    old = {variant.key: variant.content for variant in before.variants}
    new = {variant.key: variant.content for variant in after.variants}
    for key in sorted(set(old) | set(new)):
        texts, others = old.get(key, {}), new.get(key, {})
        for locale in sorted(set(texts) | set(others)):
            if texts.get(locale) != others.get(locale):
                yield f"{key}.{locale}"
