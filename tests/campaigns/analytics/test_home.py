from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Max

from campaigns.analytics import home
from campaigns.delivery.models import Message
from campaigns.offers import accept
from campaigns.operations.models import SendSwitch
from campaigns.segments.models import Segment
from campaigns.usage.models import UsageDaily
from orchestrator.connectors.contract import ConnectorBusy, ConnectorMisconfigured
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories import offers as offers_made
from tests.factories import sequences as make
from tests.factories.crm import CrmConnectionFactory, WriteBackFactory
from tests.factories.offers import quote_with_reader

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def campaign():
    make.market()
    for _ in range(5):
        make.ready_account()
    return make.launched(holdout_percent=None)


def titles(now=NOW) -> list[str]:
    return [need.title for need in home.find_needs(now=now)]


def test_when_all_runs_nothing_needs_anybody(campaign):
    assert titles() == []


def test_a_live_campaign_is_shown_with_its_counts(campaign):
    (row,) = home.list_campaigns(now=NOW)
    assert (row.campaign, row.audience, row.enrolled, row.holdout, row.sent, row.waiting) == (campaign, 5, 5, 0, 0, 5)


def test_messages_of_unknown_fate_need_somebody(campaign):
    Message.objects.update(state=Message.State.UNDETERMINED)
    assert titles() == ["5 messages may or may not have arrived"]


def test_a_failed_write_back_needs_somebody():
    WriteBackFactory(state="FAILED")
    assert titles() == ["1 write-back to the CRM failed"]


def test_a_yes_that_waits_for_us_needs_somebody():
    quote, contact_id = quote_with_reader()
    with billing_in_memory(ConnectorMisconfigured("check STRIPE_API_KEY")):
        accept.accept_quote(quote_uuid=quote.uuid, contact_id=contact_id, now=offers_made.NOW, wall_now=offers_made.NOW)
    (need,) = home.find_needs(now=NOW)
    assert need.title == "1 customer said yes, and the upgrade waits for us"
    assert need.detail.endswith("What to mend: check STRIPE_API_KEY")


def test_a_yes_that_billing_does_not_answer_needs_somebody_after_a_while():
    quote, contact_id = quote_with_reader()
    at = offers_made.NOW
    with billing_in_memory(ConnectorBusy("HTTP 503")):
        accept.accept_quote(quote_uuid=quote.uuid, contact_id=contact_id, now=at, wall_now=at)
    assert titles(at + timedelta(minutes=10)) == []
    assert titles(at + timedelta(minutes=20)) == ["1 upgrade waits for billing’s answer"]


def test_write_backs_that_wait_for_the_crm_need_somebody():
    WriteBackFactory(state="PENDING", attempts=3, last_error="HubSpot refused (HTTP 401)")
    assert titles() == ["1 write-back to the CRM waits"]


def test_only_the_last_sync_counts():
    connection = CrmConnectionFactory()
    connection.runs.create(state="FAILED", started_at=NOW, error="401: wrong key")
    assert titles() == ["The last sync of hubspot failed"]
    connection.runs.create(state="DONE", started_at=NOW + timedelta(minutes=5))
    assert titles() == []


def test_the_audience_of_a_live_campaign_must_stay_fresh(campaign):
    Segment.objects.update(refreshed_at=NOW - timedelta(hours=2))
    assert titles() == ["The segment Seats at 80 %: audience is no longer refreshed"]


def test_switched_off_sending_comes_first(campaign):
    Message.objects.update(state=Message.State.UNDETERMINED)
    SendSwitch.objects.update_or_create(id=1, defaults={"is_on": False, "changed_at": NOW, "changed_by": "ron"})
    assert titles()[0] == "Sending is switched off"


@pytest.mark.parametrize(("days", "told"), [(1, []), (3, ["No usage has come in for 3 days"])])
def test_usage_that_stopped_coming_is_told_while_a_campaign_runs(campaign, days, told):
    newest = UsageDaily.objects.aggregate(newest=Max("last_at"))["newest"]
    Segment.objects.update(refreshed_at=newest + timedelta(days=days))
    assert titles(now=newest + timedelta(days=days)) == told


def test_usage_that_stopped_coming_hurts_nobody_without_a_campaign():
    make.market()
    make.ready_account()
    UsageDaily.objects.update(last_at=NOW - timedelta(days=30))
    assert titles() == []
