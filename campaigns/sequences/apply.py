"""Take a campaign file over as a draft. A wrong file changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from campaigns.billing.models import Plan
from campaigns.consent.models import ConsentTopic
from campaigns.offers.models import Offer
from campaigns.segments import parse as segment_parse
from campaigns.segments.errors import DefinitionError
from campaigns.sequences import audience, campaign_file
from campaigns.sequences.campaign_file import CampaignFileError, CampaignSpec
from campaigns.sequences.models import Campaign, CampaignVersion


@transaction.atomic
def apply_campaign(*, document: Mapping[str, Any], by: str, now: datetime) -> CampaignVersion:
    """The draft that the file describes; the same file again gives the version that is there.

    Raises CampaignFileError. A campaign that was launched is not rewritten under those it is writing to.
    """
    spec = campaign_file.parse(document)
    stored = Campaign.objects.select_for_update(of=("self",)).filter(slug=spec.slug).first()
    if stored is not None and stored.status != Campaign.Status.DRAFT:
        return _unchanged_or_refused(stored, document)
    _check_topic(spec)
    _check_branches(spec)
    segment = audience.settle_audience(spec=spec, by=by, now=now)
    campaign = stored or Campaign(slug=spec.slug, created_at=now)
    campaign.name, campaign.purpose, campaign.changed_at = spec.name, spec.purpose, now
    campaign.segment, campaign.offer = segment, _offer(spec)
    campaign.save()
    version = campaign.draft_version
    if version is None or version.definition != document:
        version = campaign.draft_version = _new_version(campaign, document, by, now)
        campaign.save(update_fields=["draft_version"])
    return version


def export_campaign(*, campaign: Campaign) -> dict[str, Any]:
    """The file as it was applied: the draft if there is one, else what is live."""
    version = campaign.draft_version or campaign.live_version
    return dict(version.definition) if version else {}


def _unchanged_or_refused(campaign: Campaign, document: Mapping[str, Any]) -> CampaignVersion:
    live = campaign.live_version
    if live is not None and live.definition == document:
        return live
    words = f"The campaign {campaign.slug!r} was launched: give the changed one another slug."
    raise CampaignFileError("slug", words)


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
