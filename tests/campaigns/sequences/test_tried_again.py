"""What failed is tried again apart from all others, and none of it waits for the end of the rest."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from campaigns.delivery.models import Message
from campaigns.offers import quote
from campaigns.operations import one_at_a_time
from campaigns.profiles.models import Account
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import advance, enrol, figures, jobs, planning_apart, replan, wake
from campaigns.sequences.models import Campaign, Enrolment, Snag
from orchestrator import clock
from orchestrator.jobs import bells
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
DAY = timedelta(days=1)
MAIL, WAIT, *_ = make.document()["steps"]
SECOND = MAIL | {"key": "mail-2"}
MAIL_WAIT_MAIL = scenes.campaign(MAIL, WAIT, SECOND)
two_mails = scenes.of(MAIL_WAIT_MAIL)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get()


def gone() -> None:
    Message.objects.filter(state="PLANNED").update(state="ACCEPTED", accepted_at=NOW, ended_at=NOW)
    wake.wake_concerned(now=NOW)


def planned(campaign: str, step: str) -> int:
    return Message.objects.filter(origin_campaign=campaign, origin_step=step).count()


def _fails(**_given: Any) -> None:
    raise ValueError


def rounds(bad: set[int], all_of: int) -> tuple[set[int], set[int]]:
    """Who is done after one go, and one more at those given up in company; and who failed alone."""
    done: set[int] = set()
    alone: set[int] = set()
    company: list[int] = []

    def act(part: Sequence[int]) -> None:
        if bad & set(part):
            raise ValueError
        done.update(part)

    def give_up(part: Sequence[int], _error: Exception) -> None:
        if len(part) == 1:
            alone.update(part)
        else:
            company.extend(part)

    given: Any = {"campaign_of": lambda _one: 1, "act": act, "give_up": give_up}
    planning_apart.act_apart(items=range(all_of), **given)
    planning_apart.act_again(items=company, **given)
    return done, alone


@pytest.mark.parametrize(
    "bad", [set(random.Random(1).sample(range(2000), 200)), set(range(200)), set(range(1000, 1800)), {0, 1999}]
)
def test_no_innocent_stands_longer_than_two_rounds(bad):
    done, alone = rounds(bad, 2000)
    assert done == set(range(2000)) - bad
    assert alone == bad


def ticks(monkeypatch: pytest.MonkeyPatch, items: Sequence[tuple[str, int]], slow: set[tuple[str, int]]) -> list[Any]:
    """What is settled in each tick of the lane of the failed, until all are, where a try of a slow one takes longer
    than the lane has."""
    clock_s = [0.0]
    monkeypatch.setattr(planning_apart, "time", SimpleNamespace(monotonic=lambda: clock_s[0]))
    settled: list[set[tuple[str, int]]] = []

    def act(part: Sequence[tuple[str, int]]) -> None:
        if slow & set(part):
            clock_s[0] += 3 * planning_apart.AGAIN_S
            raise ValueError
        settled[-1].update(part)

    left = list(items)
    while left:
        settled.append(set())
        planning_apart.act_again(
            items=left,
            campaign_of=lambda one: ord(one[0]),
            act=act,
            give_up=lambda part, _error: settled[-1].update(part),
        )
        left = [one for one in left if one not in settled[-1]]
    return settled


def test_however_long_a_try_takes_each_tick_settles_somebody(monkeypatch):
    items = [("a", number) for number in range(100)]
    slow = {("a", number) for number in (0, 37, 38, 99)}
    settled = ticks(monkeypatch, items, slow)
    assert all(settled)
    assert len(settled) <= 5 * len(slow)


def test_nobody_waits_for_the_end_of_a_campaign_in_which_all_are_slow(monkeypatch):
    slow = {("a", number) for number in range(200)}
    settled = ticks(monkeypatch, [*sorted(slow), ("b", 1)], slow)
    assert next(number for number, one in enumerate(settled) if ("b", 1) in one) < 50


@two_mails
@pytest.mark.parametrize("act", ["advance_batch", "advance_again", "plan_fresh", "plan_again", "enrol"])
def test_no_statement_about_a_batch_takes_for_ever(campaign, monkeypatch, act):
    assert campaign.segment is not None
    pk = Enrolment.objects.get().pk
    if act.startswith("plan"):
        Message.objects.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    gone()
    if act.endswith("again"):
        planning_apart.note_snags(kind="FAULT", steps={pk: "wait"}, details={pk: "KeyError"}, now=NOW)
    if act == "enrol":
        SegmentMembership.objects.create(segment=campaign.segment, account=make.ready_account(), entered_at=NOW)
    limits: list[str] = []
    real = quote.price_accounts

    def looks(**given: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            limits.extend(cursor.fetchone())
        return real(**given)

    monkeypatch.setattr(quote, "price_accounts", looks)
    now = NOW + 4 * DAY
    acts: dict[str, Any] = {
        "advance_batch": lambda: advance.advance_batch(now=now, size=10),
        "advance_again": lambda: advance.advance_again(now=now),
        "plan_fresh": lambda: replan.plan_fresh(now=now),
        "plan_again": lambda: replan.plan_again(now=now),
        "enrol": lambda: enrol.enrol_audience(campaign=campaign, now=now),
    }
    acts[act]()
    assert limits == [f"{planning_apart.STATEMENT_S}s"]


def test_where_nothing_goes_it_is_given_up_soon():
    tried = []

    def act(part: Sequence[int]) -> None:
        tried.append(len(part))
        raise ValueError

    given_up: list[int] = []
    planning_apart.act_apart(
        items=range(2000), campaign_of=lambda _one: 1, act=act, give_up=lambda part, _error: given_up.extend(part)
    )
    assert (len(tried), sorted(given_up)) == (1 + planning_apart.IN_A_ROW, list(range(2000)))


@scenes.of(MAIL_WAIT_MAIL, accounts=5)
def test_what_was_given_up_in_company_is_tried_again_at_once_and_alone(campaign, monkeypatch):
    accounts = list(Account.objects.order_by("pk"))
    gone()
    real = quote.make_quotes

    def fails_for_one(*, account_ids, **given):
        if accounts[2].pk in account_ids:
            raise ArithmeticError
        return real(account_ids=account_ids, **given)

    monkeypatch.setattr(quote, "make_quotes", fails_for_one)
    monkeypatch.setattr(planning_apart, "IN_A_ROW", 0)
    now = NOW + 4 * DAY
    assert (advance.advance_batch(now=now, size=100).planned, Snag.objects.count()) == (0, 5)
    assert advance.advance_batch(now=now, size=100).looked_at == 0
    assert advance.advance_again(now=now).planned == 4
    snag = Snag.objects.get()
    assert (snag.enrolment.account, snag.since, snag.try_at > now) == (accounts[2], now, True)


@two_mails
def test_what_could_not_be_planned_anew_is_left_alone_for_a_while(campaign, monkeypatch):
    Message.objects.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    monkeypatch.setattr(quote, "make_quotes", _fails)
    assert replan.plan_anew(now=NOW) == 0
    monkeypatch.undo()
    assert replan.plan_anew(now=NOW + timedelta(minutes=4)) == 0
    assert replan.plan_anew(now=NOW + timedelta(minutes=5)) == 1


@two_mails
def test_it_is_tried_again_ever_more_seldom(campaign):
    pk = Enrolment.objects.get().pk
    tries = []
    for minutes in (0, 5, 10, 20, 300):
        now = NOW + timedelta(minutes=minutes)
        planning_apart.note_snags(kind="FAULT", steps={pk: "wait"}, details={pk: "KeyError"}, now=now)
        tries.append((Snag.objects.get().try_at - now).seconds // 60)
    assert (tries, Snag.objects.get().since) == ([5, 5, 10, 20, 60], NOW)


@two_mails
def test_who_failed_is_tried_again_by_a_job_of_its_own(campaign, monkeypatch):
    gone()
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 4 * DAY)
    monkeypatch.setattr(quote, "make_quotes", _fails)
    jobs.advance()
    monkeypatch.undo()
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 5 * DAY)
    jobs.advance()
    assert planned("seats-80", "mail-2") == 0
    jobs.try_again()
    assert planned("seats-80", "mail-2") == 1


@two_mails
def test_the_lane_of_the_failed_takes_one_worker(campaign, monkeypatch):
    gone()
    pk = Enrolment.objects.get().pk
    planning_apart.note_snags(kind="FAULT", steps={pk: "wait"}, details={pk: "KeyError"}, now=NOW)
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 5 * DAY)
    with one_at_a_time.claim(name="lane of the failed"):
        jobs.try_again()
        assert Snag.objects.exists()
    jobs.try_again()
    assert not Snag.objects.exists()


@two_mails
def test_a_worker_that_was_frozen_leaves_the_lane_to_who_took_it_over(campaign, monkeypatch):
    gone()
    pk = Enrolment.objects.get().pk
    planning_apart.note_snags(kind="FAULT", steps={pk: "wait"}, details={pk: "KeyError"}, now=NOW)
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 5 * DAY)
    later = clock.wall_now() + 2 * one_at_a_time.LONGEST

    def freezes(**_given: Any) -> bool:
        monkeypatch.setattr(clock, "wall_now", lambda: later)
        return False

    monkeypatch.setattr(figures, "renew_again", freezes)
    jobs.try_again()
    assert Snag.objects.exists()


@two_mails
def test_where_the_time_is_over_another_job_is_rung_for(campaign, monkeypatch):
    gone()
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 4 * DAY)
    monkeypatch.setattr(jobs, "ADVANCE_S", 0.0)
    rung: list[str] = []
    monkeypatch.setattr(bells, "ring", rung.append)
    jobs.advance()
    assert (rung, planned("seats-80", "mail-2")) == (["many_enrolments_due"], 0)
