"""What somebody looked at before they let a draft go live: nothing else does in its place.

The draft is its version. Around it stand what others may change at any time: the snippets in its texts, the segments
that make its audience and its ways, its offer. Prices, and who is in the audience, are found anew by the launch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from campaigns.segments import names
from campaigns.sequences import campaign_file, check, snippets
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.check import Finding
from campaigns.sequences.models import Campaign, CampaignVersion

_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Approval:
    """`version` is the draft's id; the others are digests."""

    version: int
    texts: str
    audience: str
    offer: str

    @property
    def digest(self) -> str:
        """Of all around the draft, as a form brings it back."""
        return f"{self.texts}-{self.audience}-{self.offer}"


def of_draft(*, campaign: Campaign) -> Approval:
    """As it stands now. To be asked before the draft is shown: what changes meanwhile then counts as unseen."""
    version = campaign.draft_version
    assert version is not None, "Only what is not live yet is approved."
    segment, offer = campaign.edited_segment, campaign.edited_offer
    terms = [offer.pk, offer.kind, offer.target_plan_id, offer.valid_days] if offer is not None else []
    audience = names.live_versions(segment=segment, conditions=_conditions(version))
    return Approval(version.pk, _digest(_texts(version)), _digest(audience), _digest(terms))


def read(*, version: str, digest: str) -> Approval | None:
    """What a form brings back; None for what no page of ours has said."""
    parts = digest.split("-")
    if not (version.isascii() and version.isdigit() and len(version) < 19 and len(parts) == 3):
        return None
    return Approval(int(version), *parts)


def find_change(*, seen: Approval, campaign: Campaign) -> Finding | None:
    """The first thing that is another now than it was when looked at."""
    now = of_draft(campaign=campaign)
    if seen.version != now.version:
        return check.draft_changed()
    if seen.texts != now.texts:
        return check.snippet_changed()
    if seen.audience != now.audience:
        return check.audience_changed()
    if seen.offer != now.offer:
        return check.offer_changed()
    return None


def hold_texts(*, version: CampaignVersion) -> None:
    """Until the transaction ends nobody changes a snippet that the version's texts include."""
    wanted = {slug for content in _contents(version).values() for slug in snippets.used_in(content=content)}
    snippets.hold(slugs=wanted)


def _conditions(version: CampaignVersion) -> list[dict[str, Any]]:
    """What its steps ask about whoever comes to them: who goes which way is decided by segments, too."""
    try:
        spec = campaign_file.parse(version.definition)
    except CampaignFileError:
        return []  # the check says so, and it is not launched
    return [dict(step.condition) for step in spec.steps if step.condition is not None]


def _texts(version: CampaignVersion) -> dict[str, dict[str, dict[str, str]]]:
    return {place: snippets.expand(content=content) for place, content in _contents(version).items()}


def _contents(version: CampaignVersion) -> dict[str, snippets.Texts]:
    """By step and variant; a webhook's body includes nothing."""
    try:
        spec = campaign_file.parse(version.definition)
    except CampaignFileError:
        return {}  # the check says so, and it is not launched
    return {
        f"{step.key} {variant.key}": variant.content
        for step in spec.message_steps()
        if step.channel != "webhook"
        for variant in step.variants
    }


def _digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_LENGTH]
