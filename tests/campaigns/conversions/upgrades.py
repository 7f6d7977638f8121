"""A launched campaign and who upgrades."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from campaigns.billing.models import MrrMovement
from campaigns.conversions import find, goals
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.factories.crm import CrmConnectionFactory

LATER = make.NOW + timedelta(days=2)


def campaign_of(number: int = 1, **changes):
    make.market()
    CrmConnectionFactory()
    for _ in range(number):
        make.ready_account()
    campaign = make.launched(**({"holdout_percent": None} | changes))
    goals.settle_goals()
    return campaign


def expansion(account, *, at=LATER, delta=70, **fields) -> MrrMovement:
    return MrrMovementFactory(
        subscription=account.subscriptions.get(), kind=MrrMovement.Kind.EXPANSION, delta=Decimal(delta), at=at, **fields
    )


def convert(*movements):
    return find.convert_movements(movements=movements, now=LATER)
