"""Rows by one statement: the same rows as Django would have written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.models import Message
from campaigns.operations import bulk_rows
from campaigns.profiles.models import Account
from tests.factories.delivery import ReadyMessageFactory
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# What PostgreSQL's text and jsonb can hold: no NUL, no lone surrogates.
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def unsaved(**fields):
    return Account(added_at=NOW, **fields)


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert bulk_rows.insert_rows(rows=[]) == []
        assert bulk_rows.update_rows(rows=[], fields=["name"]) == 0


def test_new_rows_get_their_keys_in_their_order(django_assert_num_queries):
    rows = [unsaved(external_id=f"a{number}", name=f"Company {9 - number}") for number in range(10)]
    with django_assert_num_queries(1):
        made = bulk_rows.insert_rows(rows=rows)
    assert made == rows
    assert [Account.objects.get(pk=one.pk).external_id for one in made] == [f"a{number}" for number in range(10)]
    assert not any(one._state.adding for one in made)


@given(
    values=st.lists(
        st.fixed_dictionaries(
            {
                "name": WORDS,
                "country": st.sampled_from(["", "IL", "RO"]),
                "traits": st.dictionaries(WORDS, st.none() | st.booleans() | st.integers(-9, 9) | WORDS, max_size=3),
                "erased_at": st.none() | st.just(NOW),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_stored_is_what_was_given_whether_the_same_in_all_or_not(values):
    fields = sorted(values[0])
    Account.objects.all().delete()
    bulk_rows.insert_rows(
        rows=[
            unsaved(external_id=str(place), **{name: one[name] for name in fields}) for place, one in enumerate(values)
        ]
    )
    stored = {row["external_id"]: row for row in Account.objects.values("external_id", *fields)}
    assert [{name: stored[str(place)][name] for name in fields} for place in range(len(values))] == [
        {name: one[name] for name in fields} for one in values
    ]


def test_a_row_that_is_there_already_is_left_out_and_has_no_key():
    there = AccountFactory(external_id="there", name="As it was")
    new, again = unsaved(external_id="new"), unsaved(external_id="there", name="Otherwise")
    bulk_rows.insert_rows(rows=[again, new], unless_known_by="external_id")
    assert (again.pk, new.pk) == (None, Account.objects.get(external_id="new").pk)
    there.refresh_from_db()
    assert there.name == "As it was"


def test_fields_are_written_as_they_stand_on_the_objects(django_assert_num_queries):
    first, second = ReadyMessageFactory(), ReadyMessageFactory()
    first.due_at, first.expected_value, first.context = NOW, Decimal("12.50"), {"offer": {"price": "€9"}}
    second.due_at, second.expected_value, second.context = NOW + timedelta(days=1), Decimal(0), {}
    second.variant = "not written"
    with django_assert_num_queries(1):
        assert bulk_rows.update_rows(rows=[first, second], fields=["due_at", "expected_value", "context"]) == 2
    wanted = [(NOW, Decimal("12.50"), {"offer": {"price": "€9"}}, ""), (NOW + timedelta(days=1), Decimal(0), {}, "")]
    columns = ("due_at", "expected_value", "context", "variant")
    assert list(Message.objects.order_by("pk").values_list(*columns)) == wanted


def test_a_row_deleted_meanwhile_is_not_counted():
    kept, gone = AccountFactory(), AccountFactory()
    Account.objects.filter(pk=gone.pk).delete()
    kept.name = gone.name = "New"
    assert bulk_rows.update_rows(rows=[kept, gone], fields=["name"]) == 1
