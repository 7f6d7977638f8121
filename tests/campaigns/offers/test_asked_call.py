"""“Call me” on the page of an offer: a colleague hears of it, once, and no longer than it is wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import Subscription
from campaigns.consent import opt_out
from campaigns.delivery import asked_task, task_work
from campaigns.delivery.models import CsmTask, Message
from campaigns.offers import asked_call, call, decline, links
from campaigns.offers.models import Quote
from campaigns.privacy import erase
from campaigns.profiles.models import Account, Contact
from tests.factories.delivery import CsmTaskFactory, MessageFactory
from tests.factories.offers import NOW, QuoteFactory, ladder, quote_with_reader
from tests.factories.profiles import MembershipFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def scene(shared_rows):
    """A quote, whom it was sent to, and the mail that carried it, between two that did not."""
    quote, contact_id = quote_with_reader()
    Account.objects.filter(pk=quote.account_id).update(name="Acme")
    account, contact = Account.objects.get(pk=quote.account_id), Contact.objects.get(pk=contact_id)
    to_them = {"account": account, "contact": contact, "state": "ACCEPTED", "accepted_at": NOW}
    MessageFactory(**to_them, planned_at=NOW - timedelta(days=2))
    mail = MessageFactory(**to_them, planned_at=NOW - timedelta(days=1), expected_value=Decimal(70))
    url = links.offer_url(quote_uuid=quote.uuid, contact_id=contact_id)
    mail.links.create(kind="offer", target=f"{url}?utm_source=crescendo")
    MessageFactory(**to_them, planned_at=NOW)
    return quote.pk, contact_id, mail.pk


@pytest.fixture
def offered(scene, db):
    quote_id, contact_id, mail_id = scene
    return Quote.objects.get(pk=quote_id), contact_id, mail_id


def ask(quote, contact_id, now=NOW):
    return decline.ask_call(quote_uuid=quote.uuid, contact_id=contact_id, now=now).name


def test_who_asks_to_be_called_makes_a_task_that_hangs_on_the_mail_with_the_offer(offered):
    quote, contact_id, mail_id = offered
    assert ask(quote, contact_id) == "call_asked"
    task = CsmTask.objects.get()
    assert (task.message_id, task.account_id, task.contact_id) == (mail_id, quote.account_id, contact_id)
    assert (task.state, task.is_asked_for, task.title) == ("OPEN", True, "Acme asked to be called about Team")
    assert task.body == (
        "Asked on 2 March 2026 to be called about Team.\n"
        "Team costs $99.00 a month, $70.00 more than $29.00 for Basic. The price holds until 1 April 2026.\n\n"
        "What they were told last: “Acme is close to its limit” (E-mail, 2 March 2026)."
    )
    # The next working day; a campaign's own call has two.
    assert task.due_at == NOW + timedelta(days=1)


def test_pressing_twice_and_two_offers_are_one_task(offered):
    quote, contact_id, _mail = offered
    other = QuoteFactory(subscription=quote.subscription, to_price=ladder()["enterprise"].prices.get())
    colleague = MembershipFactory(account=quote.account).contact_id
    assert [ask(quote, contact_id), ask(quote, contact_id), ask(other, colleague, LATER)] == ["call_asked"] * 3
    task = CsmTask.objects.get()
    assert task.body.count("to be called about Team") == 1
    assert "to be called about Enterprise, by somebody else there." in task.body
    assert (task.contact_id, task.due_at) == (contact_id, NOW + timedelta(days=1))


def test_a_wish_is_added_to_the_call_that_a_campaign_has_open(offered):
    quote, contact_id, _mail = offered
    account = quote.account
    planned = CsmTaskFactory(
        message__account=account, due_at=NOW + timedelta(days=9), snoozed_until=NOW + timedelta(days=9)
    )
    ask(quote, contact_id)
    task = CsmTask.objects.get()
    assert (task.pk, task.contact_id, task.is_asked_for, task.asked_at) == (planned.pk, contact_id, True, NOW)
    assert task.body.startswith("Ask about more seats.\n\nAsked on 2 March 2026 to be called about Team.")
    assert (task.due_at, task.snoozed_until) == (NOW + timedelta(days=1), None)


def test_a_call_that_is_due_sooner_stays_due_then(offered):
    quote, contact_id, _mail = offered
    CsmTaskFactory(message__account=quote.account, due_at=NOW)
    ask(quote, contact_id)
    assert CsmTask.objects.get().due_at == NOW


def test_a_message_that_never_left_is_no_message_to_hang_on_while_there_is_another(offered):
    quote, contact_id, mail_id = offered
    Message.objects.filter(pk=mail_id).update(state="SKIPPED", reason="CAPPED")
    ask(quote, contact_id)
    assert CsmTask.objects.get().message_id == Message.objects.latest("planned_at").pk


def test_without_a_message_to_them_it_hangs_on_one_to_somebody_else_there(offered):
    quote, _contact, _mail = offered
    newcomer = MembershipFactory(account=quote.account).contact_id
    ask(quote, newcomer)
    task = CsmTask.objects.get()
    assert (task.contact_id, task.message.account_id) == (newcomer, quote.account_id)
    assert "told last" not in task.body


def test_without_any_message_the_wish_is_noted_all_the_same(offered, caplog):
    quote, contact_id, _mail = offered
    Message.objects.update(account=None)
    assert ask(quote, contact_id) == "call_asked"
    assert not CsmTask.objects.exists()
    assert str(quote.uuid) in caplog.text


def test_the_erased_ask_for_nothing(offered):
    quote, contact_id, _mail = offered
    Contact.objects.filter(pk=contact_id).update(erased_at=NOW)
    assert ask(quote, contact_id) == "expired"
    assert (Quote.objects.get().state, CsmTask.objects.count()) == ("OPEN", 0)


@pytest.mark.parametrize("is_campaigns", [False, True])
def test_a_no_to_mails_and_the_end_of_a_campaign_do_not_call_it_off(offered, is_campaigns):
    quote, contact_id, _mail = offered
    if is_campaigns:
        CsmTaskFactory(message__account=quote.account)
    ask(quote, contact_id)
    message = CsmTask.objects.get().message
    opt_out.opt_out(point_id=message.point_id, source="test", at=NOW, now=NOW)
    assert task_work.call_off_refused(now=NOW) == 0
    assert task_work.call_off_tasks(message_ids=[message.pk], now=NOW) == 0
    assert CsmTask.objects.get().state == "OPEN"


def test_a_no_on_the_page_calls_it_off(offered):
    quote, contact_id, _mail = offered
    ask(quote, contact_id)
    assert asked_call.call_off_answered(now=LATER) == 0
    decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact_id, reason="OTHER", now=LATER)
    assert (asked_call.call_off_answered(now=LATER), asked_call.call_off_answered(now=LATER)) == (1, 0)
    task = CsmTask.objects.get()
    assert (task.state, task.closed_at) == ("CANCELLED", LATER)


@pytest.mark.parametrize(
    ("state", "called_off"), [("ACCEPTED", 1), ("ACCEPTING", 0), ("FAILED", 0), ("EXPIRED", 0), ("CALL_ASKED", 0)]
)
def test_after_a_yes_nobody_need_call_but_after_one_that_failed_somebody_does(offered, state, called_off):
    quote, contact_id, _mail = offered
    ask(quote, contact_id)
    Quote.objects.update(state=state, answered_at=LATER)
    assert asked_call.call_off_answered(now=LATER) == called_off


def test_who_has_the_plan_in_another_way_need_not_be_called(offered):
    quote, contact_id, _mail = offered
    ask(quote, contact_id)
    Subscription.objects.update(plan=ladder()["team"])
    assert asked_call.call_off_answered(now=LATER) == 1


def test_a_no_to_another_plan_leaves_the_call_and_one_to_a_newer_price_does_not(offered):
    quote, contact_id, _mail = offered
    ask(quote, contact_id)
    enterprise = ladder()["enterprise"].prices.get()
    said_no = {
        "subscription": quote.subscription,
        "state": "DECLINED",
        "answered_at": LATER,
        "answered_by_id": contact_id,
    }
    QuoteFactory(to_price=enterprise, **said_no)
    assert asked_call.call_off_answered(now=LATER) == 0
    QuoteFactory(**said_no)
    assert asked_call.call_off_answered(now=LATER) == 1


def test_what_they_answered_before_they_asked_calls_nothing_off(offered):
    quote, contact_id, _mail = offered
    QuoteFactory(subscription=quote.subscription, state="DECLINED", answered_at=NOW - timedelta(days=1))
    ask(quote, contact_id)
    assert asked_call.call_off_answered(now=LATER) == 0


def test_a_wish_that_comes_while_the_last_is_called_off_is_kept(offered):
    quote, contact_id, _mail = offered
    ask(quote, contact_id)
    read = list(asked_task.open_ones())
    CsmTask.objects.update(body="Another wish", xid=read[0].xid + 1)
    assert asked_task.call_off(tasks=read, now=LATER) == 0


def test_a_no_on_the_phone_is_to_what_they_asked_about(offered):
    quote, contact_id, _mail = offered
    newer = QuoteFactory(subscription=quote.subscription, made_at=LATER)
    ask(quote, contact_id)
    assert call.record_call(task=CsmTask.objects.get(), outcome="NOT_NOW", by_id=None, now=LATER)
    assert dict(Quote.objects.values_list("pk", "state")) == {quote.pk: "DECLINED", newer.pk: "OPEN"}


def test_a_price_by_the_year_says_what_is_charged(offered):
    quote, contact_id, _mail = offered
    Quote.objects.update(interval="YEAR", figures={"charged_per_interval": "1188.00"})
    ask(quote, contact_id)
    assert "It is paid by the year: $1,188.00." in CsmTask.objects.get().body


def test_a_call_that_they_asked_for_is_no_reply_to_the_mail(offered):
    quote, contact_id, mail_id = offered
    ask(quote, contact_id)
    task_work.close_task(task=CsmTask.objects.get(), outcome="INTERESTED", by_id=None, now=LATER)
    assert Message.objects.get(pk=mail_id).replied_at is None


def test_it_is_written_in_the_language_of_the_site_and_due_on_a_working_day_there(offered, settings):
    quote, contact_id, _mail = offered
    settings.LANGUAGE_CODE = "ro"
    Quote.objects.update(old_mrr=Decimal(1290), new_mrr=Decimal(12900))
    Contact.objects.filter(pk=contact_id).update(time_zone="Asia/Jerusalem")
    thursday = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    ask(quote, contact_id, thursday)
    task = CsmTask.objects.get()
    assert "12.900,00" in task.body
    assert task.due_at == thursday + timedelta(days=3)


def test_a_no_of_somebody_else_there_leaves_the_call(offered):
    quote, contact_id, _mail = offered
    ask(quote, contact_id)
    other = MembershipFactory(account=quote.account).contact_id
    decline.decline_quote(
        quote_uuid=QuoteFactory(subscription=quote.subscription).uuid, contact_id=other, reason="OTHER", now=LATER
    )
    assert asked_call.call_off_answered(now=LATER) == 0


def test_who_asked_as_well_is_called_also_after_the_first_was_erased(offered):
    quote, contact_id, _mail = offered
    other = MembershipFactory(account=quote.account).contact_id
    ask(quote, contact_id)
    ask(QuoteFactory(subscription=quote.subscription), other, LATER)
    erase.erase_contact(contact_id=contact_id, by="dana", now=LATER + timedelta(days=3))

    task = CsmTask.objects.get(state="OPEN")
    assert (task.contact_id, task.title, task.asked_at) == (other, "Acme asked to be called about Team", LATER)
    assert task.due_at == LATER + timedelta(days=1)


def test_who_was_called_before_is_not_called_again_when_another_is_erased(offered):
    quote, contact_id, _mail = offered
    ask(QuoteFactory(subscription=quote.subscription), MembershipFactory(account=quote.account).contact_id)
    task_work.close_task(task=CsmTask.objects.get(), outcome="INTERESTED", by_id=None, now=NOW)
    ask(quote, contact_id, LATER)
    erase.erase_contact(contact_id=contact_id, by="dana", now=LATER)
    assert not CsmTask.objects.filter(state="OPEN").exists()


def test_a_campaigns_call_about_somebody_else_who_was_erased_stays_asked_for(offered):
    quote, contact_id, _mail = offered
    planned = CsmTaskFactory(message__account=quote.account)
    ask(quote, contact_id)
    erase.erase_contact(contact_id=planned.message.contact_id, by="dana", now=LATER)

    assert task_work.call_off_tasks(message_ids=[planned.message_id], now=LATER) == 0
    task = CsmTask.objects.get()
    assert (task.contact_id, task.title) == (contact_id, "Acme asked to be called about Team")
    assert task.body.startswith("Asked on 2 March 2026 to be called about Team.")
    assert Message.objects.get(pk=planned.message_id).context == {CsmTask.ASKED_AT: NOW.isoformat()}
