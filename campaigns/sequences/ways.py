"""Which way an account goes at a SPLIT: drawn by a stable hash, and once gone the same for ever.

x = first 8 bytes of SHA-256(`SALT:split:STEP:ACCOUNT_EXTERNAL_ID`), big-endian, / 2**64, SALT being that of the
campaign's experiment; the ways share [0, 1) by weight, in the order of the alphabet. The way an account went stands for
all its contacts and entries, also where a later version has other weights: of several the newest that there still is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from campaigns.sequences.flow import Flow
from campaigns.sequences.models import Enrolment, StepRun
from campaigns.sequences.step_file import StepSpec
from orchestrator.engine import bucketing


def draw_ways(*, enrolments: Sequence[Enrolment], flows: Mapping[int, Flow]) -> dict[int, dict[str, str]]:
    """{enrolment id: {step key: way}} for every SPLIT of their versions. `enrolments` with account and the campaign's
    experiment at hand; one query, none without a SPLIT."""
    asked = [(row, step) for row in enrolments for step in flows[row.version_id].splits()]
    gone = _gone([row for row, _ in asked])
    ways: dict[int, dict[str, str]] = defaultdict(dict)
    for row, step in asked:
        there = {way.key for way in step.ways}
        known = (way for way in gone.get((row.campaign_id, row.account_id, step.key), ()) if way in there)
        ways[row.pk][step.key] = next(known, "") or _drawn(row, step)
    return ways


def _gone(rows: Sequence[Enrolment]) -> dict[tuple[int, int, str], list[str]]:
    """The ways that were gone, the newest first, by campaign, account and step."""
    if not rows:
        return {}
    runs = StepRun.objects.filter(
        outcome=StepRun.Outcome.SPLIT,
        enrolment__campaign_id__in={row.campaign_id for row in rows},
        enrolment__account_id__in={row.account_id for row in rows},
    )
    found: dict[tuple[int, int, str], list[str]] = defaultdict(list)
    columns = ("enrolment__campaign_id", "enrolment__account_id", "step_key", "reason")
    for campaign_id, account_id, step_key, way in runs.order_by("-pk").values_list(*columns):
        found[campaign_id, account_id, step_key].append(way)
    return found


def _drawn(row: Enrolment, step: StepSpec) -> str:
    experiment = row.campaign.experiment
    assert experiment is not None, "A launched campaign has an experiment."
    drawn = bucketing.draw_arm(
        salt=f"{experiment.salt}:split:{step.key}",
        key=row.account.external_id,
        holdout_percent=0,
        weights=[(way.key, way.weight) for way in step.ways],
    )
    assert drawn.arm is not None, "Nobody is held out here."
    return drawn.arm
