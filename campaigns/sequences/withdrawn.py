"""Messages about an offer that was switched off since they were planned. Asked by whoever begins them.

Registered while apps are loaded, when no model can be imported yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

from campaigns.operations import arrays

# Message.Reason.OFFER_WITHDRAWN.
REASON = "OFFER_WITHDRAWN"

# Hardly ever is one off, and then this is all that is asked.
_OFF = "SELECT id FROM offers_offer WHERE NOT is_active"

# What a message offers is kept with it: who waits for it may have been moved to a version that offers another thing. Of
# one from before that was kept, what the version offers.
OFFER_ID = "offer_id"
_ABOUT = f"""
SELECT run.message_id
FROM sequences_steprun run
JOIN delivery_message message ON message.id = run.message_id
JOIN sequences_enrolment enrolment ON enrolment.id = run.enrolment_id
JOIN sequences_campaignversion version ON version.id = enrolment.version_id
WHERE run.message_id = ANY(%(ids)s::bigint[])
    AND CASE WHEN message.context ? '{OFFER_ID}' THEN (message.context ->> '{OFFER_ID}')::bigint
        ELSE version.offer_id END = ANY(%(offers)s::bigint[])
"""  # noqa: S608  (a constant)


def find(message_ids: Sequence[int]) -> Mapping[int, str]:
    """OFFER_WITHDRAWN by message id, for `delivery.objections`."""
    with connection.cursor() as cursor:
        cursor.execute(_OFF)
        offers = [row[0] for row in cursor.fetchall()]
        if not offers:
            return {}
        cursor.execute(_ABOUT, {"ids": arrays.numbers(message_ids), "offers": offers})
        return {row[0]: REASON for row in cursor.fetchall()}
