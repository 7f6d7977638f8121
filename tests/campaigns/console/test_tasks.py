from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.delivery import task_work
from campaigns.delivery.models import CsmTask
from campaigns.offers.models import Refusal
from campaigns.profiles.models import Account, Contact
from tests.campaigns.console.reading import words_of
from tests.factories.delivery import NOW, CsmTaskFactory, MessageFactory
from tests.factories.offers import QuoteFactory, basic_subscription
from tests.factories.profiles import MembershipFactory
from tests.factories.usage import MeterFactory, UsageDailyFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/studio/tasks/"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def make(title: str, *, due: int = 0, stake: int = 0, **fields) -> CsmTask:
    return CsmTaskFactory(
        title=title, due_at=NOW + timedelta(days=due), message__expected_value=Decimal(stake), **fields
    )


def titles(response) -> list[str]:
    return [row.task.title for row in response.context["rows"]]


def page(task: CsmTask, act: str = "") -> str:
    return reverse(f"admin:studio-task{act}", args=[task.pk])


def test_the_queue_is_by_due_day_and_then_by_what_is_at_stake(marketer):
    make("later, much", due=1, stake=900)
    make("today, little", stake=10)
    make("today, much", stake=70)
    make("late", due=-2, stake=1)
    response = marketer.get(LIST)
    assert titles(response) == ["late", "today, much", "today, little", "later, much"]
    assert "2 days late" in words_of(response)


def test_the_queue_can_be_by_money_alone(marketer):
    make("late", due=-2, stake=1)
    make("much", due=5, stake=900)
    assert titles(marketer.get(LIST, {"sort": "-stake"})) == ["much", "late"]


def test_each_task_is_under_one_tab_and_mine_are_mine(marketer, django_user_model):
    maria = django_user_model.objects.get(username="maria")
    make("open")
    make("mine", assigned_to=maria)
    make("put off", snoozed_until=NOW + timedelta(days=1))
    make("back again", snoozed_until=NOW - timedelta(days=1))
    task_work.close_task(task=make("done"), outcome="NO_ANSWER", by_id=maria.pk, now=NOW)
    shown = {view: set(titles(marketer.get(LIST, {"show": view}))) for view in ("open", "mine", "later", "done")}
    assert shown == {"open": {"open", "mine", "back again"}, "mine": {"mine"}, "later": {"put off"}, "done": {"done"}}


def test_a_task_is_found_by_account_person_and_title(marketer):
    make("Call them", message__account__name="Galil Software")
    make("Ask about SSO", message__contact__last_name="Moldovan")
    assert titles(marketer.get(LIST, {"q": "galil"})) == ["Call them"]
    assert titles(marketer.get(LIST, {"q": "moldo"})) == ["Ask about SSO"]
    assert "Nothing here matches “nobody”" in words_of(marketer.get(LIST, {"q": "nobody"}))


def test_an_empty_queue_says_where_tasks_come_from(marketer):
    assert "Campaigns with a step “Task for a CSM” put calls here, and customers" in words_of(marketer.get(LIST))


def test_the_navigation_counts_what_is_to_be_done_by_today(marketer):
    make("late", due=-2)
    make("today")
    make("tomorrow", due=1)
    make("put off", snoozed_until=NOW + timedelta(days=1))
    assert "CSM tasks 2 2 to do by today" in words_of(marketer.get("/admin/studio/"))


def test_a_call_that_a_customer_asked_for_says_so_in_the_list_on_its_page_and_in_the_file(marketer):
    asked = make("asked", message__channel="email")
    make("planned")
    assert words_of(marketer.get(LIST)).count("Asked for by the customer") == 1
    assert "Asked for by the customer" in words_of(marketer.get(page(asked)))
    lines = csv.DictReader(
        b"".join(marketer.get(reverse("admin:studio-tasks-csv"))).decode().removeprefix("\ufeff").splitlines()
    )
    assert [(line["task"], bool(line["asked_for"])) for line in lines] == [("asked", True), ("planned", False)]


def test_one_that_was_called_off_says_that_they_answered_by_themselves(marketer):
    asked = make("asked", message__channel="email", state="CANCELLED", closed_at=NOW)
    assert "since they asked, they took the offer" in words_of(marketer.get(page(asked)))


def test_the_csv_has_the_rows_of_the_page_and_no_formula(marketer):
    make("=cmd|' /C calc'!A0", stake=70)
    make("other")
    response = marketer.get(reverse("admin:studio-tasks-csv"), {"q": "cmd"})
    lines = list(csv.DictReader(b"".join(response).decode().removeprefix("\ufeff").splitlines()))
    assert [(line["task"], line["at_stake"], line["state"]) for line in lines] == [
        ("'=cmd|' /C calc'!A0", "70.00", "OPEN")
    ]


def test_the_list_asks_the_database_no_more_for_more_tasks(marketer):
    counts = []
    for _ in range(2):
        for _ in range(5):
            make("one")
        with CaptureQueriesContext(connection) as asked:
            marketer.get(LIST)
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.fixture
def task():
    """About an account on Basic, near its seats, with an offer of Team and a mail that was clicked."""
    subscription = basic_subscription()
    account: Account = subscription.account
    Account.objects.filter(pk=account.pk).update(name="Galil Software", time_zone="Asia/Jerusalem")
    contact: Contact = MembershipFactory(account=account, role="OWNER", contact__phone="+972502345678").contact
    MeterFactory(name="Seats used", kind="REPORTED")
    UsageDailyFactory(account=account, value=9, day=NOW.date())
    QuoteFactory(subscription=subscription, made_at=NOW, valid_until=NOW + timedelta(days=30))
    MessageFactory(
        account=account, contact=contact, state="ACCEPTED", accepted_at=NOW, delivered_at=NOW, clicked_at=NOW
    )
    account.refresh_from_db()
    return CsmTaskFactory(
        message__account=account, message__contact=contact, message__expected_value=Decimal(70),
        title="Call Galil Software", body="They tried SSO.\n\nTeam has it.",
    )  # fmt: skip


def test_a_task_shows_on_one_page_what_a_caller_should_know(marketer, task):
    response = marketer.get(page(task))
    words = words_of(response)
    for told in (
        "Call Galil Software", "They tried SSO.", "Team has it.", "At stake: $70.00 a month", "owner, may buy",
        "Seats used 9 of 10", "90 %", "Basic , $29.00 a month", "Team, $99.00 a month", "12:00 Asia/Jerusalem",
    ):  # fmt: skip
        assert told in words, told
    body = response.content.decode()
    assert '<a class="btn btn-secondary" href="tel:+972502345678">' in body
    assert '<bdi dir="ltr">+972502345678</bdi>' in body
    assert "clicked" in words.lower()


def test_text_from_customers_is_text(marketer, task):
    CsmTask.objects.filter(pk=task.pk).update(title="<b>x</b>", body="<script>alert(1)</script>")
    body = marketer.get(page(task)).content.decode()
    assert "<script>alert(1)" not in body
    assert "&lt;b&gt;x&lt;/b&gt;" in body


def test_interested_closes_the_task_with_its_note(marketer, task):
    response = marketer.post(page(task, "-answer"), {"outcome": "INTERESTED", "note": "Sends a plan."}, follow=True)
    task.refresh_from_db()
    assert (task.state, task.outcome, task.note, task.closed_by.username) == (
        "DONE", "INTERESTED", "Sends a plan.", "maria",
    )  # fmt: skip
    assert response.redirect_chain[-1][0] == LIST
    assert not Refusal.objects.exists()


def test_not_now_declines_the_offer_for_its_reason(marketer, task):
    response = marketer.post(
        page(task, "-answer"), {"outcome": "NOT_NOW", "reason": "TOO_EXPENSIVE", "note": ""}, follow=True
    )
    refusal = Refusal.objects.get()
    assert (refusal.reason, refusal.account, refusal.contact) == ("TOO_EXPENSIVE", task.account, task.contact)
    assert "The no is recorded" in words_of(response)


def test_a_no_on_the_phone_that_comes_too_late_is_told_to_who_noted_it(marketer, task):
    subscription = basic_subscription(account=task.account)
    QuoteFactory(subscription=subscription, state="ACCEPTING", answered_at=NOW)
    response = marketer.post(page(task, "-answer"), {"outcome": "NOT_NOW", "reason": "OTHER"}, follow=True)
    assert "this no does not take it back" in words_of(response)
    assert not Refusal.objects.exists()


def test_an_outcome_that_no_button_has_closes_nothing(marketer, task):
    assert marketer.post(page(task, "-answer"), {"outcome": "MAYBE"}).status_code == 422
    task.refresh_from_db()
    assert task.state == "OPEN"


def test_a_task_that_was_closed_meanwhile_is_said_and_kept(marketer, task):
    task_work.close_task(task=CsmTask.objects.get(), outcome="NO_ANSWER", by_id=None, now=NOW)
    response = marketer.post(page(task, "-answer"), {"outcome": "INTERESTED"}, follow=True)
    assert "closed meanwhile" in words_of(response)
    task.refresh_from_db()
    assert task.outcome == "NO_ANSWER"


@pytest.mark.parametrize(("days", "due"), [("1", 2), ("3", 3), ("7", 7)])
def test_a_task_is_put_off_and_leaves_the_queue(marketer, task, days, due):
    marketer.post(page(task, "-change"), {"do": f"snooze {days}"})
    task.refresh_from_db()
    assert task.snoozed_until == NOW + timedelta(days=int(days))
    assert task.due_at == NOW + timedelta(days=due)
    assert titles(marketer.get(LIST)) == []


def test_a_task_is_taken_given_back_and_given_to_a_colleague(marketer, task, django_user_model):
    noa = django_user_model.objects.create_user("noa", is_staff=True)
    owners = []
    for answer in ({"do": "take"}, {"do": "give"}, {"do": "assign", "to": noa.pk}):
        marketer.post(page(task, "-change"), answer)
        task.refresh_from_db()
        owners.append(task.assigned_to.username if task.assigned_to else None)
    assert owners == ["maria", None, "noa"]


@pytest.mark.parametrize("answer", [{"do": "snooze 900"}, {"do": "dance"}, {"do": "assign", "to": "999999"}, {}])
def test_what_no_button_sends_changes_nothing(marketer, task, answer):
    response = marketer.post(page(task, "-change"), answer, follow=True)
    assert "This change is not known." in words_of(response)
    before = (task.assigned_to, task.snoozed_until, task.due_at)
    task.refresh_from_db()
    assert (task.assigned_to, task.snoozed_until, task.due_at) == before


def test_a_closed_task_says_what_came_of_it_and_offers_no_buttons(marketer, task):
    task_work.close_task(task=task, outcome="NO_ANSWER", note="Tried twice.", by_id=None, now=NOW)
    response = marketer.get(page(task))
    assert "Nobody answered" in words_of(response)
    assert "Tried twice." in words_of(response)
    assert b'name="outcome"' not in response.content


def test_who_may_only_look_sees_no_buttons_and_changes_nothing(onlooker, task, django_user_model):
    assert onlooker.get(LIST).status_code == 403
    guy = django_user_model.objects.get(username="guy")
    guy.user_permissions.add(Permission.objects.get(codename="view_csmtask"))
    response = onlooker.get(page(task))
    assert response.status_code == 200
    assert b'name="outcome"' not in response.content
    assert onlooker.post(page(task, "-answer"), {"outcome": "INTERESTED"}).status_code == 403
    assert onlooker.post(page(task, "-change"), {"do": "take"}).status_code == 403
