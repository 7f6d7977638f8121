"""What is different between two versions of a campaign, for whoever approves the newer one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from campaigns.sequences import campaign_file, snippets
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.models import Campaign, CampaignVersion
from campaigns.sequences.step_file import StepSpec, VariantSpec

ADDED, REMOVED, MOVED, CHANGED = "ADDED", "REMOVED", "MOVED", "CHANGED"
# Parts of the file in the order of the campaign's page, by the spec's own names.
PARTS = ("name", "goal", "offer", "audience", "entry", "recipients", "exit_on", "limits", "tracking")
# What `apply` refuses to change in a campaign that was launched.
FIXED = ("slug", "purpose", "topic", "holdout_percent")
# Of these it is said what in them is another.
_TOLD_APART = ("limits", "tracking")
WORDINGS, SHARES = "wordings", "shares"


@dataclass(frozen=True, slots=True)
class Change:
    """`part` is one of PARTS, or `steps` with the step's key; `where` says for a CHANGED message which texts, as
    `a.en`. `fields`: what else of it is another, by the spec's own names; of a message WORDINGS (which there are) and
    SHARES. Both are empty where nothing more can be said."""

    kind: str
    part: str
    step: str = ""
    where: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def of_draft(*, campaign: Campaign) -> list[Change]:
    """What the draft changes in what runs, the snippets in their texts included: what runs has them as they were.
    Empty where not both are there."""
    live, draft = campaign.live_version, campaign.draft_version
    if live is None or draft is None:
        return []
    return find_changes(old=_whole(live, live.went_live_at or campaign.launched_at), new=_whole(draft, None))


def find_changes(*, old: CampaignSpec, new: CampaignSpec) -> list[Change]:
    """Parts first, then the steps in the order of the newer version, removed ones last."""
    parts = [
        Change(CHANGED, part, fields=_different(getattr(old, part), getattr(new, part)) if part in _TOLD_APART else ())
        for part in PARTS
        if _said(old, part) != _said(new, part)
    ]
    return [*parts, *_steps(old, new)]


def _whole(version: CampaignVersion, at: datetime | None) -> CampaignSpec:
    spec = campaign_file.parse(version.definition)
    return replace(spec, steps=tuple(_expanded(step, at) for step in spec.steps))


def _expanded(step: StepSpec, at: datetime | None) -> StepSpec:
    if step.channel == "webhook" or not step.variants:
        return step
    told = (replace(one, content=snippets.expand(content=one.content, at=at)) for one in step.variants)
    return replace(step, variants=tuple(told))


def _different(old: object, new: object) -> tuple[str, ...]:
    """Names of the fields that are not the same; `path`, where it stands, is none of them."""
    names = [one.name for one in fields(old) if one.compare]  # type: ignore[arg-type]  # specs are dataclasses
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))


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
            yield Change(CHANGED, "steps", key, tuple(_texts(before[key], step)), tuple(_fields(before[key], step)))
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


def _fields(before: StepSpec, after: StepSpec) -> Iterator[str]:
    for name in _different(before, after):
        if name == "variants":
            yield from _of_variants(_by_key(before), _by_key(after))
        else:
            yield name


def _of_variants(old: dict[str, VariantSpec], new: dict[str, VariantSpec]) -> Iterator[str]:
    if set(old) != set(new):
        yield WORDINGS
    if {key: one.weight for key, one in old.items()} != {key: one.weight for key, one in new.items()}:
        yield SHARES


def _texts(before: StepSpec, after: StepSpec) -> Iterator[str]:
    old, new = _by_key(before), _by_key(after)
    for key in sorted(set(old) | set(new)):
        texts, others = (side[key].content if key in side else {} for side in (old, new))
        for locale in sorted(set(texts) | set(others)):
            if texts.get(locale) != others.get(locale):
                yield f"{key}.{locale}"


def _by_key(step: StepSpec) -> dict[str, VariantSpec]:
    return {one.key: one for one in step.variants}
