from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from campaigns.consent.models import ConsentTopic

CHANNELS = ("email", "sms", "in_app")
_KEYS = ("slug", "name", "is_marketing", "permitted_without_record")


class TopicError(ValueError):
    """A topic that cannot be stored: `path` says where in the file, `message` why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def apply_topics(*, topics: Sequence[Mapping[str, Any]]) -> int:
    """Make or update the topics of a catalogue file; returns how many it names. Topics it leaves out stay.

    Each: `{"slug", "name", "is_marketing"?, "permitted_without_record"?: [channel…]}`. Raises TopicError
    before anything is written.
    """
    if not isinstance(topics, list | tuple):
        raise TopicError("topics", "A list is needed.")
    rows = [_read(topic, f"topics[{index}]") for index, topic in enumerate(topics)]
    slugs = [row.slug for row in rows]
    for index, slug in enumerate(slugs):
        if slug in slugs[:index]:
            raise TopicError(f"topics[{index}].slug", f"The topic {slug} is named twice.")
    ConsentTopic.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=["name", "is_marketing", "permitted_without_record"],
    )
    return len(rows)


def _read(topic: object, path: str) -> ConsentTopic:
    if not isinstance(topic, Mapping):
        raise TopicError(path, "A topic is an object with a slug and a name.")
    for key in topic:
        if key not in _KEYS:
            raise TopicError(f"{path}.{key}", f"Unknown key; a topic has {', '.join(_KEYS)}.")
    is_marketing = topic.get("is_marketing", True)
    if not isinstance(is_marketing, bool):
        raise TopicError(f"{path}.is_marketing", "true or false is needed.")
    channels = topic.get("permitted_without_record", [])
    if not isinstance(channels, list) or not all(channel in CHANNELS for channel in channels):
        raise TopicError(f"{path}.permitted_without_record", f"A list of {', '.join(CHANNELS)} is needed.")
    row = ConsentTopic(
        slug=topic.get("slug", ""),
        name=topic.get("name") or topic.get("slug", ""),
        is_marketing=is_marketing,
        permitted_without_record=list(channels),
    )
    try:
        row.clean_fields(exclude=["permitted_without_record"])
    except ValidationError as error:
        key, words = next(iter(error.message_dict.items()))
        raise TopicError(f"{path}.{key}", words[0]) from error
    return row


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
