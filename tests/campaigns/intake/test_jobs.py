from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns.intake import jobs
from campaigns.intake.models import InboundEvent
from campaigns.usage.models import UsageEvent
from orchestrator import clock
from orchestrator.jobs import queues
from tests.factories.intake import InboundEventFactory
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)


def rung() -> list[str]:
    names = (queues.NOW, queues.BULK)
    return sorted(str(job.args[0]) for name in names for job in queues.open_queue(name).jobs)


def come(kind: str, **payload: Any) -> InboundEvent:
    filled = {"properties": {}, "traits": {}, "context": {}, **payload}
    return InboundEventFactory(kind=kind, payload=filled, at=clock.utcnow() - timedelta(minutes=1))


def test_with_nothing_stored_no_bell_rings(empty_redis: object, business_clock: object) -> None:
    jobs.process_inbound()
    jobs.replay_parked()

    assert rung() == []


def test_an_event_becomes_usage_and_the_segments_are_told(empty_redis: object, business_clock: object) -> None:
    account = AccountFactory()
    come("track", event="report_made", context={"groupId": account.external_id})

    jobs.process_inbound()

    assert list(UsageEvent.objects.values_list("name", "account_id")) == [("report_made", account.pk)]
    assert "segments_due" in rung()


def test_an_event_of_an_unknown_account_waits_and_is_replayed_once_it_is_introduced(
    empty_redis: object, business_clock: object
) -> None:
    come("track", event="report_made", context={"groupId": "late"})
    jobs.process_inbound()
    parked_rings = rung()
    AccountFactory(external_id="late")

    jobs.replay_parked()

    assert (UsageEvent.objects.count(), "usage_stored" in parked_rings, "usage_stored" in rung()) == (0, False, True)
