from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.billing import reconcile, subscribe
from campaigns.billing.models import MrrMovement, Subscription
from campaigns.profiles.models import Account, AccountChange
from tests.campaigns.billing.states import T0, make_state
from tests.factories.billing import PlanFactory, PlanPriceFactory
from tests.factories.profiles import AccountFactory

NOW = T0 + timedelta(days=60)
DAY = timedelta(days=1)


def apply(account, cause="evt_1", **changes):
    return subscribe.apply_subscription(state=make_state(**changes), account_id=account.pk, cause=cause, now=NOW)


@pytest.fixture
def account(db):
    PlanFactory(code="basic", rank=10)
    PlanFactory(code="team", rank=20)
    return AccountFactory(external_id="a1")


def test_a_first_paid_subscription_is_new_revenue(account):
    movement = apply(account)

    assert (movement.kind, movement.delta, movement.from_plan, movement.to_plan.code) == (
        "NEW",
        Decimal("29.00"),
        None,
        "basic",
    )


def test_an_upgrade_is_an_expansion_by_the_difference(account):
    apply(account)
    movement = apply(account, "evt_2", plan_code="team", mrr=Decimal("99.00"), as_of=T0 + DAY)

    assert (movement.kind, movement.delta) == ("EXPANSION", Decimal("70.00"))
    assert (movement.from_plan.code, movement.to_plan.code, movement.at) == ("basic", "team", T0 + DAY)


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        ([("ACTIVE", 29), ("ACTIVE", 19)], ["NEW", "CONTRACTION"]),
        ([("ACTIVE", 29), ("CANCELED", 29)], ["NEW", "CHURN"]),
        ([("ACTIVE", 29), ("CANCELED", 0), ("ACTIVE", 29)], ["NEW", "CHURN", "REACTIVATION"]),
        ([("TRIALING", 0), ("ACTIVE", 29)], ["NEW"]),
        ([("ACTIVE", 29), ("PAST_DUE", 29)], ["NEW"]),
    ],
)
def test_the_kind_of_movement_follows_the_accounts_revenue_before_and_after(account, steps, kinds):
    for number, (status, mrr) in enumerate(steps):
        apply(account, f"evt_{number}", status=status, mrr=Decimal(mrr), as_of=T0 + number * DAY)

    assert list(MrrMovement.objects.order_by("id").values_list("kind", flat=True)) == kinds


def test_a_second_subscription_of_a_paying_account_is_an_expansion(account):
    apply(account)
    movement = apply(account, "evt_2", external_id="sub_2", mrr=Decimal("10.00"))

    assert (movement.kind, movement.delta) == ("EXPANSION", Decimal("10.00"))


def test_an_older_report_is_ignored(account):
    apply(account, as_of=T0 + DAY)
    movement = apply(account, "evt_0", mrr=Decimal("9.00"), as_of=T0)

    assert movement is None
    assert Subscription.objects.get().mrr == Decimal("29.00")


def test_the_same_report_again_moves_nothing(account):
    apply(account)
    changes = AccountChange.objects.count()

    assert apply(account) is None
    assert AccountChange.objects.count() == changes


def test_every_movement_bumps_the_accounts_revision_and_a_renewal_does_not(account):
    apply(account)
    apply(account, "evt_2", renews_at=T0 + 30 * DAY, as_of=T0 + DAY)

    account.refresh_from_db()
    assert account.revision == 1


def test_an_unknown_plan_changes_nothing_and_says_which(account):
    with pytest.raises(subscribe.UnknownPlanError, match="gold"):
        apply(account, plan_code="gold")

    assert not Subscription.objects.exists()


def test_a_price_without_a_plan_is_found_by_the_id_that_was_learnt(account):
    PlanPriceFactory(plan=PlanFactory(code="basic"), billing_price_id="price_basic_month_usd")
    apply(account, plan_code="")

    assert Subscription.objects.get().plan.code == "basic"


def test_a_subscription_that_changes_hands_moves_both_accounts(account):
    apply(account)
    other = AccountFactory()
    movement = apply(other, "evt_2", as_of=T0 + DAY)

    assert (movement.account, movement.kind) == (other, "NEW")
    assert MrrMovement.objects.get(account=account, kind="CHURN").delta == Decimal("-29.00")
    assert reconcile.list_mismatches() == []


def test_of_two_reports_of_the_same_second_the_order_does_not_matter(account):
    apply(account, "evt_2", mrr=Decimal("99.00"))
    apply(account, "evt_1", status="INCOMPLETE", mrr=Decimal("99.00"))

    assert Subscription.objects.get().status == "ACTIVE"


def test_a_broken_ledger_is_named(account):
    apply(account)
    Subscription.objects.update(mrr=Decimal("30.00"))

    (mismatch,) = reconcile.list_mismatches()
    assert (mismatch.movements, mismatch.mrr) == (Decimal("29.00"), Decimal("30.00"))


REPORTS = st.lists(
    st.fixed_dictionaries(
        {
            "external_id": st.sampled_from(["sub_1", "sub_2"]),
            "status": st.sampled_from(["TRIALING", "ACTIVE", "PAST_DUE", "UNPAID", "CANCELED"]),
            "mrr": st.decimals(0, 500, places=2),
            "currency": st.sampled_from(["USD", "USD", "EUR"]),
            "plan_code": st.sampled_from(["basic", "team"]),
            "as_of": st.integers(0, 5).map(lambda days: T0 + days * DAY),
            "ended_at": st.none() | st.integers(0, 5).map(lambda days: T0 + days * DAY),
        }
    ),
    max_size=8,
)


class LedgerTests(TestCase):
    accounts: list[Account]

    @classmethod
    def setUpTestData(cls):
        PlanFactory(code="basic"), PlanFactory(code="team")
        cls.accounts = [AccountFactory(), AccountFactory()]

    @settings(max_examples=60, deadline=None)
    @given(reports=REPORTS, owners=st.lists(st.booleans(), min_size=8, max_size=8))
    def test_the_movements_always_add_up_to_the_mrr(self, reports, owners):
        for number, report in enumerate(reports):
            apply(self.accounts[owners[number]], f"evt_{number}", **report)

        assert reconcile.list_mismatches() == []
