"""Open names that nothing has used yet: traits and events. No errors, for data may still come; worth a warning."""

# ruff: noqa: S608  (only our own table names are formatted; values are always bound)
from __future__ import annotations

from typing import Any

from django.db import connection

from campaigns.segments import nodes, parse, sessions
from campaigns.segments.compile_fields import json_at

SECONDS = 3


def find_unseen(*, document: Any) -> list[tuple[str, str]]:
    """Pairs of path and warning. Looking at all events may take too long: then nothing is said."""
    definition = parse.as_definition(document)
    warnings = []
    for node in nodes.walk(definition.root):
        if isinstance(node, nodes.Field) and node.keys and not _has_trait(node):
            warnings.append((_at(node.path, "field"), f"No {node.owner} has the trait {'.'.join(node.keys)} yet."))
        if isinstance(node, nodes.Event) and not _has_event(node.name):
            warnings.append((_at(node.path, "event"), f"No event {node.name} has come in yet."))
    return warnings


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _has_trait(node: nodes.Field) -> bool:
    found = json_at("o.traits", node.keys)
    return _exists(f"SELECT 1 FROM profiles_{node.owner} o WHERE {found.text} IS NOT NULL LIMIT 1", found.params)


def _has_event(name: str) -> bool:
    return _exists("SELECT 1 FROM usage_usageevent e WHERE e.name = %s::text LIMIT 1", (name,))


def _exists(statement: str, params: tuple[Any, ...]) -> bool:
    try:
        with sessions.bounded(seconds=SECONDS, read_only=True), connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchone() is not None
    except sessions.SegmentTooSlow:
        return True
