from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.sandbox.company import generate
from orchestrator.sandbox.truth import Truth, next_price_of, segment_of
from orchestrator.sandbox.world import (
    COLD,
    GROWING,
    SEGMENTS_OF_CAMPAIGN,
    WORDING_A,
    WORDING_B,
    Wording,
    World,
)
from tests.orchestrator.sandbox.conftest import UNTIL

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
COMPANY = generate(seed=11, accounts=2000, until=UNTIL)


def hot(company=COMPANY) -> list:
    return [account for account in company.accounts if account.is_hot]


def begun(world: World | None = None) -> Truth:
    truth = Truth(world=world or World(), accounts=COMPANY.accounts)
    truth.begin(at=NOW)
    return truth


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Team: 30 seats for $99 a month", "a"),
        ("פרסומת: Team – 30 מושבים ב־‏369 ₪ לחודש", "a"),
        ("TEAM: 30 LOCURI LA 449 lei pe lună", "a"),
        ("8 of your 10 seats are taken", "b"),
        ("פרסומת: 8 מתוך 10 המושבים שלכם תפוסים", "b"),
        ("8 din cele 10 locuri sunt ocupate", "b"),
        ("Your receipt", None),
    ],
)
def test_wordings_are_recognised_in_three_languages(subject: str, name: str | None) -> None:
    found = World().wording_of(subject)
    assert (found.name if found else None) == name


def test_chances_that_add_up_to_more_than_one_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        World(base_upgrade={"basic": 0.6}, wordings=(Wording("x", ("x",), {"basic": 0.3}),))


def test_the_holdout_of_two_thousand_accounts_sees_enough_upgrades() -> None:
    """A fifth of the audience, unasked, within the goal's window."""
    world = World()
    expected = sum(world.base_upgrade[segment_of(a)] for a in hot() if a.story.crosses_on <= UNTIL) * 0.2
    assert expected >= 30


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_more_persuasion_never_loses_an_upgrade(seed: int) -> None:
    """Common random numbers: who upgrades unasked does so also when asked."""
    truth = Truth(world=World(seed=seed), accounts=COMPANY.accounts[:50])
    truth.begin(at=NOW)
    before = {state.account_id for state in truth.accounts.values() if state.cause}
    for account_id in truth.accounts:
        truth.record_mail(account_id=account_id, wording=WORDING_B, at=NOW)
    after = {state.account_id for state in truth.accounts.values() if state.cause}
    assert before <= after


def test_latent_numbers_depend_on_seed_and_account_alone() -> None:
    whole = Truth(world=World(seed=3), accounts=COMPANY.accounts)
    part = Truth(world=World(seed=3), accounts=COMPANY.accounts[100:110])
    assert all(whole.accounts[key].u == state.u for key, state in part.accounts.items())
    assert (
        Truth(world=World(seed=4), accounts=COMPANY.accounts[:1]).accounts.popitem()[1].u
        != next(iter(whole.accounts.values())).u
    )


def test_expected_increment_is_uplift_times_gain_at_the_first_moment() -> None:
    truth = begun()
    chosen = [account for account in hot() if account.plan == "team"][:7]
    for account in chosen:
        assert truth.record_mail(account_id=account.external_id, wording=WORDING_A, at=NOW)
    gains = [truth.accounts[account.external_id].delta for account in chosen]
    assert all(gain > 0 for gain in gains)
    report = truth.report()
    assert report["total"]["incremental_mrr"] == pytest.approx(0.06 * float(sum(gains)), abs=0.01)
    assert report["by_wording"]["a"]["incremental_mrr"] == report["total"]["incremental_mrr"]
    assert report["by_wording"]["b"]["incremental_mrr"] == 0
    assert report["by_segment"]["team"]["incremental_mrr"] == report["total"]["incremental_mrr"]


def test_an_account_still_undecided_later_counts_with_the_chance_it_then_has() -> None:
    truth = begun()
    account = next(a for a in hot() if a.plan == "basic")
    truth.record_mail(account_id=account.external_id, wording=WORDING_B, at=NOW + timedelta(days=10))
    undecided = 1 - World().organic_chance("basic") / 2
    assert truth.report()["total"]["incremental_upgrades"] == pytest.approx(0.10 / undecided, abs=1e-4)


def test_gain_is_the_next_plans_price_in_the_reporting_currency() -> None:
    truth = begun()
    account = next(a for a in hot() if a.plan == "basic" and a.price.currency == "ILS" and a.price.interval == "MONTH")
    assert truth.accounts[account.external_id].delta == (Decimal(369) - Decimal(109)) * Decimal("0.27")


def test_only_the_first_wording_counts_and_none_after_an_upgrade() -> None:
    truth = begun()
    first, second = hot()[:2]
    assert truth.record_mail(account_id=first.external_id, wording=WORDING_A, at=NOW)
    assert not truth.record_mail(account_id=first.external_id, wording=WORDING_B, at=NOW)
    truth.record_change(account_id=second.external_id, native_delta=Decimal(70), currency="USD", at=NOW, by="customer")
    assert not truth.record_mail(account_id=second.external_id, wording=WORDING_B, at=NOW)
    assert truth.accounts[first.external_id].wording == "a"


def test_a_lower_price_is_no_upgrade() -> None:
    truth = begun()
    account = hot()[0]
    truth.record_change(account_id=account.external_id, native_delta=Decimal(-5), currency="USD", at=NOW, by="product")
    assert truth.accounts[account.external_id].upgraded_at is None


def test_enterprise_and_trials_have_nowhere_to_go() -> None:
    assert {next_price_of(a) for a in COMPANY.accounts if a.plan == "enterprise" or a.status == "trialing"} == {None}


def test_realised_increment_averages_to_the_expected_one() -> None:
    """Over many worlds the accounts that upgrade because asked are worth what the model says."""
    people = [account for account in hot() if account.story.crosses_on <= UNTIL]
    expected, realised = 0.0, 0.0
    for seed in range(30):
        truth = Truth(world=replace(World(), seed=seed), accounts=people)
        truth.begin(at=NOW)
        for account in people:
            truth.record_mail(account_id=account.external_id, wording=WORDING_B, at=NOW)
        expected += truth.report(with_accounts=False)["total"]["incremental_mrr"]
        realised += sum(float(s.delta) for s in truth.accounts.values() if s.cause == "mail")
    assert realised == pytest.approx(expected, rel=0.05)


def test_a_text_message_adds_its_own_chance_to_a_growing_account() -> None:
    truth = begun()
    account = next(a for a in COMPANY.accounts if segment_of(a) == GROWING and next_price_of(a))
    assert truth.record_sms(account_id=account.external_id, at=NOW)
    assert not truth.record_sms(account_id=account.external_id, at=NOW)
    assert truth.report()["by_campaign"]["api-growth"]["incremental_upgrades"] == pytest.approx(0.05, abs=1e-4)


def test_no_account_is_meant_by_two_of_the_demos_campaigns() -> None:
    named = [segment for segments in SEGMENTS_OF_CAMPAIGN.values() for segment in segments]
    assert len(named) == len(set(named))
    assert {segment_of(account) for account in COMPANY.accounts} == {*named, COLD}
