"""What sequences plan, delivery can send: the seam between the two rooms, without any provider."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent import opt_out
from campaigns.delivery import claim, dispatch
from campaigns.delivery.models import InAppMessage, Message
from campaigns.profiles.models import Account
from campaigns.sequences import advance, replan, selectors, wake
from campaigns.sequences.models import Enrolment
from orchestrator import clock
from orchestrator.channels import registry
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def campaign(settings):
    settings.SENDGRID_API_KEY = ""
    registry.outbox("email").clear()
    make.market()
    make.ready_account(name="Harbour & Sons")
    return make.launched(holdout_percent=None)


def send(channel: str, at=NOW) -> None:
    claim.make_ready(now=at, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel=channel, now=at, worker="tests", seconds=5)


def test_the_first_mail_goes_out_with_name_price_and_footer(campaign):
    send("email")
    (mail,) = registry.outbox("email").sent
    assert Message.objects.get().state == Message.State.ACCEPTED
    assert "Hello Noa, Team is 99.00." in mail.text
    assert "List-Unsubscribe" in mail.headers


def test_the_banner_is_put_where_the_product_fetches_it(campaign):
    send("email")
    later = NOW + timedelta(days=3)
    wake.wake_concerned(now=later)
    advance.advance_due(now=later)
    send("in_app", later)
    banner = InAppMessage.objects.get()
    assert banner.contact == Enrolment.objects.get().contact
    assert "See Team." in banner.html
    assert "/c/" in banner.html


def test_changed_facts_come_back_and_go_out_anew(campaign):
    Account.objects.update(revision=7)
    send("email")
    assert selectors.ledger(campaign=campaign, now=NOW)["skips"] == {"FACTS_CHANGED": 1}
    assert replan.plan_anew(now=NOW) == 1
    send("email")
    assert selectors.ledger(campaign=campaign, now=NOW)["messages"]["ACCEPTED"] == 1


def test_an_opt_out_between_planning_and_sending_wins(campaign):
    opt_out.opt_out(point_id=Message.objects.get().point_id, source="unsubscribe_page", at=NOW, now=NOW)
    send("email")
    assert registry.outbox("email").sent == []
    assert selectors.ledger(campaign=campaign, now=NOW)["skips"] == {"OPTED_OUT": 1}
