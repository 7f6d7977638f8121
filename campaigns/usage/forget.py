from __future__ import annotations

from django.db import connection

from campaigns.profiles.forget import Person

# Numbers are the account's usage; a property that holds an address of the person is not.
_STRIP = """
UPDATE usage_usageevent SET properties = coalesce((
    SELECT jsonb_object_agg(one.key, one.value) FROM jsonb_each(properties) AS one(key, value)
    WHERE NOT EXISTS (
        SELECT 1 FROM unnest(%(needles)s::text[]) AS said(needle) WHERE strpos(lower(one.value::text), needle) > 0)
), '{}'::jsonb)
WHERE contact_id = %(contact)s AND EXISTS (
    SELECT 1 FROM unnest(%(needles)s::text[]) AS said(needle) WHERE strpos(lower(properties::text), needle) > 0)
"""


def forget(*, person: Person) -> None:
    """Properties of their events that hold one of their addresses go; numbers stay, they are the account's usage."""
    needles = [needle.lower() for needle in person.needles]
    if needles:
        with connection.cursor() as cursor:
            cursor.execute(_STRIP, {"needles": needles, "contact": person.contact_id})
