from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from campaigns.billing import catalog
from campaigns.billing.models import Plan, PlanPrice, Quota
from campaigns.profiles.models import AccountChange
from orchestrator.sandbox import catalogue
from tests.factories.billing import SubscriptionFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def document():
    return copy.deepcopy(catalogue.catalog())


@pytest.mark.django_db
def test_a_catalogue_is_applied_once_and_again_changes_nothing():
    first = catalog.apply_catalog(document=document(), now=NOW)
    again = catalog.apply_catalog(document=document(), now=NOW)

    assert (first.as_json(), again.as_json()) == (
        {"created": 4, "updated": 0, "unchanged": 0},
        {"created": 0, "updated": 0, "unchanged": 4},
    )
    assert PlanPrice.objects.count() == 32
    assert Quota.objects.get(plan__code="enterprise", meter="seats_used").limit is None


@pytest.mark.django_db
def test_what_is_exported_is_what_was_applied():
    catalog.apply_catalog(document=document(), now=NOW)
    exported = catalog.export_catalog()

    assert catalog.apply_catalog(document=exported, now=NOW).unchanged == 4
    assert [plan["code"] for plan in exported["plans"]] == ["basic", "team", "pro", "enterprise"]


@pytest.mark.django_db
def test_a_new_quota_is_a_change_of_every_account_on_the_plan():
    catalog.apply_catalog(document=document(), now=NOW)
    subscription = SubscriptionFactory(plan=Plan.objects.get(code="basic"))
    SubscriptionFactory(plan=Plan.objects.get(code="team"))
    changed = document()
    changed["plans"][0]["quotas"]["seats_used"] = 12

    applied = catalog.apply_catalog(document=changed, now=NOW)

    assert applied.updated == 1
    assert AccountChange.objects.get().account_id == subscription.account_id


@pytest.mark.django_db
def test_a_quota_that_is_no_longer_named_goes():
    catalog.apply_catalog(document=document(), now=NOW)
    changed = document()
    del changed["plans"][0]["quotas"]["projects"]
    catalog.apply_catalog(document=changed, now=NOW)

    assert not Quota.objects.filter(plan__code="basic", meter="projects").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda plan: plan.update(rank="high"), "plans[1].rank"),
        (lambda plan: plan["prices"][0].update(unit_amount=-1), "plans[1].prices[0].unit_amount"),
        (lambda plan: plan["prices"][0].update(interval="WEEK"), "plans[1].prices[0].interval"),
        (lambda plan: plan["prices"][0].update(lookup_key="basic_month_usd"), "plans[1].prices"),
        (lambda plan: plan.update(quotas=[]), "plans[1].quotas"),
        (lambda plan: plan.pop("code"), "plans[1].code"),
    ],
)
def test_a_wrong_document_says_where_and_changes_nothing(change, path):
    wrong = document()
    change(wrong["plans"][1])

    with pytest.raises(catalog.CatalogError) as refused:
        catalog.apply_catalog(document=wrong, now=NOW)

    assert refused.value.path == path
    assert not Plan.objects.exists()


@pytest.mark.django_db
def test_billings_own_price_id_is_learnt_once():
    catalog.apply_catalog(document=document(), now=NOW)

    assert catalog.learn_price(lookup_key="team_month_usd", billing_price_id="price_9") is True
    assert catalog.learn_price(lookup_key="team_month_usd", billing_price_id="price_9") is False
    assert PlanPrice.objects.get(billing_price_id="price_9").unit_amount == Decimal(99)


@pytest.mark.django_db
def test_the_price_of_an_extra_seat_is_kept_and_taken_away_again():
    catalog.apply_catalog(document=document(), now=NOW)
    assert PlanPrice.objects.get(lookup_key="basic_month_usd").extra_seat_amount == Decimal(15)
    assert PlanPrice.objects.get(lookup_key="basic_year_usd").extra_seat_amount == Decimal(150)
    changed = document()
    for price in changed["plans"][0]["prices"]:
        del price["extra_seat_amount"]

    assert catalog.apply_catalog(document=changed, now=NOW).updated == 1
    assert not PlanPrice.objects.filter(plan__code="basic", extra_seat_amount__isnull=False).exists()
