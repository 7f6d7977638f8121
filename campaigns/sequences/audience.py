"""A campaign's audience as a stored segment: an inline definition or a list of contacts becomes one of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaigns.segments import store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.sequences import triggers
from campaigns.sequences.campaign_file import CampaignFileError, CampaignSpec

# The grammar's limits: values of one `in`, conditions of one definition.
_LIST, _CONDITIONS = 1000, 200


def settle_audience(
    *, spec: CampaignSpec, by: str, now: datetime, running: Segment | None = None, launches: int = 0
) -> Segment:
    """The segment that the file means, made or given a new version where the file brings the definition.

    `running` is the audience of a campaign that was launched, `launches` times so far: it is not changed under those
    who are inside, so that another definition becomes a segment of its own.

    Raises CampaignFileError with the path into the file.
    """
    if spec.audience.segment_slug:
        segment = Segment.objects.filter(slug=spec.audience.segment_slug, archived_at__isnull=True).first()
        if segment is None or segment.live_version_id is None:
            words = f"There is no segment {spec.audience.segment_slug!r}: make it first, or write its definition here."
            raise CampaignFileError("audience.segment", words)
        return segment
    document = definition_of(spec=spec)
    if running is not None and running.live_version is not None and running.live_version.definition == document:
        return running
    slug = f"{spec.slug}-audience" if not launches else f"{spec.slug}-audience-{launches + 1}"
    stored = Segment.objects.filter(slug=slug).select_related("live_version").first()
    if stored is not None and stored.live_version is not None and stored.live_version.definition == document:
        return stored
    try:
        version = store.save_segment(slug=slug, name=f"{spec.name}: audience", definition=document, by=by, now=now)
    except DefinitionError as error:
        path = f"audience.segment.{error.path}" if error.path else "audience.segment"
        raise CampaignFileError(path, error.message) from error
    return version.segment


def definition_of(*, spec: CampaignSpec) -> dict[str, Any]:
    """The definition that the file brings: its own, or one that names the contacts."""
    if spec.audience.definition is not None:
        return dict(spec.audience.definition)
    ids = spec.audience.contacts
    if len(ids) > _LIST * _CONDITIONS:
        raise CampaignFileError("audience.contacts", f"At most {_LIST * _CONDITIONS} contacts can be listed.")
    lists = [list(ids[start : start + _LIST]) for start in range(0, len(ids), _LIST)]
    return {
        "subject": "contact",
        "any": [{"field": "contact.external_id", "op": "in", "value": values} for values in lists],
    }


def meter_of(*, segment: Segment | None) -> str | None:
    """The meter that the audience is about: the first one its definition names. Its evidence goes into messages."""
    return triggers.meter_of(segment=segment)
