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

_ABOUT = """
SELECT run.message_id
FROM sequences_steprun run
JOIN sequences_enrolment enrolment ON enrolment.id = run.enrolment_id
JOIN sequences_campaignversion version ON version.id = enrolment.version_id
WHERE run.message_id = ANY(%(ids)s::bigint[]) AND version.offer_id = ANY(%(offers)s::bigint[])
"""


def find(message_ids: Sequence[int]) -> Mapping[int, str]:
    """OFFER_WITHDRAWN by message id, for `delivery.objections`."""
    with connection.cursor() as cursor:
        cursor.execute(_OFF)
        offers = [row[0] for row in cursor.fetchall()]
        if not offers:
            return {}
        cursor.execute(_ABOUT, {"ids": arrays.numbers(message_ids), "offers": offers})
        return {row[0]: REASON for row in cursor.fetchall()}
