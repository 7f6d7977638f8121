from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.consent.models import ContactPoint
from campaigns.delivery import budget
from campaigns.delivery.models import AttentionBudget
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import NOW, ReadyMessageFactory
from tests.factories.profiles import AccountFactory, ContactFactory


def lock(account, contact):
    return budget.lock_budgets(account_ids=[account.pk], contact_ids=[contact.pk])


def ask(account, contact, message_id, now):
    """Take attention for a message if there is room now; whether there was."""
    budgets = lock(account, contact)
    who = {"message_id": message_id, "account_id": account.pk, "contact_ids": [contact.pk], "now": now}
    if budgets.earliest(**who) > now:
        return False
    budgets.take(**who)
    budgets.store()
    return True


@pytest.mark.django_db
def test_a_second_message_of_the_day_waits_for_the_next():
    account, contact = AccountFactory(), ContactFactory()

    assert ask(account, contact, 1, NOW)
    assert not ask(account, contact, 2, NOW + timedelta(hours=23))
    assert ask(account, contact, 2, NOW + timedelta(hours=24))


@pytest.mark.django_db
def test_the_same_message_tried_again_costs_nothing_more():
    account, contact = AccountFactory(), ContactFactory()
    ask(account, contact, 1, NOW)

    assert ask(account, contact, 1, NOW + timedelta(minutes=5))
    assert [len(one.spent) for one in AttentionBudget.objects.all()] == [1, 1]


@pytest.mark.django_db
def test_what_was_given_back_is_free_again():
    account, contact = AccountFactory(), ContactFactory()
    ask(account, contact, 1, NOW)

    budget.give_back(message_ids=[1], account_ids=[account.pk], contact_ids=[contact.pk])

    assert ask(account, contact, 2, NOW)


@pytest.mark.django_db
def test_a_contacts_day_and_an_accounts_day_each_follow_their_own_clock(settings):
    settings.FREQUENCY_CAPS = ({"per": "day", "messages": 1},)
    account, contact = AccountFactory(), ContactFactory()
    ask(account, contact, 1, NOW)

    budgets = lock(account, contact)
    allowed = budgets.earliest(
        message_id=2, account_id=account.pk, contact_ids=[contact.pk], now=NOW, zone="Asia/Tokyo", account_zone="UTC"
    )

    # 10:00 UTC is 19:00 in Tokyo: the contact's next day begins at 15:00 UTC, the account's at midnight.
    assert allowed == NOW.replace(hour=0) + timedelta(days=1)


@pytest.mark.django_db
def test_a_cap_may_be_of_contacts_alone(settings):
    settings.FREQUENCY_CAPS = ({"days": 1, "messages": 1, "of": "contact"},)
    account = AccountFactory()

    assert ask(account, ContactFactory(), 1, NOW)
    assert ask(account, ContactFactory(), 2, NOW)


class AnyHistory(TestCase):
    @given(hours=st.lists(st.integers(min_value=0, max_value=24 * 14), min_size=1, max_size=25))
    def test_no_rolling_window_ever_holds_more_than_its_cap(self, hours):
        account, contact = AccountFactory(), ContactFactory()
        sent = [
            moment
            for number, hour in enumerate(sorted(hours))
            if ask(account, contact, number, moment := NOW + timedelta(hours=hour))
        ]

        for days, most in ((1, 1), (7, 3)):
            for moment in sent:
                window = [one for one in sent if moment - timedelta(days=days) < one <= moment]
                assert len(window) <= most


@pytest.mark.django_db
@pytest.mark.parametrize("is_known", [True, False], ids=["the address is theirs", "the address is nobody's any more"])
def test_what_did_not_go_is_given_back_to_whom_the_address_belongs(is_known):
    point = ContactPointFactory(contact=ContactFactory(email="office@acme.example"))
    owner = point.contact
    message = ReadyMessageFactory(contact=ContactFactory(email="office@acme.example"), point=point)
    row = AttentionBudget.objects.create(contact=owner, spent=[[message.pk, NOW.isoformat()]])
    if not is_known:
        ContactPoint.objects.filter(pk=point.pk).update(contact=None)

    budget.give_back(message_ids=[message.pk], account_ids=[], contact_ids=[message.contact_id])

    row.refresh_from_db()
    assert row.spent == []
