from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.offers import decline, selectors
from campaigns.offers.models import Quote, Refusal
from campaigns.usage.models import UsageEvent
from tests.factories.offers import NOW, quote_with_reader

pytestmark = pytest.mark.django_db


def no(quote, contact_id, reason="TOO_EXPENSIVE", **changes):
    said = {"quote_uuid": quote.uuid, "contact_id": contact_id, "reason": reason, "now": NOW} | changes
    return decline.decline_quote(**said)


def test_a_no_is_kept_with_its_reason():
    quote, contact_id = quote_with_reader()
    assert no(quote, contact_id, note="maybe in spring").name == "declined"
    refusal = Refusal.objects.get()
    assert (refusal.reason, refusal.note, refusal.contact_id) == ("TOO_EXPENSIVE", "maybe in spring", contact_id)
    assert Quote.objects.get().state == Quote.State.DECLINED


@pytest.mark.parametrize(("reason", "days"), [("TOO_EXPENSIVE", 90), ("WRONG_TIME", 30), ("OTHER", 60)])
def test_the_reason_says_how_long_the_account_is_left_alone(reason, days):
    quote, contact_id = quote_with_reader()
    no(quote, contact_id, reason)
    ids = [quote.account_id]
    assert selectors.refused_account_ids(account_ids=ids, now=NOW + timedelta(days=days - 1)) == {quote.account_id}
    assert selectors.refused_account_ids(account_ids=ids, now=NOW + timedelta(days=days)) == set()


def test_a_no_can_be_segmented_as_a_usage_event():
    quote, contact_id = quote_with_reader()
    no(quote, contact_id)
    event = UsageEvent.objects.get()
    assert (event.name, event.account_id, event.contact_id) == ("crescendo.offer_refused", quote.account_id, contact_id)
    assert event.properties == {"offer": "next-plan-up", "reason": "TOO_EXPENSIVE"}


def test_a_second_no_changes_nothing():
    quote, contact_id = quote_with_reader()
    no(quote, contact_id)
    assert no(quote, contact_id, "OTHER").name == "declined"
    assert Refusal.objects.get().reason == "TOO_EXPENSIVE"


def test_a_no_after_the_upgrade_comes_too_late():
    quote, contact_id = quote_with_reader()
    Quote.objects.update(state=Quote.State.ACCEPTED, answered_at=NOW)
    assert no(quote, contact_id).name == "already_done"


def test_a_reason_that_does_not_exist_is_an_error():
    quote, contact_id = quote_with_reader()
    with pytest.raises(ValueError, match="BECAUSE"):
        no(quote, contact_id, "BECAUSE")


def test_a_call_can_be_asked_for():
    quote, contact_id = quote_with_reader()
    assert decline.ask_call(quote_uuid=quote.uuid, contact_id=contact_id, now=NOW).name == "call_asked"
    assert Quote.objects.get().state == Quote.State.CALL_ASKED


def test_who_asked_for_a_call_may_still_say_no():
    quote, contact_id = quote_with_reader()
    decline.ask_call(quote_uuid=quote.uuid, contact_id=contact_id, now=NOW)
    assert no(quote, contact_id).name == "declined"


def test_after_its_time_a_quote_cannot_be_declined():
    quote, contact_id = quote_with_reader()
    assert no(quote, contact_id, now=NOW + timedelta(days=31)).name == "expired"
    assert not Refusal.objects.exists()
