"""What came through the front doors about a person, emptied. What is still to be processed keeps its ids."""

from __future__ import annotations

from typing import Any

from django.db import connection

from campaigns.profiles.forget import Person

_THEIRS = """(
    payload ->> 'userId' = ANY(%(ids)s) OR payload ->> 'previousId' = ANY(%(ids)s)
    OR EXISTS (SELECT 1 FROM unnest(%(needles)s::text[]) AS one(needle) WHERE strpos(lower(payload::text), needle) > 0)
)"""
# An event without its ids would be nobody's: it waits for its turn with them, but says nothing about the person.
_STATEMENTS = (
    "UPDATE intake_inboundevent SET payload = %(nothing)s::jsonb WHERE state <> 'PENDING' AND ",
    "UPDATE intake_inboundevent SET payload = (payload - 'context') || %(traitless)s::jsonb"
    " WHERE state = 'PENDING' AND ",
    "DELETE FROM intake_parked WHERE waiting_for = ANY(%(waiting)s) OR ",
    "UPDATE intake_quarantined SET payload = %(nothing)s::jsonb WHERE ",
)


def forget(*, person: Person) -> None:
    """Reads the stored events from end to end: they are kept for months, and nobody is erased in a hurry."""
    params: dict[str, Any] = {
        "ids": list(person.external_ids),
        "needles": [needle.lower() for needle in person.needles],
        "waiting": [f"contact:{one}" for one in person.external_ids],
        "nothing": '{"erased": true}',
        "traitless": '{"traits": {}}',
    }
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement + _THEIRS, params)
