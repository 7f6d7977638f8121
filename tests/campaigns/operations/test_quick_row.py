"""Rows read and made the short way: the same as Django's own."""

from __future__ import annotations

import gc
from datetime import UTC, datetime

import pytest
from django.db.models import Model

from campaigns.operations import bulk_rows, collector
from campaigns.profiles.models import Account, Membership
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def columns(row: Model) -> dict[str, object]:
    return {one.attname: row.__dict__[one.attname] for one in row._meta.concrete_fields}


def test_a_row_is_read_as_django_reads_it():
    made = AccountFactory(traits={"seats": 3})
    read, plain = Account.objects.get(pk=made.pk), Account(**columns(made))
    assert columns(read) == columns(plain)
    assert (read, read._state.adding, read._state.db) == (made, False, "default")


def test_a_row_read_in_part_asks_for_the_rest(django_assert_num_queries):
    made = AccountFactory(name="Galil")
    read = Account.objects.only("pk").get(pk=made.pk)
    with django_assert_num_queries(1):
        assert read.name == "Galil"


def test_a_row_read_with_its_relations_has_them_at_hand(django_assert_num_queries):
    made = MembershipFactory()
    read = Membership.objects.select_related("account", "contact").get(pk=made.pk)
    with django_assert_num_queries(0):
        assert (read.account, read.contact) == (made.account, made.contact)


def test_a_read_row_can_be_changed_and_saved():
    read = Account.objects.get(pk=AccountFactory().pk)
    read.name = "Another"
    read.save()
    assert Account.objects.get(pk=read.pk).name == "Another"


def test_a_new_row_has_what_it_was_given_and_the_defaults_of_the_rest():
    made = bulk_rows.new_row(Account, external_id="a1", added_at=NOW)
    assert columns(made) == columns(Account(external_id="a1", added_at=NOW))
    assert made._state.adding


def test_defaults_that_are_made_are_made_for_each():
    one, two = (bulk_rows.new_row(Account, external_id=key, added_at=NOW) for key in "ab")
    one.traits["seats"] = 3
    assert two.traits == {}


def test_a_related_row_is_at_hand_and_stored(django_assert_num_queries):
    account, contact = AccountFactory(), ContactFactory()
    [made] = bulk_rows.insert_rows(rows=[bulk_rows.new_row(Membership, account=account, contact=contact)])
    with django_assert_num_queries(0):
        assert (made.account, made.contact) == (account, contact)
    stored = Membership.objects.get(pk=made.pk)
    assert (stored.account_id, stored.contact_id, stored.role) == (account.pk, contact.pk, "MEMBER")


def test_a_column_that_is_not_there_is_a_mistake():
    with pytest.raises(AssertionError, match="has no column 'nmae'"):
        bulk_rows.new_row(Account, nmae="Galil")


def test_the_collector_is_back_after_a_batch_that_failed():
    assert gc.isenabled()
    with pytest.raises(RuntimeError), collector.paused():
        assert not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled()
