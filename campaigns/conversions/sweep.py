"""The backstop of the pull: look at the recent past as if nothing had been read. It must find nothing new."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from campaigns.billing.models import MrrMovement
from campaigns.conversions import find, goals
from campaigns.conversions.models import Conversion

log = logging.getLogger(__name__)

# Longer than the longest goal window that is usual; billing reports no movement later than this.
LOOK_BACK = timedelta(days=90)


def sweep_conversions(*, now: datetime) -> list[Conversion]:
    """Writes what the pull missed and says so loudly: each one is a defect."""
    goals.settle_goals()
    missed: list[Conversion] = []
    rows = MrrMovement.objects.filter(kind=MrrMovement.Kind.EXPANSION, at__gte=now - LOOK_BACK).order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last)[: find.BATCH]):
        with transaction.atomic():
            missed += find.convert_movements(movements=batch, now=now)
        last = batch[-1].pk
    if missed:
        log.error("The sweep found %s conversions that the pull had missed.", len(missed))
    return missed
