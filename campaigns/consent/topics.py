from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from campaigns.consent.models import ConsentTopic
from campaigns.operations.models import AuditEntry

CHANNELS = ("email", "sms", "in_app")
CONFIRMING = "topic.confirmed_in"
_KEYS = ("slug", "name", "is_marketing", "permitted_without_record", "words", "confirmed_in")
_WORDS = ("name", "description")
_LONGEST = 300
_COUNTRY = re.compile(r"[A-Z]{2}|\*")


class TopicError(ValueError):
    """A topic that cannot be stored: `path` says where in the file, `message` why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def apply_topics(*, topics: Sequence[Mapping[str, Any]]) -> int:
    """Make or update the topics of a catalogue file; returns how many it names. Topics it leaves out stay.

    Each: `{"slug", "name", "is_marketing"?, "permitted_without_record"?: [channel…],
    "words"?: {language: {"name"?, "description"?}}, "confirmed_in"?: [country or "*"…]}`.
    Raises TopicError before anything is written.
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
        update_fields=["name", "is_marketing", "permitted_without_record", "words", "confirmed_in"],
    )
    return len(rows)


def set_confirmed_in(*, slug: str, countries: Sequence[str], by: str, now: datetime) -> bool:
    """Where a reported yes to the topic waits for the person's own: two-letter codes, EVERYWHERE among them for all.

    What was said before stays as it stands. False, and nothing written, where it already is so or there is no such
    topic. Raises TopicError.
    """
    wanted = _read_countries(sorted(set(countries)), "confirmed_in")
    with transaction.atomic():
        topic = ConsentTopic.objects.select_for_update().filter(slug=slug).first()
        if topic is None or sorted(topic.confirmed_in) == wanted:
            return False
        before, topic.confirmed_in = topic.confirmed_in, wanted
        topic.save(update_fields=["confirmed_in"])
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action=CONFIRMING,
            subject=_subject(slug),
            before={"confirmed_in": before},
            after={"confirmed_in": wanted},
        )
    return True


def confirmed_in_before(*, topic: ConsentTopic) -> list[str] | None:
    """As it stood before the last change by a person; None where there was none, or something came after it."""
    last = AuditEntry.objects.filter(subject=_subject(topic.slug), action=CONFIRMING).order_by("-at", "-pk").first()
    if last is None or (last.after or {}).get("confirmed_in") != sorted(topic.confirmed_in):
        return None
    return list((last.before or {}).get("confirmed_in", []))


def _subject(slug: str) -> str:
    return f"topic:{slug}"


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
        words=_read_words(topic.get("words", {}), f"{path}.words"),
        confirmed_in=_read_countries(topic.get("confirmed_in", []), f"{path}.confirmed_in"),
    )
    try:
        row.clean_fields(exclude=["permitted_without_record", "words", "confirmed_in"])
    except ValidationError as error:
        key, words = next(iter(error.message_dict.items()))
        raise TopicError(f"{path}.{key}", words[0]) from error
    return row


def _read_countries(countries: Any, path: str) -> list[str]:
    if not isinstance(countries, list) or not all(
        isinstance(one, str) and _COUNTRY.fullmatch(one) for one in countries
    ):
        raise TopicError(path, "A list of two-letter country codes in capitals is needed; * means everywhere.")
    return list(countries)


def _read_words(words: object, path: str) -> dict[str, dict[str, str]]:
    if not isinstance(words, Mapping):
        raise TopicError(path, "An object is needed: language, then name and description.")
    read: dict[str, dict[str, str]] = {}
    for language, texts in words.items():
        if not isinstance(texts, Mapping):
            raise TopicError(f"{path}.{language}", f"An object with {' and '.join(_WORDS)} is needed.")
        for key, text in texts.items():
            if key not in _WORDS:
                raise TopicError(f"{path}.{language}.{key}", f"Unknown key; words are {' and '.join(_WORDS)}.")
            if not isinstance(text, str) or len(text) > _LONGEST or "\x00" in text:
                raise TopicError(f"{path}.{language}.{key}", f"A text of at most {_LONGEST} characters is needed.")
        read[str(language)] = dict(texts)
    return read


def export_topics() -> list[dict[str, Any]]:
    return [
        {
            "slug": topic.slug,
            "name": topic.name,
            "is_marketing": topic.is_marketing,
            "permitted_without_record": topic.permitted_without_record,
            "words": topic.words,
            **({"confirmed_in": topic.confirmed_in} if topic.confirmed_in else {}),
        }
        for topic in ConsentTopic.objects.order_by("slug")
    ]
