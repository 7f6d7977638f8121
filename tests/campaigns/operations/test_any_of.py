"""Many values as one parameter: the same rows as `__in` finds."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from campaigns.operations.arrays import as_array
from campaigns.profiles.models import Account, Contact, Membership
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

pytestmark = pytest.mark.django_db
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
KINDS = {
    "text": WORDS,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "bytea": st.binary(max_size=12),
    "boolean": st.booleans(),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**9, min_value=-(10**9)),
    "uuid": st.uuids(),
    "date": st.dates(min_value=date(1000, 1, 1)),
    "timestamptz": st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= 1000),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_the_database_reads_what_was_written(kind, data):
    values = data.draw(st.lists(st.none() | KINDS[kind], max_size=5))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [as_array(values)])
        assert cursor.fetchone()[0] == values


def test_a_choice_is_written_as_its_value():
    assert as_array([Membership.Role.OWNER]) == '{"OWNER"}'


def test_any_finds_what_in_finds_by_a_key_a_relation_a_text_and_bytes():
    members = [MembershipFactory(contact=ContactFactory(email_hash=bytes([number]) * 32)) for number in range(3)]
    first, second, _ = members
    accounts, contacts = [first.account_id, second.account_id], [first.contact.email_hash, second.contact.email_hash]
    names = [first.account.external_id, second.account.external_id]
    assert set(Membership.objects.filter(account_id__any=accounts)) == {first, second}
    assert set(Membership.objects.filter(contact__email_hash__any=contacts)) == {first, second}
    assert set(Account.objects.filter(pk__any=accounts)) == {first.account, second.account}
    assert set(Account.objects.filter(external_id__any=names)) == {first.account, second.account}
    assert set(Contact.objects.exclude(pk__any=[first.contact_id])) == {one.contact for one in members[1:]}


def test_none_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert list(Account.objects.filter(pk__any=[])) == []


def test_what_is_too_long_to_be_stored_is_not_cut_to_something_that_is():
    longest = Account._meta.get_field("time_zone").max_length
    assert longest is not None
    AccountFactory(time_zone="a" * longest)
    assert not Account.objects.filter(time_zone__any=["a" * 1000]).exists()


def test_kinds_that_are_text_to_the_database():
    values = [UUID(int=1), Decimal("1.50"), None]
    assert as_array(values) == f'{{"{UUID(int=1)}","1.50",NULL}}'
