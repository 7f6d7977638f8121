"""Take a campaign file over as a draft, of a campaign that runs beside it. A wrong file changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from campaigns.billing.models import Plan
from campaigns.consent.models import ConsentTopic
from campaigns.offers.models import Offer
from campaigns.operations.models import AuditEntry
from campaigns.segments import parse as segment_parse
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.sequences import audience, campaign_file
from campaigns.sequences.campaign_file import CampaignFileError, CampaignSpec
from campaigns.sequences.models import Campaign, CampaignVersion


@transaction.atomic
def apply_campaign(*, document: Mapping[str, Any], by: str, now: datetime) -> CampaignVersion:
    """The draft that the file describes; the same file again gives the version that is there.

    Raises CampaignFileError. Of a campaign that was launched the draft stands beside what runs, and nothing of what
    runs changes before the draft is launched in its place.
    """
    spec = campaign_file.parse(document)
    stored = Campaign.objects.select_for_update(of=("self",)).filter(slug=spec.slug).first()
    if stored is not None and stored.live_version_id is not None:
        return _apply_beside(stored, spec, document, by, now)
    _check_names(spec)
    segment = audience.settle_audience(spec=spec, by=by, now=now)
    campaign = stored or Campaign(slug=spec.slug, created_at=now)
    campaign.name, campaign.purpose, campaign.changed_at = spec.name, spec.purpose, now
    campaign.segment, campaign.offer = segment, _offer(spec)
    campaign.save()
    version = campaign.draft_version
    if version is None or version.definition != document:
        version = campaign.draft_version = _new_version(campaign, document, by, now)
        campaign.save(update_fields=["draft_version"])
    _settle(version, campaign.segment, campaign.offer)
    return version


def export_campaign(*, campaign: Campaign) -> dict[str, Any]:
    """The file as it was applied: the draft if there is one, else what is live."""
    version = campaign.draft_version or campaign.live_version
    return dict(version.definition) if version else {}


@transaction.atomic
def begin_editing(*, campaign: Campaign, by: str, now: datetime) -> CampaignVersion:
    """A draft beside the version that runs, to begin with the same; the one that is there where there is one.

    Raises CampaignFileError where the campaign is over.
    """
    stored = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    draft, live = stored.draft_version, stored.live_version
    if draft is not None:
        return draft
    assert live is not None, "A campaign has a draft or something that runs."
    _refuse_over(stored)
    draft = _new_version(stored, live.definition, by, now)
    _settle(draft, stored.segment, stored.offer)
    Campaign.objects.filter(pk=stored.pk).update(draft_version=draft, changed_at=now)
    return draft


@transaction.atomic
def drop_draft(*, campaign: Campaign, by: str, now: datetime) -> bool:
    """Of a launched campaign: what runs goes on as it is. False where there was none."""
    stored = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    if not stored.is_edited_beside or stored.draft_version is None:
        return False
    Campaign.objects.filter(pk=stored.pk).update(draft_version=None, changed_at=now)
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action="campaign.draft_dropped",
        subject=f"campaign:{stored.slug}",
        before={"version": stored.draft_version.number},
    )
    return True


def _apply_beside(
    campaign: Campaign, spec: CampaignSpec, document: Mapping[str, Any], by: str, now: datetime
) -> CampaignVersion:
    live, draft = campaign.live_version, campaign.draft_version
    assert live is not None, "Asked before."
    if draft is None and live.definition == document:
        return live
    _refuse_over(campaign)
    _refuse_fixed(spec, campaign_file.parse(live.definition))
    _check_names(spec)
    launches = campaign.versions.filter(went_live_at__isnull=False).count()
    segment = audience.settle_audience(spec=spec, by=by, now=now, running=campaign.segment, launches=launches)
    if draft is None or draft.definition != document:
        draft = _new_version(campaign, document, by, now)
    _settle(draft, segment, _offer(spec))
    Campaign.objects.filter(pk=campaign.pk).update(draft_version=draft, changed_at=now)
    return draft


def _refuse_over(campaign: Campaign) -> None:
    if campaign.status not in (Campaign.Status.LIVE, Campaign.Status.PAUSED):
        words = f"The campaign {campaign.slug!r} was stopped for good: give the changed one another slug."
        raise CampaignFileError("slug", words)


def _refuse_fixed(spec: CampaignSpec, live: CampaignSpec) -> None:
    """What messages on their way and the comparison rest on stays as it was launched."""
    again = "stays as it was launched: give the changed campaign another slug."
    if spec.purpose != live.purpose:
        raise CampaignFileError("purpose", f"The purpose {again}")
    if spec.topic != live.topic:
        raise CampaignFileError("topic", f"The consent topic {again}")
    if spec.holdout_percent != live.holdout_percent:
        raise CampaignFileError("holdout_percent", f"The share that is held out {again}")
    if spec.arms() != live.arms():
        raise CampaignFileError("steps", f"The comparison (its variants and their weights) {again}")


def _settle(version: CampaignVersion, segment: Segment | None, offer: Offer | None) -> None:
    version.segment, version.offer = segment, offer
    version.save(update_fields=["segment", "offer"])


def _check_names(spec: CampaignSpec) -> None:
    _check_topic(spec)
    _check_branches(spec)
    _check_event(spec)


def _new_version(campaign: Campaign, document: Mapping[str, Any], by: str, now: datetime) -> CampaignVersion:
    newest = campaign.versions.aggregate(newest=Max("number"))["newest"] or 0
    return CampaignVersion.objects.create(
        campaign=campaign, number=newest + 1, definition=dict(document), created_at=now, created_by=by
    )


def _check_topic(spec: CampaignSpec) -> None:
    if not ConsentTopic.objects.filter(slug=spec.topic).exists():
        raise CampaignFileError("topic", f"There is no consent topic {spec.topic!r}: apply a catalogue that has it.")


def _check_branches(spec: CampaignSpec) -> None:
    for step in spec.steps:
        if step.condition is None:
            continue
        try:
            segment_parse.parse_definition(dict(step.condition), in_branch=True)
        except DefinitionError as error:
            path = f"{step.condition_path}.{error.path}" if error.path else step.condition_path
            raise CampaignFileError(path, error.message) from error


def _check_event(spec: CampaignSpec) -> None:
    if spec.entry.event is None:
        return
    try:
        segment_parse.parse_definition(dict(spec.entry.event))
    except DefinitionError as error:
        path = "entry.event.name" if error.path in ("", "event") else f"entry.event.{error.path}"
        raise CampaignFileError(path, error.message) from error


def _offer(spec: CampaignSpec) -> Offer | None:
    if spec.offer is None:
        return None
    stored = Offer.objects.select_related("target_plan").filter(slug=spec.offer.slug).first()
    if not spec.offer.name:
        if stored is None:
            raise CampaignFileError("offer", f"There is no offer {spec.offer.slug!r}: make it, or give it a name here.")
        return stored
    target = _target_plan(spec.offer.target_plan)
    if stored is None:
        return Offer.objects.create(slug=spec.offer.slug, name=spec.offer.name, target_plan=target)
    if stored.target_plan != target:
        # Other campaigns may name it: a campaign file makes an offer, it does not change one.
        raise CampaignFileError("offer.target_plan", f"The offer {stored.slug!r} exists with another target plan.")
    return stored


def _target_plan(code: str) -> Plan | None:
    if not code:
        return None
    plan = Plan.objects.filter(code=code).first()
    if plan is None:
        raise CampaignFileError("offer.target_plan", f"There is no plan {code!r}.")
    return plan
