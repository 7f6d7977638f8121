from __future__ import annotations

import re
import time
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import phonenumbers
import pytest
import segment.analytics.client as segment
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.sandbox import catalogue, usage_story
from orchestrator.sandbox.company import Company, generate
from tests.orchestrator.sandbox.conftest import UNTIL

small = settings(max_examples=25, deadline=None)


def audience(company: Company) -> list:
    rows = []
    for account in company.accounts:
        quota = catalogue.PLAN_OF_CODE[account.plan].quotas["seats_used"]
        used = usage_story.usage_on(story=account.story, plan=account.plan, day=company.until)["seats_used"]
        if account.plan in {"basic", "team"} and quota and used / quota >= 0.8:
            rows.append(account)
    return rows


@small
@given(seed=st.integers(0, 10_000), accounts=st.integers(1, 40))
def test_the_same_seed_gives_the_same_company(seed: int, accounts: int) -> None:
    first = generate(seed=seed, accounts=accounts, days=5, until=UNTIL)
    again = generate(seed=seed, accounts=accounts, days=5, until=UNTIL)
    assert first == again
    assert list(first.usage_events(UNTIL)) == list(again.usage_events(UNTIL))


def test_another_seed_gives_another_company() -> None:
    assert generate(seed=1, accounts=20, until=UNTIL) != generate(seed=2, accounts=20, until=UNTIL)


@small
@given(accounts=st.integers(1, 30), extra=st.integers(0, 90))
def test_contacts_are_exactly_as_many_as_asked_and_every_account_has_one(accounts: int, extra: int) -> None:
    company = generate(seed=3, accounts=accounts, contacts=accounts + extra, days=2, until=UNTIL)
    assert len(company.contacts) == accounts + extra
    assert {contact.account_id for contact in company.contacts} == {a.external_id for a in company.accounts}


def test_fewer_contacts_than_accounts_are_refused() -> None:
    with pytest.raises(ValueError, match="at least as many contacts"):
        generate(seed=1, accounts=5, contacts=4, until=UNTIL)


def test_a_thousand_accounts_take_less_than_three_seconds() -> None:
    begun = time.process_time()
    company = generate(seed=1, until=UNTIL)
    assert time.process_time() - begun < 3
    assert (len(company.accounts), len(company.contacts)) == (1000, 3000)


def test_the_audience_at_eighty_percent_of_seats_is_two_fifths_to_a_half() -> None:
    for seed in (1, 2, 3):
        company = generate(seed=seed, accounts=2000, until=UNTIL)
        assert 0.40 <= len(audience(company)) / 2000 <= 0.50


def test_the_audience_crossed_mostly_in_the_last_ten_days() -> None:
    crossed = [account.story.crosses_on for account in audience(generate(seed=1, until=UNTIL))]
    recent = [day for day in crossed if (UNTIL - day).days < 10]
    assert len(recent) / len(crossed) > 0.6


def test_languages_countries_and_currencies_are_those_of_the_market(company: Company) -> None:
    assert {contact.language for contact in company.contacts} == {"en", "he", "ro"}
    assert {account.country for account in company.accounts} >= {"IL", "RO", "US"}
    assert {account.price.currency for account in company.accounts} == {"USD", "EUR", "ILS", "RON"}
    assert {account.plan for account in company.accounts} == {"basic", "team", "pro", "enterprise"}


def test_addresses_are_unique_and_lead_nowhere(company: Company) -> None:
    emails = [contact.email for contact in company.contacts if contact.email]
    assert len(set(emails)) == len(emails)
    assert all(re.fullmatch(r"[a-z0-9.-]+@[a-z0-9]+\.example", email) for email in emails)


def test_phone_numbers_are_valid_and_unique() -> None:
    phones = [contact.phone for contact in generate(seed=4, until=UNTIL).contacts if contact.phone]
    assert len(set(phones)) == len(phones)
    assert [phone for phone in phones if not phonenumbers.is_valid_number(phonenumbers.parse(phone))] == []


def test_consent_is_mostly_granted_by_soft_opt_in_with_source_and_time() -> None:
    contacts = generate(seed=5, until=UNTIL).contacts
    states = Counter(contact.consent for contact in contacts)
    assert states["granted"] / len(contacts) > 0.85
    assert states["withdrawn"] > 0
    assert states[None] > 0
    granted = [contact for contact in contacts if contact.consent == "granted"]
    assert Counter(contact.consent_basis for contact in granted).most_common(1)[0][0] == "soft_opt_in"
    assert all(contact.consent_source and contact.consent_at for contact in granted)


@small
@given(seed=st.integers(0, 500))
def test_seats_of_a_short_account_never_shrink_and_of_a_calm_one_never_reach_eighty_percent(seed: int) -> None:
    company = generate(seed=seed, accounts=15, until=UNTIL)
    for account in company.accounts:
        seats = [
            usage_story.usage_on(story=account.story, plan=account.plan, day=day)["seats_used"]
            for day in company.history()
        ]
        quota = catalogue.PLAN_OF_CODE[account.plan].quotas["seats_used"]
        if account.is_hot:
            assert seats == sorted(seats)
        elif quota:
            assert max(seats) / quota < 0.8


def test_one_usage_report_per_account_and_day_carries_all_meters(company: Company) -> None:
    events = list(company.usage_events(UNTIL))
    reports = [event for event in events if event["event"] == "usage_reported"]
    meters = {meter["code"] for meter in catalogue.METERS}
    assert [event["context"]["groupId"] for event in reports] == [a.external_id for a in company.accounts]
    assert all(set(event["properties"]) == meters for event in reports)
    members = {contact.external_id: contact.account_id for contact in company.contacts}
    assert all(members[event["user_id"]] == event["context"]["groupId"] for event in events)


def test_message_ids_are_short_and_never_repeat_over_days(company: Company) -> None:
    ids = [event["message_id"] for day in company.history() for event in company.usage_events(day)]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) < 100


def test_the_official_usage_client_takes_the_events_as_they_are(company: Company) -> None:
    client = segment.Client("write-key", send=False)
    for event in company.usage_events(UNTIL):
        taken, message = client.track(**event)
        assert taken
        assert message["messageId"] == event["message_id"]
        assert message["context"]["groupId"] == event["context"]["groupId"]


def test_gated_features_are_attempted(company: Company) -> None:
    attempts = [e for day in company.history() for e in company.usage_events(day) if e["event"] != "usage_reported"]
    assert {event["event"] for event in attempts} == {"premium_feature_attempted"}
    assert {event["properties"]["feature"] for event in attempts} == {"sso", "audit_log", "api_export"}


def test_ids_are_the_same_in_crm_usage_and_billing(company: Company) -> None:
    ids = {account.external_id for account in company.accounts}
    billing = company.stripe_objects()
    assert {row["id"] for row in company.hubspot_companies()} == ids
    assert {row["company"] for row in company.hubspot_contacts()} == ids
    assert {row["metadata"]["account_external_id"] for row in billing["customers"]} == ids
    assert {row["customer"].removeprefix("cus_") for row in billing["subscriptions"]} == ids


def test_crm_property_values_are_text_or_none(company: Company) -> None:
    rows = company.hubspot_companies() + company.hubspot_contacts()
    assert {type(value) for row in rows for value in row["properties"].values()} == {str, type(None)}


def test_periods_lie_around_the_snapshot(company: Company) -> None:
    now = company.snapshot_at.timestamp()
    for subscription in company.stripe_objects()["subscriptions"]:
        item = subscription["items"]["data"][0]
        assert item["current_period_start"] <= now < item["current_period_end"]


def test_the_catalog_prices_every_plan_in_every_currency_and_interval() -> None:
    document = catalogue.catalog()
    assert [plan["code"] for plan in document["plans"]] == ["basic", "team", "pro", "enterprise"]
    for plan in document["plans"]:
        assert len({(price["currency"], price["interval"]) for price in plan["prices"]}) == 8
        assert set(plan["quotas"]) == {meter["code"] for meter in document["meters"]}
    assert document["topics"][0]["permitted_without_record"] == ["in_app"]


def test_mrr_of_a_yearly_price_is_a_twelfth_to_the_cent() -> None:
    assert catalogue.PRICE_OF["basic", "USD", "YEAR"].mrr(quantity=1) == Decimal("24.17")
    assert catalogue.PRICE_OF["enterprise", "EUR", "MONTH"].mrr(quantity=40) == Decimal("560.00")


def test_usage_goes_on_after_the_last_day_of_history(company: Company) -> None:
    assert list(company.usage_events(date(2026, 4, 10)))


def calls(account, until: date, first: int, last: int) -> int:
    days = [until - timedelta(days=back) for back in range(first, last)]
    return sum(usage_story.usage_on(story=account.story, plan=account.plan, day=day)["api_calls"] for day in days)


def test_who_grows_grew_by_thirty_percent_in_four_weeks_and_nobody_else_did() -> None:
    company = generate(seed=5, accounts=400, until=UNTIL)
    grown = {a for a in company.accounts if calls(a, UNTIL, 0, 28) >= 1.3 * calls(a, UNTIL, 28, 56)}
    assert grown == {account for account in company.accounts if account.is_growing} != set()


def test_who_wants_single_sign_on_mostly_tried_it_three_times_in_two_weeks() -> None:
    company = generate(seed=5, accounts=400, until=UNTIL)
    wanting = [account for account in company.accounts if account.wants_sso]
    tries = [
        sum(usage_story.attempts_on(story=a.story, day=UNTIL - timedelta(days=back)) for back in range(14))
        for a in wanting
    ]
    assert sum(count >= 3 for count in tries) >= 0.7 * len(tries) > 0
