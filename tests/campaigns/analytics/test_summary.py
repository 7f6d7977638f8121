from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from campaigns.analytics import summary
from campaigns.billing.models import MrrMovement
from campaigns.consent import opt_out
from campaigns.conversions import find, goals
from campaigns.crm.models import WriteBack
from campaigns.delivery.models import Message
from campaigns.sequences import advance, lifecycle, wake
from campaigns.sequences.models import Enrolment
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.factories.crm import CrmConnectionFactory

NOW = make.NOW
LATER = NOW + timedelta(days=3)
FATES = st.sampled_from(["past due", "nobody", "opted out", "waits", "sent", "clicked", "upgrades", "leaves"])


def account_with_fate(fate: str):
    if fate == "past due":
        return make.ready_account(subscription={"status": "PAST_DUE"})
    account = make.account_near_limit()
    if fate != "nobody":
        make.reader(account, topics={"offers": "WITHDRAWN"} if fate == "opted out" else None)
    return account


def live_through(fate: str, account) -> None:
    messages = Message.objects.filter(account=account)
    if fate in ("sent", "clicked"):
        messages.update(state="ACCEPTED", accepted_at=NOW, clicked_at=NOW if fate == "clicked" else None)
    if fate == "upgrades":
        movement = MrrMovementFactory(
            subscription=account.subscriptions.get(),
            kind=MrrMovement.Kind.EXPANSION,
            delta=Decimal(70),
            at=NOW + timedelta(days=1),
        )
        find.convert_movements(movements=[movement], now=NOW)
    if fate == "leaves":
        for point_id in messages.values_list("point_id", flat=True):
            opt_out.opt_out(point_id=point_id, source="unsubscribe_page", at=NOW, now=NOW)


def run(fates: list[str], *, holdout_percent: int = 20):
    make.market()
    CrmConnectionFactory()
    accounts = [(fate, account_with_fate(fate)) for fate in fates]
    campaign = make.launched(holdout_percent=holdout_percent)
    goals.settle_goals()
    for fate, account in accounts:
        live_through(fate, account)
    # Each is looked at, whatever it waits for.
    Enrolment.objects.exclude(step_key="").update(due_at=LATER)
    advance.advance_due(now=LATER)
    wake.complete_finished(now=LATER)
    return campaign


@pytest.mark.django_db
def test_a_summary_shows_every_part_of_a_campaign():
    campaign = run(
        ["past due", "nobody", "opted out", "waits", "sent", "clicked", "upgrades", "leaves"], holdout_percent=0
    )
    got = summary.campaign_summary(campaign=campaign, now=LATER)
    assert got.ledger["accounts"] == {
        "audience": 8,
        "holdout": 0,
        "enrolled": 5,
        "not_enrolled": {"no_reachable_contact": 1, "opted_out": 1, "payment_failed": 1},
    }
    assert got.conversions == {"enrolled": 1, "holdout": 0, "via_link": 0, "credited": 0}
    assert got.write_backs == {"ACCOUNT_STATUS": {"PENDING": 1}, "DEAL": {"PENDING": 1}}
    assert got.ledger["skips"] == {"CONVERTED": 1, "OPTED_OUT": 1}
    assert got.exits == {"COMPLETED": 1, "CONVERTED": 1, "OPTED_OUT": 1}
    assert [row["step"] for row in got.steps][-1] == "banner"
    assert got.is_closed


@pytest.mark.django_db
def test_a_stopped_campaign_still_sums():
    campaign = run(["waits"] * 6)
    lifecycle.stop(campaign=campaign, by="dana", now=LATER)
    assert summary.campaign_summary(campaign=campaign, now=LATER).is_closed


@pytest.mark.django_db
def test_a_sum_that_does_not_close_is_said():
    campaign = run(["waits"] * 3, holdout_percent=0)
    Message.objects.all()[0].step_run.delete()
    broken = [check for check in summary.campaign_summary(campaign=campaign, now=LATER).checks if not check.ok]
    assert broken


class TestSums(HypothesisTestCase):
    @settings(max_examples=15, deadline=None)
    @given(fates=st.lists(FATES, min_size=1, max_size=10), holdout_percent=st.sampled_from([0, 20, 60]))
    def test_whatever_becomes_of_the_accounts_every_sum_closes(self, fates, holdout_percent):
        campaign = run(fates, holdout_percent=holdout_percent)
        got = summary.campaign_summary(campaign=campaign, now=LATER)
        assert [check.sentence for check in got.checks if not check.ok] == []
        assert got.ledger["accounts"]["audience"] == len(fates)
        assert got.ledger["contacts"]["enrolled"] == Enrolment.objects.count()
        assert sum(got.write_backs.get("DEAL", {}).values()) == WriteBack.objects.filter(kind="DEAL").count()
