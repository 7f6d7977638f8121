"""What the tests of the home page share."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from tests.factories.results import keep_snapshots
from tests.factories.sequences import NOW

LATER = NOW + timedelta(days=42)
HOME = "/admin/studio/"


def looked_at_once(campaign):
    """PostgreSQL plans by what it knows of the tables; of rows made a moment ago it knows nothing yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE sequences_entry, sequences_enrolment, sequences_steprun, delivery_message,"
            " experiments_assignment, conversions_conversion, conversions_attributioncredit, profiles_account"
        )
    keep_snapshots(campaign, every=42)
    return campaign
