"""Let a draft go live: everything it needs is made in one transaction, then its audience is taken in.

A draft beside a version that runs takes its place for all who enter from then on; who is inside goes on in the version
they entered (`move` brings them over).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max

from campaigns.delivery import content, gates
from campaigns.delivery.models import Message, SendGate
from campaigns.experiments import design
from campaigns.experiments.models import Assignment, Experiment
from campaigns.operations import pulling, statistics
from campaigns.operations.models import AuditEntry
from campaigns.segments import refresh
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import approval, campaign_file, check, enrol, shares, tracking, wording
from campaigns.sequences.approval import Approval
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.check import Finding
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Entry, Step, StepRun, StepVariant
from campaigns.sequences.step_file import StepSpec, VariantSpec
from orchestrator.templating.errors import TemplateError

# N* of the anytime interval when the audience is smaller: an interval tuned to less says little sooner.
SMALLEST_PLAN = 250
_LAUNCHABLE = (Campaign.Status.DRAFT, Campaign.Status.LIVE, Campaign.Status.PAUSED)


@dataclass(frozen=True, slots=True)
class LaunchReport:
    """Accounts by outcome, `not_enrolled` by reason."""

    enrolled: int
    holdout: int
    not_enrolled: dict[str, int] = field(default_factory=dict)


class LaunchRefused(Exception):
    """Blockers stand in the way; nothing was changed. `findings` are the blockers."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = list(findings)


def launch(*, campaign: Campaign, by: str, now: datetime, salt: str = "", seen: Approval | None = None) -> LaunchReport:
    """Check, refresh the audience, go live, enrol all of it. Returns when everybody is in their place.

    `by` is who approved it, `seen` what they looked at: nothing else is launched in its place.
    Should the process die after going live, the enrol job goes on from the rows.
    Raises LaunchRefused.
    """
    blockers = check.find_blockers(campaign=campaign, now=now)
    if blockers:
        raise LaunchRefused(blockers)
    segment = campaign.edited_segment
    assert segment is not None, "Applying a file settles the audience."
    refreshed = refresh.refresh_segment(segment=segment, now=now)
    if refreshed.error:
        raise LaunchRefused([check.audience_failed(refreshed.error)])
    newest = _go_live(campaign.pk, by, now, salt, seen)
    enrol.enrol_audience(campaign=campaign, now=now)
    statistics.renew_statistics(Entry, Enrolment, StepRun, Message, Assignment)
    campaign.refresh_from_db()
    return _report(campaign, newest)


def _report(campaign: Campaign, after: int) -> LaunchReport:
    """From the rows: another worker may have taken half of them in."""
    entries = Entry.objects.filter(campaign=campaign, pk__gt=after)
    counted = {
        (one["outcome"], one["reason"]): one["n"] for one in entries.values("outcome", "reason").annotate(n=Count("pk"))
    }
    return LaunchReport(
        enrolled=counted.get((Entry.Outcome.ENROLLED, ""), 0),
        holdout=counted.get((Entry.Outcome.HOLDOUT, ""), 0),
        not_enrolled={reason: n for (_outcome, reason), n in sorted(counted.items()) if reason},
    )


@transaction.atomic
def _go_live(campaign_id: int, by: str, now: datetime, salt: str, seen: Approval | None) -> int:
    """DRAFT to LIVE once: of two people launching at the same time the second is refused. Returns the newest entry
    that was there before."""
    # Nobody enters while one version takes the other's place.
    shares.lock_all(slug=Campaign.objects.values_list("slug", flat=True).get(pk=campaign_id))
    campaign = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign_id)
    newest = Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    version = campaign.draft_version
    if campaign.status not in _LAUNCHABLE or version is None:
        raise LaunchRefused([check.not_a_draft(campaign)])
    approval.hold_texts(version=version)
    changed = approval.find_change(seen=seen, campaign=campaign) if seen is not None else None
    if changed is not None:
        raise LaunchRefused([changed])
    spec = campaign_file.parse(version.definition)
    _write_steps(campaign, version, spec, now)
    CampaignVersion.objects.filter(pk=version.pk).update(went_live_at=now, approved_by=by)
    if campaign.live_version is not None:
        _renew(campaign, version, spec, by, now)
        return newest
    gate = _open_gate(spec, now)
    went_live = Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.DRAFT).update(
        status=Campaign.Status.LIVE,
        live_version=version,
        draft_version=None,
        gate=gate,
        experiment=_start_experiment(campaign, spec, now, salt),
        launched_at=now,
        launched_by=by,
        changed_at=now,
    )
    assert went_live, "The row is locked."
    before = {"status": Campaign.Status.DRAFT}
    _note_launch(campaign, before, {"status": Campaign.Status.LIVE, "version": version.number, "approved_by": by}, now)
    return newest


def _renew(campaign: Campaign, version: CampaignVersion, spec: CampaignSpec, by: str, now: datetime) -> None:
    """The draft in place of what runs; a paused campaign stays paused. Gate, experiment and draws stay."""
    live = campaign.live_version
    assert live is not None and campaign.experiment_id is not None, "It was launched."
    _set_gate(spec, now)
    if spec.goal is not None:
        design.change_goal_window(experiment_id=campaign.experiment_id, days=spec.goal.window_days)
    if version.segment_id != campaign.segment_id:
        # Stays in the new audience began before it was this campaign's: all of them are to be read.
        for cursor in shares.lock_all(slug=campaign.slug):
            pulling.restart_cursor(cursor=cursor)
    Campaign.objects.filter(pk=campaign.pk).update(
        name=spec.name,
        live_version=version,
        draft_version=None,
        segment=version.segment,
        offer=version.offer,
        changed_at=now,
    )
    _note_launch(campaign, {"version": live.number}, {"version": version.number, "approved_by": by}, now)


def _note_launch(campaign: Campaign, before: dict[str, Any], after: dict[str, Any], now: datetime) -> None:
    AuditEntry.objects.create(
        at=now,
        actor=after["approved_by"],
        action="campaign.launch",
        subject=f"campaign:{campaign.slug}",
        before=before,
        after=after,
    )


def _open_gate(spec: CampaignSpec, now: datetime) -> SendGate:
    gate = _set_gate(spec, now)
    gates.open_gate(slug=spec.slug, now=now)
    return gate


def _set_gate(spec: CampaignSpec, now: datetime) -> SendGate:
    return gates.set_gate(
        slug=spec.slug,
        purpose=spec.purpose,
        topic=spec.topic,
        priority=spec.limits.priority,
        window_start=spec.limits.window_from,
        window_end=spec.limits.window_to,
        now=now,
    )


def _start_experiment(campaign: Campaign, spec: CampaignSpec, now: datetime, salt: str) -> Experiment:
    size = SegmentMembership.objects.filter(segment=campaign.segment, left_at__isnull=True).count()
    return design.make_experiment(
        slug=spec.slug,
        name=spec.name,
        holdout_percent=spec.holdout_percent,
        variants=spec.arms(),
        goal_window_days=spec.goal.window_days if spec.goal else 14,
        planned_accounts=max(size, SMALLEST_PLAN),
        now=now,
        salt=salt,
    )


def _write_steps(campaign: Campaign, version: CampaignVersion, spec: CampaignSpec, now: datetime) -> None:
    for position, one in enumerate(spec.steps):
        step = Step.objects.create(
            version=version,
            key=one.key,
            position=position,
            kind=one.kind,
            channel=one.channel,
            wait=one.wait,
            condition=dict(one.condition) if one.condition is not None else None,
            then=one.then,
            otherwise=one.otherwise,
        )
        for variant in one.variants:
            _write_variant(campaign, step, variant, one, spec, now)


def _write_variant(
    campaign: Campaign, step: Step, variant: VariantSpec, one: StepSpec, spec: CampaignSpec, now: datetime
) -> None:
    texts = wording.delivery_content(
        channel=step.channel, content=variant.content, has_offer=spec.offer is not None, utm=spec.tracking.utm
    )
    try:
        version = content.store_version(
            slug=f"{campaign.slug}-{step.key}-{variant.key}",
            name=f"{campaign.name}: {step.key} {variant.key}",
            channel=step.channel,
            content=tracking.by_way_of_us(channel=step.channel, content=texts) if spec.tracking.clicks else texts,
            now=now,
        )
    except TemplateError as error:
        raise LaunchRefused([check.text_failed(error, one, variant)]) from error
    StepVariant.objects.create(step=step, key=variant.key, template_version=version)
