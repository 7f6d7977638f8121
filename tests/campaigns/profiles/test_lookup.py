from __future__ import annotations

import pytest

from campaigns.profiles import identify, lookup, selectors
from tests.factories.profiles import (
    AccountAliasFactory,
    AccountFactory,
    ContactAliasFactory,
    ContactFactory,
    MembershipFactory,
)


@pytest.mark.django_db
def test_a_primary_id_wins_over_the_alias_of_another():
    account = AccountFactory(external_id="a1")
    AccountAliasFactory(value="a1")
    alias = AccountAliasFactory(value="x9")

    assert lookup.account_ids(external_ids={"a1", "x9", "nobody"}) == {"a1": account.pk, "x9": alias.account_id}


@pytest.mark.django_db
def test_a_merged_account_leads_to_the_one_that_stands():
    standing = AccountFactory()
    AccountFactory(external_id="old", merged_into=standing)

    assert lookup.account_ids(external_ids={"old"}) == {"old": standing.pk}


@pytest.mark.django_db
def test_contacts_are_found_by_alias_too():
    alias = ContactAliasFactory(value="visitor-1")

    assert lookup.contact_ids(external_ids={"visitor-1"}) == {"visitor-1": alias.contact_id}


@pytest.mark.django_db
def test_a_billing_customer_is_found_by_a_billing_link_alone():
    account = AccountFactory()
    AccountAliasFactory(source="hubspot", value="cus_1")
    first = identify.alias_accounts(source=lookup.BILLING, pairs=[("cus_1", account.pk)])
    second = identify.alias_accounts(source=lookup.BILLING, pairs=[("cus_1", AccountFactory().pk)])

    assert (first, second) == (1, 0)
    assert lookup.account_by_billing(customer_id="cus_1") == account.pk
    assert lookup.account_by_billing(customer_id="cus_2") is None


@pytest.mark.django_db
def test_members_come_with_their_contacts_and_without_erased_ones(django_assert_num_queries):
    membership = MembershipFactory()
    MembershipFactory(account=membership.account, contact=ContactFactory(erased_at=membership.account.added_at))

    with django_assert_num_queries(1):
        found = selectors.members_of(account_ids=[membership.account_id])
        contacts = [row.contact for row in found[membership.account_id]]

    assert contacts == [membership.contact]
