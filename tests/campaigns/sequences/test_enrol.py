from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.delivery.models import Message
from campaigns.experiments.models import Assignment
from campaigns.offers import decline
from campaigns.offers.models import Quote
from campaigns.profiles.models import Account, Score
from campaigns.segments import refresh
from campaigns.sequences import enrol, selectors
from campaigns.sequences.models import Campaign, Enrolment, Entry
from campaigns.usage.models import UsageEvent
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make
from tests.factories.offers import QuoteFactory
from tests.factories.profiles import MembershipFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
nobody_yet = scenes.of({"holdout_percent": None}, accounts=0)
market_alone = scenes.of(accounts=0)
one_inside = scenes.of({"holdout_percent": None})


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get()


def launch_now(**changes):
    return make.launched(**({"holdout_percent": None} | changes))


def reason_of(account) -> str:
    entry = Entry.objects.get(account=account)
    return entry.reason if entry.outcome == Entry.Outcome.NOT_ENROLLED else entry.outcome


@market_alone
def test_each_account_out_of_the_question_is_told_why():
    past_due = make.ready_account(subscription={"status": "PAST_DUE"})
    cancelling = make.ready_account(subscription={"cancel_scheduled": True})
    no_price = make.ready_account(subscription={"currency": "RON"})
    trial = make.ready_account(subscription={"status": "TRIALING"})
    red = make.ready_account()
    Score.objects.create(account=red, kind="health", value=Decimal(20), at=NOW)
    opted_out = make.account_near_limit()
    make.reader(opted_out, topics={"offers": "WITHDRAWN"})
    silent = make.account_near_limit()
    make.reader(silent, topics={})
    fine = make.ready_account()
    # when
    launch_now()
    # then
    assert [reason_of(one) for one in (past_due, cancelling, no_price, trial, red, opted_out, silent, fine)] == [
        "payment_failed", "cancelling", "no_price", "not_eligible", "health_red", "opted_out", "no_reachable_contact",
        "ENROLLED",
    ]  # fmt: skip


@market_alone
def test_an_account_that_said_no_is_left_alone():
    account = make.ready_account()
    quote = QuoteFactory(subscription=account.subscriptions.get())
    contact = account.memberships.get().contact
    decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact.pk, reason="WRONG_TIME", now=NOW)
    launch_now()
    assert reason_of(account) == "recent_refusal"


@market_alone
def test_the_first_reason_in_order_is_the_one_that_is_kept():
    account = make.account_near_limit(subscription={"status": "PAST_DUE", "cancel_scheduled": True, "currency": "RON"})
    launch_now()
    assert reason_of(account) == "no_price"


@market_alone
def test_who_is_kept_out_is_never_drawn():
    make.ready_account(subscription={"status": "PAST_DUE"})
    drawn = make.ready_account()
    launch_now()
    assert list(Assignment.objects.values_list("account", flat=True)) == [drawn.pk]


@market_alone
def test_the_most_recently_active_contact_is_chosen_then_the_lowest_id():
    first, second = make.account_near_limit(), make.account_near_limit()
    make.reader(first, last_active_at=NOW - timedelta(days=9))
    active = make.reader(first, last_active_at=NOW - timedelta(days=1))
    make.reader(first)
    lowest = make.reader(second)
    make.reader(second)
    launch_now()
    assert [one.contact for one in Enrolment.objects.order_by("account_id")] == [active, lowest]


@market_alone
def test_only_the_roles_of_the_file_are_written_to():
    account = make.account_near_limit()
    make.reader(account, role="MEMBER", last_active_at=NOW)
    billing = make.reader(account, role="BILLING")
    launch_now()
    assert Enrolment.objects.get().contact == billing


@market_alone
def test_no_roles_means_any_role():
    account = make.account_near_limit()
    member = make.reader(account, role="MEMBER")
    launch_now(recipients={"roles": []})
    assert Enrolment.objects.get().contact == member


@market_alone
def test_several_contacts_of_an_account_get_the_same_arm_and_price():
    account = make.account_near_limit()
    for _ in range(3):
        make.reader(account)
    launch_now(recipients={"per_account": 2})
    rows = list(Enrolment.objects.all())
    assert len(rows) == 2
    assert len({(row.arm, row.quote_id, row.entry_id) for row in rows}) == 1


@market_alone
def test_a_person_in_two_accounts_gets_one_message():
    first, second = make.account_near_limit(), make.account_near_limit()
    person = make.reader(first)
    MembershipFactory(account=second, contact=person)
    launch_now()
    assert Message.objects.count() == 1
    assert sorted([reason_of(first), reason_of(second)]) == ["ENROLLED", "already_in_campaign"]


@market_alone
def test_the_held_out_get_no_quote_and_no_message():
    for _ in range(25):
        make.ready_account()
    campaign = make.launched(holdout_percent=50)
    held = Entry.objects.filter(outcome=Entry.Outcome.HOLDOUT)
    assert held.count() == selectors.ledger(campaign=campaign, now=NOW)["accounts"]["holdout"] > 0
    assert not Quote.objects.filter(account__in=held.values("account")).exists()
    assert not Message.objects.filter(account__in=held.values("account")).exists()


@market_alone
def test_a_first_wait_makes_a_message_that_is_due_later():
    make.ready_account()
    steps = make.document()["steps"]
    launch_now(steps=[{"key": "pause", "kind": "WAIT", "for": "2d"}, *steps])
    assert Message.objects.get().due_at == NOW + timedelta(days=2)
    assert Enrolment.objects.get().due_at is None, "What follows waits until it has gone."
    make.go_on(now=NOW + timedelta(days=2))
    assert Enrolment.objects.get().due_at == NOW + timedelta(days=5)


@market_alone
def test_a_contact_gets_the_language_it_reads_or_english():
    hebrew, french = make.account_near_limit(), make.account_near_limit()
    make.reader(hebrew, locale="he-IL")
    make.reader(french, locale="fr")
    document = make.document()
    for variant in document["steps"][0]["variants"].values():
        variant["content"]["he"] = variant["content"]["en"] | {"subject": "פרסומת: מקום לעוד"}
    launch_now(steps=document["steps"])
    assert list(Message.objects.order_by("account_id").values_list("locale", flat=True)) == ["he", "en"]


@market_alone
def test_an_audience_of_contacts_enrols_those_contacts():
    account = make.account_near_limit()
    wanted = [make.reader(account, role="MEMBER"), make.reader(account)]
    make.reader(account)
    launch_now(audience={"contacts": [contact.external_id for contact in wanted]})
    assert {one.contact for one in Enrolment.objects.all()} == set(wanted)
    assert Entry.objects.count() == 1


@one_inside
def test_who_was_enrolled_can_be_segmented_as_a_usage_event():
    account = Account.objects.get()
    event = UsageEvent.objects.get()
    assert (event.name, event.account, event.properties) == ("crescendo.enrolled", account, {"campaign": "seats-80"})


@scenes.of({"holdout_percent": None}, accounts=5)
def test_stays_seen_before_change_nothing(campaign):
    before = selectors.ledger(campaign=campaign, now=NOW)
    enrol.enrol_audience(campaign=campaign, now=NOW)
    assert selectors.ledger(campaign=campaign, now=NOW) == before


@one_inside
def test_never_means_once(campaign):
    account = Account.objects.get()
    leave_and_come_back(campaign, account)
    enrol.enrol_audience(campaign=campaign, now=NOW + timedelta(days=200))
    assert Entry.objects.count() == 1


@market_alone
def test_after_the_cool_down_an_account_may_enter_again_with_the_same_arm():
    account = make.ready_account()
    campaign = launch_now(entry={"reentry": "AFTER_COOLDOWN", "cooldown_days": 30})
    Enrolment.objects.update(state="ENDED", exit_reason="COMPLETED")
    leave_and_come_back(campaign, account)
    enrol.enrol_audience(campaign=campaign, now=NOW + timedelta(days=29))
    assert Entry.objects.count() == 1
    enrol.enrol_audience(campaign=campaign, now=NOW + timedelta(days=30))
    assert [entry.number for entry in Entry.objects.order_by("number")] == [1, 2]
    assert len(set(Enrolment.objects.values_list("arm", flat=True))) == 1


@market_alone
def test_who_was_not_enrolled_is_judged_again_when_it_comes_back():
    account = make.account_near_limit()
    campaign = launch_now()
    make.reader(account)
    leave_and_come_back(campaign, account)
    enrol.enrol_audience(campaign=campaign, now=NOW + timedelta(days=1))
    assert selectors.entry_counts(campaign=campaign) == {"enrolled": 1, "holdout": 0, "not_enrolled": {}}


@nobody_yet
def test_the_number_of_statements_does_not_grow_with_the_audience(campaign):
    counts = []
    for number in (3, 30):
        for _ in range(number):
            make.ready_account()
        refresh.refresh_segment(segment=campaign.segment, now=NOW)
        with CaptureQueriesContext(connection) as statements:
            enrol.enrol_audience(campaign=campaign, now=NOW)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def leave_and_come_back(campaign, account) -> None:
    """Two refreshes of the segment: the account fell below the line and passed it again."""
    rows = account.usagedaily_set
    rows.update(value=Decimal(2))
    refresh.refresh_segment(segment=campaign.segment, now=NOW)
    rows.update(value=Decimal(9))
    refresh.refresh_segment(segment=campaign.segment, now=NOW)
