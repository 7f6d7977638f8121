from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from campaigns.billing.models import MrrMovement
from campaigns.consent import opt_out
from campaigns.offers import accept, decline
from campaigns.offers.models import Quote, Refusal
from orchestrator.connectors.contract import ConnectorBusy, ConnectorMisconfigured, ConnectorRefusal
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories.consent import ContactPointFactory
from tests.factories.offers import NOW, QuoteFactory, basic_subscription, ladder, quote_with_reader
from tests.factories.profiles import ContactFactory

LATER = NOW + timedelta(minutes=5)


def yes(quote, contact_id, **changes):
    said = {"quote_uuid": quote.uuid, "contact_id": contact_id, "now": NOW, "wall_now": NOW} | changes
    return accept.accept_quote(**said)


@pytest.mark.django_db
def test_a_yes_upgrades_as_quoted():
    quote, contact_id = quote_with_reader()
    with billing_in_memory() as billing:
        result = yes(quote, contact_id)
    quote.refresh_from_db()
    quote.subscription.refresh_from_db()
    assert result == accept.Result("upgraded")
    assert (quote.state, quote.answered_by_id) == (Quote.State.ACCEPTED, contact_id)
    assert (quote.subscription.plan.code, quote.subscription.mrr) == ("team", Decimal("99.00"))
    assert billing.calls == [f"quote:{quote.uuid}"]


@pytest.mark.django_db
def test_a_second_yes_says_already_done():
    quote, contact_id = quote_with_reader()
    with billing_in_memory() as billing:
        yes(quote, contact_id)
        assert yes(quote, contact_id).name == "already_done"
    assert len(billing.calls) == 1


@pytest.mark.django_db
def test_after_its_time_a_quote_is_expired():
    quote, contact_id = quote_with_reader()
    with billing_in_memory() as billing:
        assert yes(quote, contact_id, now=NOW + timedelta(days=31)).name == "expired"
    quote.refresh_from_db()
    assert (quote.state, billing.calls) == (Quote.State.EXPIRED, [])


@pytest.mark.django_db
def test_a_declined_quote_stays_declined():
    quote, contact_id = quote_with_reader()
    decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact_id, reason="WRONG_TIME", now=NOW)
    with billing_in_memory() as billing:
        assert yes(quote, contact_id).name == "declined"
    assert billing.calls == []


@pytest.mark.django_db
def test_who_asked_for_a_call_may_still_accept():
    quote, contact_id = quote_with_reader()
    decline.ask_call(quote_uuid=quote.uuid, contact_id=contact_id, now=NOW)
    with billing_in_memory():
        assert yes(quote, contact_id).name == "upgraded"


@pytest.mark.django_db
def test_who_left_the_account_buys_nothing_for_it():
    quote, _ = quote_with_reader()
    with billing_in_memory() as billing:
        assert yes(quote, ContactFactory().pk).name == "expired"
    assert billing.calls == []


@pytest.mark.django_db
def test_an_account_that_got_the_plan_another_way_is_told_so():
    quote, contact_id = quote_with_reader()
    type(quote.subscription).objects.update(plan=ladder()["team"])
    with billing_in_memory() as billing:
        assert yes(quote, contact_id).name == "already_done"
    assert billing.calls == []


@pytest.mark.django_db
def test_a_yes_to_a_price_made_from_another_plan_ends_that_price():
    quote, contact_id = quote_with_reader()
    type(quote.subscription).objects.update(plan=ladder()["enterprise"])
    with billing_in_memory() as billing:
        assert yes(quote, contact_id).name == "expired"
    quote.refresh_from_db()
    assert (quote.state, billing.calls) == (Quote.State.EXPIRED, [])


@pytest.mark.django_db
def test_a_refusal_of_billing_is_kept_in_its_words():
    quote, contact_id = quote_with_reader()
    with billing_in_memory(ConnectorRefusal("The card was declined.")):
        result = yes(quote, contact_id)
        again = yes(quote, contact_id)
    quote.refresh_from_db()
    assert result == again == accept.Result("failed", "The card was declined.")
    assert (quote.state, quote.failure) == (Quote.State.FAILED, "The card was declined.")


@pytest.mark.django_db
def test_when_billing_does_not_answer_the_reconciler_finishes():
    quote, contact_id = quote_with_reader()
    with billing_in_memory(ConnectorBusy("time-out")) as billing:
        assert yes(quote, contact_id).name == "pending"
        assert accept.finish_accepting(now=LATER, wall_now=NOW + timedelta(seconds=10)) == 0
        assert accept.finish_accepting(now=LATER, wall_now=LATER) == 1
    quote.refresh_from_db()
    assert (quote.state, len(billing.changes)) == (Quote.State.ACCEPTED, 1)


WRONG_KEY = ConnectorMisconfigured("Stripe refused (HTTP 401): check STRIPE_API_KEY", code="401")
NO_PRICE = "Billing has no active price with the lookup key team_month_usd"


def finish(after: timedelta) -> int:
    return accept.finish_accepting(now=NOW + after, wall_now=NOW + after)


@pytest.mark.django_db
def test_a_yes_while_our_key_is_wrong_waits_and_is_made_once_the_key_is_right():
    quote, contact_id = quote_with_reader()
    with billing_in_memory(WRONG_KEY, WRONG_KEY) as billing:
        said = yes(quote, contact_id)
        still_wrong = finish(timedelta(minutes=2))
        waiting = accept.waiting_for_us().get()
        key_is_right = finish(timedelta(minutes=4))
    quote.refresh_from_db()
    assert (said.name, still_wrong, key_is_right) == ("pending", 0, 1)
    assert (waiting.state, waiting.failure) == (Quote.State.ACCEPTING, WRONG_KEY.detail)
    assert (quote.state, quote.failure) == (Quote.State.ACCEPTED, "")
    assert (set(billing.calls), len(billing.changes)) == ({f"quote:{quote.uuid}"}, 1)


@pytest.mark.django_db
def test_while_our_key_is_wrong_one_yes_at_a_time_is_tried_with_growing_pauses():
    for _ in range(3):
        quote, contact_id = quote_with_reader()
        with billing_in_memory(WRONG_KEY):
            yes(quote, contact_id)
    with billing_in_memory(*[WRONG_KEY] * 9) as billing:
        tried = []
        for minutes in (0.5, 20, 20, 20, 23, 27):
            finish(timedelta(minutes=minutes))
            tried.append(len(billing.calls))
    # what has waited for twenty minutes is tried again after more than five
    assert tried == [0, 1, 2, 3, 3, 4]


@pytest.mark.django_db
def test_a_person_can_have_it_tried_at_once():
    quote, contact_id = quote_with_reader()
    with billing_in_memory(WRONG_KEY):
        yes(quote, contact_id)
        assert finish(timedelta(seconds=10)) == 0
        assert accept.try_again(quote_ids=[quote.pk]) == 1
        assert finish(timedelta(seconds=10)) == 1
        assert accept.try_again(quote_ids=[quote.pk]) == 0


@pytest.mark.django_db
def test_a_yes_is_made_however_many_others_wait_for_something_else():
    # given a price that lacks for those that have waited longest, and behind them one whose key is right by now
    quotes = [quote_with_reader()[0] for _ in range(4)]
    held = {"state": Quote.State.ACCEPTING, "answered_at": NOW}
    for minute, quote in enumerate(quotes):
        why = NO_PRICE if minute < 3 else WRONG_KEY.detail
        Quote.objects.filter(pk=quote.pk).update(**held, failure=why, wall_accepting_at=NOW + timedelta(minutes=minute))
    # when
    with billing_in_memory(ConnectorMisconfigured(NO_PRICE)) as billing:
        accept.finish_accepting(now=LATER, wall_now=LATER, limit=2)
    # then
    assert billing.calls == [f"quote:{quotes[0].uuid}", f"quote:{quotes[3].uuid}"]
    assert Quote.objects.get(pk=quotes[3].pk).state == Quote.State.ACCEPTED


def held_yes(**fields):
    """A yes that came while our key was wrong."""
    quote, contact_id = quote_with_reader(**fields)
    with billing_in_memory(WRONG_KEY):
        yes(quote, contact_id)
    return quote, contact_id


def finish_later():
    """What billing was asked after hours, and the state of the first quote."""
    with billing_in_memory() as billing:
        finish(timedelta(hours=8))
    return len(billing.calls), Quote.objects.order_by("pk")[0].state


def no(quote, contact_id):
    return decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact_id, reason="OTHER", now=LATER).name


@pytest.mark.django_db
def test_a_no_takes_back_a_yes_that_waits_for_us():
    assert no(*held_yes()) == "declined"
    assert finish_later() == (0, Quote.State.DECLINED)


@pytest.mark.django_db
def test_a_no_takes_it_back_also_while_they_have_the_plan_by_another_way():
    quote, contact_id = held_yes()
    type(quote.subscription).objects.update(plan=ladder()["team"])
    assert no(quote, contact_id) == "declined"
    type(quote.subscription).objects.update(plan=ladder()["basic"])
    assert finish_later() == (0, Quote.State.DECLINED)


@pytest.mark.django_db
def test_a_no_to_another_quote_for_the_same_plan_takes_the_yes_back_too():
    quote, contact_id = held_yes()
    assert no(QuoteFactory(subscription=quote.subscription), contact_id) == "declined"
    assert finish_later() == (0, Quote.State.DECLINED)


@pytest.mark.django_db
def test_a_no_to_another_quote_comes_too_late_while_billing_is_asked_and_after_a_time_out():
    quote, contact_id = quote_with_reader()
    other = QuoteFactory(subscription=quote.subscription)
    said = []

    def asked():
        said.append(no(other, contact_id))
        raise ConnectorBusy("time-out")

    with billing_in_memory(during=asked):
        yes(quote, contact_id)
    said.append(no(other, contact_id))
    assert finish_later() == (1, Quote.State.ACCEPTED)
    said.append(no(other, contact_id))
    assert said == ["already_done"] * 3
    assert not Refusal.objects.exists()


@pytest.mark.django_db
def test_who_wants_no_more_messages_gets_what_they_bought():
    _, contact_id = held_yes()
    point = ContactPointFactory(contact_id=contact_id)
    opt_out.opt_out(point_id=point.pk, source="link", at=LATER, now=LATER)
    assert finish_later() == (1, Quote.State.ACCEPTED)


@pytest.mark.django_db
def test_what_may_have_been_charged_cannot_be_taken_back():
    quote, contact_id = quote_with_reader()
    with billing_in_memory(ConnectorBusy("time-out"), WRONG_KEY):
        yes(quote, contact_id)
        finish(timedelta(minutes=2))
    quote.refresh_from_db()
    assert quote.failure == f"Billing made the change, or may have: {WRONG_KEY.detail}"
    assert no(quote, contact_id) == "already_done"
    assert finish_later() == (1, Quote.State.ACCEPTED)


@pytest.mark.django_db
def test_while_billing_is_asked_again_a_no_comes_too_late():
    quote, contact_id = held_yes()
    said = []

    def asked():
        said.append(no(quote, contact_id))
        raise WRONG_KEY

    with billing_in_memory(during=asked):
        finish(timedelta(hours=8))
    assert said == ["already_done"]
    assert no(quote, contact_id) == "declined"


@pytest.mark.django_db
@pytest.mark.parametrize(("plan", "state"), [("enterprise", "ACCEPTED"), ("basic", "FAILED")])
def test_who_has_more_by_now_keeps_it(plan, state):
    """The plan itself with fifty seats, bought by hand; or fifty seats of today's plan, where twelve were asked for."""
    price = ladder()["enterprise"].prices.get()
    quote, _ = held_yes(to_price=price, quantity=12, new_mrr=Decimal("180.00"))
    type(quote.subscription).objects.update(plan=ladder()[plan], quantity=50)
    assert finish_later() == (0, state)
    quote.subscription.refresh_from_db()
    assert quote.subscription.quantity == 50


@pytest.mark.django_db
def test_of_two_quotes_of_one_account_one_is_accepted():
    quote, contact_id = held_yes()
    second = QuoteFactory(subscription=quote.subscription, new_mrr=Decimal("89.00"))
    with billing_in_memory() as billing:
        assert yes(second, contact_id).name == "already_done"
    assert billing.calls == []
    assert finish_later() == (1, Quote.State.ACCEPTED)


@pytest.mark.django_db
def test_a_crash_after_the_charge_charges_nobody_twice():
    # given billing was called and the process died before it wrote ACCEPTED
    quote, contact_id = quote_with_reader()
    with billing_in_memory() as billing:
        yes(quote, contact_id)
        Quote.objects.update(state=Quote.State.ACCEPTING)
        # when
        accept.finish_accepting(now=LATER, wall_now=LATER)
    # then
    quote.refresh_from_db()
    assert quote.state == Quote.State.ACCEPTED
    assert len(billing.changes) == 1
    assert MrrMovement.objects.count() == 1


@pytest.mark.django_db
def test_while_billing_does_not_say_its_price_a_yes_can_be_taken_back():
    quote, contact_id = quote_with_reader()
    with billing_in_memory() as billing:
        billing.unasked = True
        assert yes(quote, contact_id).name == "pending"
        said = decline.decline_quote(
            quote_uuid=quote.uuid, contact_id=contact_id, reason=Refusal.Reason.TOO_EXPENSIVE, now=LATER
        )
    assert (said.name, billing.calls) == ("declined", [])


@pytest.mark.django_db
def test_more_seats_than_quoted_may_be_bought():
    price = ladder()["enterprise"].prices.get()
    figures = {"charged_per_interval": "135.00"}
    quote, contact_id = quote_with_reader(to_price=price, quantity=9, new_mrr=Decimal("135.00"), figures=figures)
    price.unit_amount += 1  # since then
    price.save()
    with billing_in_memory():
        yes(quote, contact_id, quantity=12)
    quote.subscription.refresh_from_db()
    assert (quote.subscription.quantity, quote.subscription.mrr) == (12, Decimal("180.00"))


@pytest.mark.django_db
@pytest.mark.parametrize(("interval", "new_mrr"), [("MONTH", "135.00"), ("YEAR", "11.25")])
def test_a_price_that_does_not_say_what_is_charged_is_sold_for_more_seats_all_the_same(interval, new_mrr):
    price = ladder()["enterprise"].prices.get()
    price.interval = interval
    quote = QuoteFactory.build(
        subscription=None, account=None, from_plan=None, offer=None, to_price=price, quantity=9, interval=interval,
        old_mrr=Decimal(9), new_mrr=Decimal(new_mrr),
    )  # fmt: skip
    assert accept._with_quantity(quote, 18)["new_mrr"] == 2 * Decimal(new_mrr)


@pytest.mark.django_db
def test_fewer_seats_than_are_in_use_are_refused():
    price = ladder()["enterprise"].prices.get()
    quote, contact_id = quote_with_reader(to_price=price, quantity=9, new_mrr=Decimal("135.00"))
    with billing_in_memory(), pytest.raises(accept.QuantityError):
        yes(quote, contact_id, quantity=5)


@pytest.mark.django_db(transaction=True)
def test_fifty_parallel_clicks_on_two_quotes_of_an_account_upgrade_once():
    quote, contact_id = quote_with_reader(subscription=basic_subscription())
    quotes = [quote, QuoteFactory(subscription=quote.subscription)]
    results: Counter[str] = Counter()
    barrier = threading.Barrier(10)

    def click(number: int) -> None:
        barrier.wait()
        for turn in range(5):
            results[yes(quotes[(number + turn) % 2], contact_id).name] += 1
        connection.close()

    with billing_in_memory() as billing:
        threads = [threading.Thread(target=click, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {"upgraded": 1, "already_done": 49}
    assert len(billing.calls) == 1
    assert MrrMovement.objects.count() == 1
