from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.utils import InternalError

from campaigns.consent import opt_out
from campaigns.segments import preview, sessions
from campaigns.segments.errors import DefinitionError
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory
from tests.factories.usage import NOW

pytestmark = pytest.mark.django_db
EVERYONE: dict[str, Any] = {"all": []}


def test_counts_say_how_many_of_how_many() -> None:
    AccountFactory(country="IL")
    AccountFactory(country="RO")
    AccountFactory(country="IL", erased_at=NOW)
    found = preview.count(document={"field": "account.country", "op": "=", "value": "IL"}, now=NOW)
    assert (found.count, found.base) == (1, 2)


def test_reachable_and_not_reachable_sum_to_the_contacts_of_those_who_match() -> None:
    ConsentTopicFactory()
    account = AccountFactory()
    granted = ContactPointFactory().contact
    withdrawn = ContactPointFactory(topics={"offers": "WITHDRAWN"}).contact
    bounced = ContactPointFactory().contact
    opt_out.opt_out(point_id=bounced.points.get().pk, reason="BOUNCED", source="test", evidence={}, at=NOW, now=NOW)
    for contact in (granted, withdrawn, bounced, ContactFactory(), ContactFactory(email="")):
        MembershipFactory(account=account, contact=contact)
    found = preview.count(document=EVERYONE, now=NOW)
    assert (found.count, found.contacts, found.unreachable) == (1, 5, 0)
    assert found.reachable == {"email": 1, "in_app": 5, "sms": 0}
    assert found.not_reachable["email"] == {"OPTED_OUT": 1, "BOUNCED": 1, "NO_CONSENT": 1, "NO_ADDRESS": 1}
    assert found.not_reachable["sms"] == {"NO_ADDRESS": 5}


def test_a_person_in_two_matching_accounts_is_counted_once() -> None:
    ConsentTopicFactory()
    contact = ContactPointFactory().contact
    MembershipFactory(contact=contact)
    MembershipFactory(contact=contact)
    found = preview.count(document=EVERYONE, now=NOW)
    assert (found.count, found.contacts, found.reachable["email"]) == (2, 1, 1)


def test_contacts_are_counted_themselves_when_they_are_the_subject() -> None:
    ConsentTopicFactory()
    ContactPointFactory()
    found = preview.count(document={"subject": "contact", "all": []}, now=NOW)
    assert (found.count, found.base, found.contacts, found.reachable["email"]) == (1, 1, 1, 1)


def test_without_the_topic_there_is_still_a_count() -> None:
    AccountFactory()
    assert preview.count(document=EVERYONE, now=NOW).count == 1


def test_ids_are_sorted_by_code_point() -> None:
    for name in ("b", "B", "é", "a-1", "a1", "\U0001f600", "\uffee"):
        AccountFactory(external_id=name)
    assert preview.ids(document=EVERYONE, now=NOW) == ["B", "a-1", "a1", "b", "é", "\uffee", "\U0001f600"]


def test_every_line_has_a_count_of_its_own() -> None:
    AccountFactory(country="IL", name="One")
    AccountFactory(country="RO", name="Two")
    AccountFactory(country="RO", name="Three")
    document = {
        "all": [
            {"field": "account.country", "op": "=", "value": "RO"},
            {"not": {"field": "account.name", "op": "=", "value": "Two"}},
            {"any_contact": {"field": "contact.locale", "op": "=", "value": "he"}},
        ]
    }
    assert preview.count_lines(document=document, now=NOW) == [
        ("", 0),
        ("all[0]", 2),
        ("all[1]", 2),
        ("all[1].not", 1),
        ("all[2]", 0),
        ("all[2].any_contact", 0),
    ]


def test_a_wrong_definition_is_told() -> None:
    with pytest.raises(DefinitionError):
        preview.count(document={"field": "account.colour", "op": "is_set"}, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_nothing_can_be_written_while_looking() -> None:
    with (
        pytest.raises(InternalError, match="read-only"),
        sessions.bounded(seconds=5, read_only=True),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE profiles_account SET name = ''")


def test_a_statement_that_takes_too_long_is_stopped() -> None:
    with (
        pytest.raises(sessions.SegmentTooSlow),
        sessions.bounded(seconds=1, read_only=True),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(5)")


def test_the_settings_of_a_look_end_with_it() -> None:
    with sessions.bounded(seconds=5, read_only=True):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('transaction_read_only')")
        assert cursor.fetchone() == ("0", "off")
