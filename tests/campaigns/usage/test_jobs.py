from __future__ import annotations

from decimal import Decimal

import pytest

from campaigns.usage import jobs
from campaigns.usage.models import ThresholdCrossing
from orchestrator import clock
from orchestrator.jobs import queues
from tests.factories.billing import QuotaFactory, SubscriptionFactory
from tests.factories.usage import UsageDailyFactory
from tests.settled import wait_until_settled


@pytest.mark.django_db(transaction=True)
def test_crossings_are_noticed_and_the_segments_are_told(empty_redis: object, business_clock: object) -> None:
    subscription = SubscriptionFactory(plan=QuotaFactory(limit=Decimal(10)).plan)
    UsageDailyFactory(account=subscription.account, value=9, day=clock.utcnow().date())
    wait_until_settled()
    jobs.notice_crossings()
    assert ThresholdCrossing.objects.get().level == 80
    assert [job.args for job in queues.open_queue(queues.NOW).jobs] == [["segments_due"]]
