from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.profiles import identify
from campaigns.profiles.addresses import hash_address
from campaigns.profiles.identify import AccountRecord, ContactRecord
from campaigns.profiles.models import Account, AccountChange, Contact, Membership
from tests.factories.profiles import AccountAliasFactory, AccountFactory, ContactFactory, MembershipFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_a_first_report_makes_the_account_and_a_second_changes_only_what_it_names():
    first = identify.upsert_accounts(
        records=[AccountRecord("a1", T0, {"name": "Acme"}, {"seats": 3, "tier": "gold"})], now=NOW
    )
    second = identify.upsert_accounts(records=[AccountRecord("a1", T0 + timedelta(days=1), {}, {"seats": 5})], now=NOW)

    account = Account.objects.get()
    assert (first.created, second.updated, first.ids) == (1, 1, {"a1": account.pk})
    assert (account.name, account.traits) == ("Acme", {"seats": 5, "tier": "gold"})


@pytest.mark.django_db
def test_the_same_report_twice_changes_nothing():
    record = AccountRecord("a1", T0, {"name": "Acme"}, {"seats": 3})
    identify.upsert_accounts(records=[record], now=NOW)
    changes = AccountChange.objects.count()

    again = identify.upsert_accounts(records=[record], now=NOW)

    assert (again.created, again.updated, again.unchanged) == (0, 0, 1)
    assert AccountChange.objects.count() == changes


@pytest.mark.django_db
def test_an_older_report_that_comes_late_does_not_bring_an_old_value_back():
    identify.upsert_accounts(records=[AccountRecord("a1", T0, {}, {"seats": None})], now=NOW)
    identify.upsert_accounts(records=[AccountRecord("a1", T0 - timedelta(hours=1), {}, {"seats": 3})], now=NOW)

    assert Account.objects.get().traits == {}


@pytest.mark.django_db
def test_known_traits_of_a_contact_become_fields_and_stay_traits():
    traits = {"email": " Noa@Customer.Example", "firstName": "Noa", "phone": "052-123-4567", "country": "IL"}
    identify.upsert_contacts(records=[ContactRecord("c1", T0, {}, traits)], now=NOW)

    contact = Contact.objects.get()
    assert (contact.email, contact.first_name, contact.phone) == ("noa@customer.example", "Noa", "+972521234567")
    assert bytes(contact.email_hash or b"") == hash_address("noa@customer.example")
    assert bytes(contact.phone_hash or b"") == hash_address("+972521234567")
    assert contact.traits == traits


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("trait", "value"), [("email", "nobody"), ("phone", "12"), ("timezone", "Mars/Olympus"), ("createdAt", "soon")]
)
def test_a_value_that_can_be_no_field_stays_a_trait_only(trait, value):
    identify.upsert_contacts(records=[ContactRecord("c1", T0, {}, {trait: value})], now=NOW)

    contact = Contact.objects.get()
    assert (contact.email, contact.phone, contact.time_zone, contact.created_at) == ("", "", "", None)
    assert contact.traits == {trait: value}


@pytest.mark.django_db
def test_a_website_gives_an_account_its_domain():
    identify.upsert_accounts(records=[AccountRecord("a1", T0, {}, {"website": "https://www.acme.example/he"})], now=NOW)

    assert Account.objects.get().domain == "acme.example"


@pytest.mark.django_db
def test_an_alias_leads_to_the_account_that_has_it():
    alias = AccountAliasFactory(source="hubspot", value="701")

    outcome = identify.upsert_accounts(records=[AccountRecord("701", T0, {"name": "Acme"})], now=NOW)

    assert outcome.ids == {"701": alias.account_id}
    assert Account.objects.get().name == "Acme"


@pytest.mark.django_db
def test_an_erased_contact_stays_erased():
    ContactFactory(external_id="c1", email="", first_name="", erased_at=T0)

    identify.upsert_contacts(records=[ContactRecord("c1", T0, {"email": "noa@customer.example"})], now=NOW)

    assert Contact.objects.get().email == ""


@pytest.mark.django_db
def test_a_changed_contact_is_a_change_of_its_accounts():
    membership = MembershipFactory(contact__external_id="c1")

    identify.upsert_contacts(records=[ContactRecord("c1", T0, {"locale": "he"})], now=NOW)

    assert AccountChange.objects.get().account_id == membership.account_id


@pytest.mark.django_db
def test_members_join_once_and_a_missing_role_leaves_the_known_one():
    AccountFactory(external_id="a1")
    ContactFactory(external_id="c1")

    first = identify.join_members(pairs=[("a1", "c1", "billing"), ("a1", "nobody", None)], now=NOW)
    second = identify.join_members(pairs=[("a1", "c1", None)], now=NOW)
    third = identify.join_members(pairs=[("a1", "c1", "Owner")], now=NOW)

    assert (first, second, third) == (1, 0, 1)
    assert Membership.objects.get().role == "OWNER"


@pytest.mark.django_db
def test_activity_only_moves_forward():
    contact = ContactFactory(last_active_at=T0)

    identify.see_contacts(seen={contact.pk: T0 - timedelta(days=1)})
    identify.see_contacts(seen={contact.pk: T0 + timedelta(days=1)})
    identify.see_contacts(seen={contact.pk: T0})

    contact.refresh_from_db()
    assert contact.last_active_at == T0 + timedelta(days=1)


@pytest.mark.django_db
def test_a_batch_takes_the_same_number_of_statements_whatever_its_size(django_assert_num_queries):
    records = [AccountRecord(f"a{n}", T0, {"name": f"Acme {n}"}, {"n": n}) for n in range(300)]

    with django_assert_num_queries(7):
        outcome = identify.upsert_accounts(records=records, now=NOW)

    assert outcome.created == Account.objects.count() == 300


REPORTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.dictionaries(
            st.sampled_from(["name", "seats", "@name"]), st.none() | st.integers(0, 3) | st.text("ab"), max_size=3
        ),
    ),
    min_size=1,
    max_size=6,
)


class OrderTests(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(reports=REPORTS, order=st.randoms(use_true_random=False))
    def test_reports_give_the_same_state_in_any_order(self, reports, order):
        records = [AccountRecord("x", T0 + timedelta(hours=hour), {}, traits) for hour, traits in reports]
        shuffled = [AccountRecord("y", one.at, one.fields, one.traits) for one in records]
        order.shuffle(shuffled)

        identify.upsert_accounts(records=records, now=NOW)
        for one in shuffled:
            identify.upsert_accounts(records=[one], now=NOW)

        x, y = Account.objects.filter(external_id__in="xy").order_by("external_id")
        assert (x.name, x.traits, x.trait_times) == (y.name, y.traits, y.trait_times)
