"""Billing is slow: one call outlasts its time, a round has many of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from campaigns.offers import accept
from campaigns.offers.models import Quote
from orchestrator.connectors.contract import ConnectorBusy, ConnectorRefusal
from tests.campaigns.offers.outside import billing_in_memory
from tests.campaigns.offers.test_accept import WRONG_KEY, finish, held_yes, no
from tests.factories.offers import NOW, QuoteFactory, quote_with_reader

pytestmark = pytest.mark.django_db


def overtaken_with(error=None):
    """(quote, its reader) after a call that took so long that another had taken the yes before billing's answer."""
    quote, contact_id = held_yes()

    def slow():
        Quote.objects.filter(pk=quote.pk).update(wall_accepting_at=NOW + timedelta(hours=9))
        if error:
            raise error

    with billing_in_memory(during=slow):
        finish(timedelta(hours=8))
    quote.refresh_from_db()
    return quote, contact_id


@pytest.mark.parametrize("error", [WRONG_KEY, ConnectorRefusal("The card was declined.")])
def test_who_was_overtaken_writes_no_refusal_while_the_other_calls(error):
    quote, contact_id = overtaken_with(error)
    assert (quote.state, quote.failure) == (Quote.State.ACCEPTING, "")
    assert no(quote, contact_id) == "already_done"


def test_a_change_that_is_made_is_written_also_by_who_was_overtaken():
    assert overtaken_with()[0].state == Quote.State.ACCEPTED


def test_a_round_takes_each_yes_when_it_comes_to_it_and_ends_after_half_a_minute():
    for _ in range(3):
        QuoteFactory(state=Quote.State.ACCEPTING, answered_at=NOW, wall_accepting_at=NOW)
    at = NOW + timedelta(hours=1)
    with time_machine.travel(at, tick=False) as clock:

        def twenty_seconds():
            clock.shift(timedelta(seconds=20))
            raise ConnectorBusy("time-out")

        with billing_in_memory(during=twenty_seconds):
            accept.finish_accepting(now=at, wall_now=at)
    taken = Quote.objects.order_by("pk").values_list("wall_accepting_at", flat=True)
    assert list(taken) == [at, at + timedelta(seconds=20), NOW]


@pytest.mark.parametrize("price_now", ["price_basic_month_usd", "another"])
def test_a_yes_whose_caller_died_can_be_ended_once_billing_says_that_nothing_was_changed(price_now):
    quote, contact_id = quote_with_reader(new_mrr=Decimal("98.00"), state="ACCEPTING", answered_at=NOW)
    Quote.objects.update(wall_accepting_at=NOW)
    type(quote.subscription).objects.update(billing_price_id=price_now)
    with billing_in_memory():
        finish(timedelta(minutes=2))
    quote.refresh_from_db()
    is_unmade = price_now == "price_basic_month_usd"
    assert quote.failure.startswith(Quote.MADE) is not is_unmade
    assert no(quote, contact_id) == ("declined" if is_unmade else "already_done")
