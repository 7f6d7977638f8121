from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.analytics import home
from campaigns.offers import accept
from campaigns.usage.models import UsageDaily
from orchestrator.connectors.contract import ConnectorBusy, ConnectorMisconfigured
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories import offers as offers_made
from tests.factories import sequences as make
from tests.factories.crm import CrmConnectionFactory, WriteBackFactory
from tests.factories.offers import quote_with_reader

pytestmark = pytest.mark.django_db
NOW = make.NOW


def titles(now=NOW) -> list[str]:
    return [need.title for need in home.find_needs(now=now)]


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


def test_usage_that_stopped_coming_hurts_nobody_without_a_campaign():
    make.market()
    make.ready_account()
    UsageDaily.objects.update(last_at=NOW - timedelta(days=30))
    assert titles() == []
