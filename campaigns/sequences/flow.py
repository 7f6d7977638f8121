"""A live version as the decision engine wants it, with the wordings beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from campaigns.delivery.models import TemplateVersion
from campaigns.sequences import campaign_file
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.models import CampaignVersion, Step
from campaigns.sequences.step_file import StepSpec
from orchestrator.engine import planner


@dataclass(frozen=True, slots=True)
class Flow:
    """`wordings` maps (step key, variant key) to what is sent; a step with one variant gives it to all arms."""

    version: CampaignVersion
    spec: CampaignSpec
    sequence: planner.Sequence
    conditions: Mapping[str, Mapping]
    wordings: Mapping[str, Mapping[str, TemplateVersion]]

    def spec_of(self, step_key: str) -> StepSpec:
        return next(step for step in self.spec.steps if step.key == step_key)

    def splits(self) -> tuple[StepSpec, ...]:
        return tuple(step for step in self.spec.steps if step.ways)

    @property
    def has_jumps(self) -> bool:
        return any(step.kind is planner.StepKind.GOTO for step in self.sequence.steps)

    def asks(self, step_key: str) -> bool:
        """Whether an enrolment that stands at the step waits for a condition."""
        step = self.sequence.step(step_key)
        return step is not None and step.is_asking

    def channel(self, step_key: str) -> str:
        step = self.sequence.step(step_key)
        assert step is not None and step.channel is not None, "Only message steps have a channel."
        return step.channel

    def channels(self) -> set[str]:
        return {step.channel for step in self.sequence.steps if step.channel}

    def variant(self, *, step_key: str, arm: str) -> str:
        keys = self.wordings[step_key]
        return arm if arm in keys else next(iter(keys))

    def wording(self, *, step_key: str, arm: str) -> TemplateVersion:
        return self.wordings[step_key][self.variant(step_key=step_key, arm=arm)]


def read_flows(*, version_ids: Iterable[int]) -> dict[int, Flow]:
    versions = CampaignVersion.objects.filter(pk__in=set(version_ids)).prefetch_related(
        "steps__variants__template_version"
    )
    return {version.pk: _flow(version) for version in versions}


def read_flow(*, version_id: int) -> Flow:
    return read_flows(version_ids=[version_id])[version_id]


def first_message(*, flow: Flow, now: datetime, zone: str = "UTC") -> planner.Send:
    """The message that is planned with the enrolment: due now, or after the waits that stand before it."""
    position, facts = planner.start(sequence=flow.sequence, now=now), planner.Facts(zone=zone)
    decision = planner.plan(sequence=flow.sequence, position=position, facts=facts, now=now)
    while isinstance(decision, planner.Wait):
        position = planner.Position(decision.step_key, decision.entered_at, decision.visit)
        decision = planner.plan(sequence=flow.sequence, position=position, facts=facts, now=decision.until)
    assert isinstance(decision, planner.Send), "The file's parser lets only waits stand before the first message."
    return decision


def after_message(*, flow: Flow, send: planner.Send, now: datetime) -> planner.Position:
    """Where an enrolment stands once the message is planned. It is looked at next when that has come to its end
    (`awaited`); `now` is the earliest that may be."""
    position = planner.after(sequence=flow.sequence, step_key=send.step_key, now=now, visit=send.visit)
    step = flow.sequence.step(position.step_key) if position.step_key is not None else None
    if step is None or step.kind is planner.StepKind.EXIT:
        return planner.Position(None, now, send.visit)
    return position


def _flow(version: CampaignVersion) -> Flow:
    spec = campaign_file.parse(version.definition)
    following = {step.key: after.key for step, after in itertools.pairwise(spec.steps)}
    return Flow(
        version=version,
        spec=spec,
        sequence=planner.Sequence(tuple(_engine_step(step, following.get(step.key)) for step in spec.steps)),
        conditions={step.key: step.condition for step in spec.steps if step.condition is not None},
        wordings={
            step.key: {variant.key: variant.template_version for variant in step.variants.all()}
            for step in sorted(version.steps.all(), key=lambda step: step.position)
            if step.kind == Step.Kind.MESSAGE
        },
    )


def _engine_step(step: StepSpec, following: str | None) -> planner.Step:
    chooses = step.condition is not None
    then = (step.then or following) if chooses else None
    return planner.Step(
        key=step.key,
        kind=planner.StepKind(step.kind),
        channel=step.channel or None,
        wait=step.wait,
        until=step.until,
        is_asking=step.is_asking,
        then=step.then if step.kind == "GOTO" else then,
        otherwise=(step.otherwise or following) if chooses else None,
        ways={way.key: way.then or following for way in step.ways},
        at_most=step.at_most,
    )
