from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.consent.models import ConsentTopic


def apply_topics(*, topics: Sequence[Mapping[str, Any]]) -> int:
    """Make or update the topics of a catalogue file; returns how many it names. Topics it leaves out stay.

    Each: `{"slug", "name", "is_marketing"?, "permitted_without_record"?: [channel…]}`.
    """
    rows = [
        ConsentTopic(
            slug=topic["slug"],
            name=topic.get("name") or topic["slug"],
            is_marketing=topic.get("is_marketing", True),
            permitted_without_record=list(topic.get("permitted_without_record", [])),
        )
        for topic in topics
    ]
    ConsentTopic.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=["name", "is_marketing", "permitted_without_record"],
    )
    return len(rows)


def export_topics() -> list[dict[str, Any]]:
    return [
        {
            "slug": topic.slug,
            "name": topic.name,
            "is_marketing": topic.is_marketing,
            "permitted_without_record": topic.permitted_without_record,
        }
        for topic in ConsentTopic.objects.order_by("slug")
    ]
