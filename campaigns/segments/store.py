from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction

from campaigns.operations.models import AuditEntry
from campaigns.segments import parse, reading
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentVersion


def save_segment(*, slug: str, name: str, definition: Any, by: str, now: datetime) -> SegmentVersion:
    """Make the definition the segment's live version; the segment is made when there is none.

    `definition` is JSON text or parsed JSON. The same definition again changes nothing and returns the live
    version. Raises DefinitionError before anything is written.
    """
    _check_slug(slug)
    document = reading.read_json(definition) if isinstance(definition, str | bytes) else definition
    parse.parse_definition(document, own_slug=slug)
    stored = _storable(document, "")
    with transaction.atomic():
        segment, made = Segment.objects.get_or_create(slug=slug, defaults={"name": name or slug, "created_at": now})
        segment = Segment.objects.select_for_update().get(pk=segment.pk)
        live = segment.live_version
        if live and live.definition == stored and segment.archived_at is None:
            _rename(segment, name)
            return live
        number = (segment.versions.order_by("-number").values_list("number", flat=True).first() or 0) + 1
        version = segment.versions.create(number=number, definition=stored, created_at=now, created_by=by)
        segment.live_version, segment.archived_at = version, None
        segment.name = name or segment.name
        segment.save(update_fields=["live_version", "archived_at", "name"])
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="segment.made" if made else "segment.changed",
            subject=f"segment:{slug}",
            before=live.definition if live else None,
            after=stored,
        )
    version.segment = segment
    return version


def _rename(segment: Segment, name: str) -> None:
    if name and name != segment.name:
        segment.name = name
        segment.save(update_fields=["name"])


def _check_slug(slug: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise DefinitionError("", "A segment's slug has letters, digits, hyphens and underscores only.") from error
    longest = Segment._meta.get_field("slug").max_length
    if longest is not None and len(slug) > longest:
        raise DefinitionError("", f"A segment's slug has at most {longest} characters.")


def _storable(given: Any, path: str) -> Any:
    """The document with plain numbers. One that JSON can't carry to the last digit is refused, not rounded."""
    if isinstance(given, dict):
        return {key: _storable(value, f"{path}.{key}" if path else key) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [_storable(value, f"{path}[{index}]") for index, value in enumerate(given)]
    if not isinstance(given, Decimal):
        return given
    if given == given.to_integral_value():
        return int(given)
    if Decimal(repr(float(given))) != given:
        raise DefinitionError(path, "The number has more digits than a stored segment can keep (about 15).")
    return float(given)
