"""An account that cannot be taken in keeps no other out, and is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from rq.timeouts import JobTimeoutException

from campaigns.analytics import stalls
from campaigns.analytics.stalls import NEWCOMERS, Cause
from campaigns.consent import opt_out
from campaigns.consent.models import ContactPoint
from campaigns.console import stall_words
from campaigns.offers import quote
from campaigns.operations.models import PullCursor
from campaigns.profiles.models import Account, Score
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import (
    cast,
    compose,
    enrol,
    enrol_again,
    enrol_apart,
    enrol_events,
    enrol_named,
    lacking,
    planning_apart,
    rehearse,
    selectors,
)
from campaigns.sequences.candidates import Arrival
from campaigns.sequences.enrol_named import Named
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Entry
from campaigns.usage import record
from orchestrator import clock
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAIL = make.document()["steps"][0]
EVENT = {"by": "EVENT", "event": {"name": "used"}}
nobody_yet = scenes.of(scenes.campaign(MAIL), accounts=0)
market_alone = scenes.of(accounts=0)


@pytest.fixture
def break_pricing(monkeypatch) -> Callable[[set[int]], None]:
    """Offers cannot be priced for these accounts."""
    real = quote.price_accounts
    broken: set[int] = set()

    def fails(*, account_ids, **given):
        if broken & set(account_ids):
            raise ArithmeticError("dana@acme.example")
        return real(account_ids=account_ids, **given)

    def breaks(ids: set[int]) -> None:
        broken.clear()
        broken.update(ids)

    monkeypatch.setattr(quote, "price_accounts", fails)
    return breaks


def newcomers(campaign: Campaign, number: int) -> list[Account]:
    assert campaign.segment is not None
    accounts = [make.ready_account() for _ in range(number)]
    for account in accounts:
        SegmentMembership.objects.create(segment=campaign.segment, account=account, entered_at=NOW)
    return accounts


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get()


def told(now: datetime) -> list[tuple[int, str, str]]:
    found = stalls.find_stalls(now=now, wall_now=clock.wall_now())
    return [(one.number, one.cause, one.code) for one in found if one.what == NEWCOMERS]


def take_in(campaign: Campaign) -> None:
    """As the pull does, but for rows of a transaction that is open still."""
    enrol.enrol_audience(campaign=campaign, now=NOW)


@nobody_yet
@pytest.mark.parametrize("share", [0, 1])
def test_one_account_that_fails_keeps_nobody_else_out(campaign, break_pricing, share):
    new = newcomers(campaign, 6)
    bad = next(one for one in new if one.pk % 2 == share)
    break_pricing({bad.pk})
    take_in(campaign)
    assert set(Enrolment.objects.values_list("account", flat=True)) == {one.pk for one in new} - {bad.pk}
    entry = Entry.objects.get(account=bad)
    assert (entry.outcome, entry.reason, entry.evidence) == ("NOT_ENROLLED", "fault", {"fault": "ArithmeticError"})
    assert told(NOW) == [(1, Cause.FAULT, "ArithmeticError")]
    [stall] = stalls.find_stalls(now=NOW, wall_now=clock.wall_now())
    assert stall_words.title(stall) == "1 account is not taken in"
    assert "fault of our own (ArithmeticError)" in stall_words.why(stall, now=NOW, wall_now=NOW)
    accounts = selectors.ledger(campaign=campaign, now=NOW)["accounts"]
    assert (accounts["audience"], accounts["enrolled"], accounts["not_enrolled"]) == (6, 5, {"fault": 1})


@nobody_yet
def test_an_hour_later_it_is_tried_again_and_then_it_is_nobodys_worry(campaign, break_pricing):
    [bad, *_] = newcomers(campaign, 3)
    break_pricing({bad.pk})
    take_in(campaign)
    enrol_again.enrol_kept_out(now=NOW + HOUR)
    assert Entry.objects.filter(account=bad).count() == 1
    break_pricing(set())
    enrol_again.enrol_kept_out(now=NOW + 2 * HOUR)
    assert list(Entry.objects.filter(account=bad).order_by("number").values_list("outcome", flat=True)) == [
        "NOT_ENROLLED",
        "ENROLLED",
    ]
    assert told(NOW + 2 * HOUR) == []


@nobody_yet
def test_the_second_look_too_takes_in_all_others(campaign, break_pricing):
    new = newcomers(campaign, 4)
    break_pricing({new[2].pk})
    assert enrol_again.enrol_kept_out(now=NOW).enrolled == 3
    assert told(NOW) == [(1, Cause.FAULT, "ArithmeticError")]


@scenes.of(scenes.campaign(MAIL, entry=EVENT), accounts=3)
def test_an_event_of_one_account_keeps_out_no_other_and_is_tried_again_for_a_day(break_pricing):
    new = list(Account.objects.order_by("pk"))
    record.record_events(
        events=[record.NewEvent(NOW, one.pk, None, "used", {}, "tests", str(one.pk), NOW) for one in new]
    )
    break_pricing({new[1].pk})
    assert enrol_events.enrol_happened(now=NOW + HOUR).enrolled == 2
    assert told(NOW + HOUR) == [(1, Cause.FAULT, "ArithmeticError")]
    assert told(NOW + 2 * DAY) == []
    break_pricing(set())
    assert enrol_again.enrol_kept_out(now=NOW + 2 * HOUR).enrolled == 1


@nobody_yet
def test_where_the_time_is_over_the_others_are_read_again(campaign, break_pricing, monkeypatch):
    CampaignVersion.objects.update(audience_read_at=None)
    new = newcomers(campaign, 8)
    break_pricing({one.pk for one in new})
    monkeypatch.setattr(planning_apart, "PART", 1)
    seconds = itertools.count(step=3)
    monkeypatch.setattr(planning_apart, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    take_in(campaign)
    assert Entry.objects.count() == 2
    take_in(campaign)
    assert (Entry.objects.count(), CampaignVersion.objects.get().audience_read_at) == (6, None)
    take_in(campaign)
    assert (Entry.objects.count(), CampaignVersion.objects.get().audience_read_at) == (8, NOW)


@nobody_yet
def test_who_came_in_long_ago_and_was_never_looked_at_is_told(campaign):
    newcomers(campaign, 2)
    assert told(NOW + timedelta(minutes=10)) == []
    assert [one[:1] for one in told(NOW + HOUR)] == [(2,)]
    newest = SegmentMembership.objects.latest("pk")
    for name in ("enrol:seats-80", "enrol:seats-80:1"):
        PullCursor.objects.update_or_create(name=name, defaults={"xid": newest.xid, "row_id": newest.pk})
    assert told(NOW + HOUR) == []


@nobody_yet
def test_a_try_that_takes_longer_than_there_is_time_keeps_nobody_out_for_long(campaign, monkeypatch):
    CampaignVersion.objects.update(audience_read_at=None)
    new = newcomers(campaign, 12)
    clock_s = [0.0]
    monkeypatch.setattr(planning_apart, "time", SimpleNamespace(monotonic=lambda: clock_s[0]))
    real = quote.price_accounts

    def slow(*, account_ids, **given):
        if new[5].pk in account_ids:
            clock_s[0] += 2 * enrol_apart.SECONDS
            raise ArithmeticError
        return real(account_ids=account_ids, **given)

    monkeypatch.setattr(quote, "price_accounts", slow)
    written = [0]
    while written[-1] < 12:
        take_in(campaign)
        assert Entry.objects.count() > written[-1]
        written.append(Entry.objects.count())
    assert Enrolment.objects.count() == 11


def two_of_an_account(monkeypatch, **changes) -> tuple[Campaign, list[int], set[int]]:
    """The contacts' ids; those in the set cannot be taken in."""
    account = make.account_near_limit()
    people = [make.reader(account), make.reader(account)]
    broken: set[int] = set()
    real = compose.plan_step

    def fails(*, due, now):
        if {one.enrolment.contact_id for one in due} & broken:
            raise ArithmeticError
        return real(due=due, now=now)

    monkeypatch.setattr(compose, "plan_step", fails)
    broken.update(changes.pop("broken", lambda _people: ())([one.pk for one in people]))
    audience = changes.pop("audience", None) or {"contacts": [one.external_id for one in people]}
    given: dict[str, Any] = {
        "holdout_percent": None,
        "steps": [MAIL],
        "recipients": {"roles": ["OWNER"], "per_account": 2},
    }
    campaign = make.launched(audience=audience, **given, **changes)
    return campaign, [one.pk for one in people], broken


def inside() -> set[int]:
    return set(Enrolment.objects.values_list("contact", flat=True))


@market_alone
@pytest.mark.parametrize("which", [[0], [1], [0, 1]])
def test_who_of_a_list_is_kept_out_is_told_and_tried_again_whatever_becomes_of_a_colleague(monkeypatch, which):
    campaign, people, broken = two_of_an_account(monkeypatch, broken=lambda people: [people[one] for one in which])
    kept_out = {people[one] for one in which}
    enrol.enrol_audience(campaign=campaign, now=NOW)
    for hour in (1, 2):
        enrol_again.enrol_kept_out(now=NOW + hour * HOUR)
    assert inside() == set(people) - kept_out
    assert told(NOW) == [(1, Cause.FAULT, "ArithmeticError")]
    assert selectors.ledger(campaign=campaign, now=NOW)["contacts"]["not_enrolled"] == {"fault": len(which)}
    assert Entry.objects.filter(reason="fault").count() == len(which)
    broken.clear()
    enrol_again.enrol_kept_out(now=NOW + 3 * HOUR)
    assert (inside(), told(NOW + 3 * HOUR)) == (set(people), [])
    assert selectors.ledger(campaign=campaign, now=NOW)["contacts"]["not_enrolled"] == {}


@market_alone
def test_an_event_of_two_of_an_account_is_judged_at_once_where_others_fail(monkeypatch):
    _, people, broken = two_of_an_account(monkeypatch, entry=EVENT)
    account = Account.objects.get()
    happened(account, people)
    broken.add(people[1])
    enrol_events.enrol_happened(now=NOW + HOUR)
    assert (inside(), len(told(NOW + HOUR))) == (set(), 1)
    broken.clear()
    enrol_again.enrol_kept_out(now=NOW + 2 * HOUR)
    assert (inside(), told(NOW + 2 * HOUR)) == (set(people), [])


def happened(account: Account, people: list[int]) -> None:
    record.record_events(
        events=[record.NewEvent(NOW, account.pk, one, "used", {}, "tests", str(one), NOW) for one in people]
    )


@nobody_yet
def test_what_keeps_it_out_once_the_fault_is_mended_is_written_down(campaign, break_pricing):
    [bad] = newcomers(campaign, 1)
    break_pricing({bad.pk})
    take_in(campaign)
    break_pricing(set())
    Score.objects.create(account=bad, kind="health", value=Decimal(20), at=NOW)
    for hour in (1, 2):
        enrol_again.enrol_kept_out(now=NOW + hour * HOUR)
    assert list(Entry.objects.order_by("number").values_list("reason", flat=True)) == ["fault", "health_red"]
    assert told(NOW + 2 * HOUR) == []


@nobody_yet
def test_nothing_is_written_of_an_account_that_is_inside(campaign):
    [account] = newcomers(campaign, 1)
    take_in(campaign)

    def fails(_part):
        raise ArithmeticError

    stay = SegmentMembership.objects.get(account=account)
    given: dict[str, Any] = {"arrivals": [Arrival(account.pk, None, NOW, stay)], "act": fails, "apart": True}
    assert enrol_apart.take_in(campaign=campaign, now=NOW, **given)[1]
    assert Entry.objects.get().outcome == "ENROLLED"


@market_alone
def test_who_comes_later_joins_though_a_fault_kept_a_colleague_out_and_something_else_does_now(monkeypatch):
    campaign, people, broken = two_of_an_account(monkeypatch, broken=lambda people: people[1:])
    enrol.enrol_audience(campaign=campaign, now=NOW)
    broken.clear()
    opt_out.opt_out(point_id=ContactPoint.objects.get(contact=people[1]).pk, source="page", at=NOW, now=NOW)
    enrol_again.enrol_kept_out(now=NOW + HOUR)
    third = make.reader(Account.objects.get())
    assert campaign.segment is not None
    SegmentMembership.objects.create(segment=campaign.segment, contact=third, entered_at=NOW + HOUR)
    enrol.enrol_audience(campaign=campaign, now=NOW + 2 * HOUR)
    assert inside() == {people[0], third.pk}


@market_alone
def test_of_each_whom_a_fault_kept_out_it_is_written_what_does_now(monkeypatch):
    campaign, _, broken = two_of_an_account(monkeypatch, broken=lambda people: people)
    enrol.enrol_audience(campaign=campaign, now=NOW)
    assert told(NOW)[0][0] == 1
    broken.clear()
    Score.objects.create(account=Account.objects.get(), kind="health", value=Decimal(20), at=NOW)
    for hour in (1, 2):
        enrol_again.enrol_kept_out(now=NOW + hour * HOUR)
        assert told(NOW + hour * HOUR) == []
    reasons = Entry.objects.order_by("number").values_list("reason", flat=True)
    assert list(reasons) == ["fault", "fault", "health_red", "health_red"]


@market_alone
def test_who_cannot_be_written_to_beside_a_colleague_who_comes_in_is_no_fault_any_more(monkeypatch):
    audience = {"segment": {"subject": "contact", "field": "contact.email", "op": "is_set"}}
    campaign, people, broken = two_of_an_account(monkeypatch, broken=lambda people: people, audience=audience)
    enrol.enrol_audience(campaign=campaign, now=NOW)
    broken.clear()
    opt_out.opt_out(point_id=ContactPoint.objects.get(contact=people[1]).pk, source="page", at=NOW, now=NOW)
    enrol_again.enrol_kept_out(now=NOW + HOUR)
    assert (inside(), told(NOW + HOUR)) == ({people[0]}, [])


@nobody_yet
def test_a_batch_that_the_job_does_not_survive_keeps_nobody_behind_it_out(campaign, monkeypatch):
    monkeypatch.setattr(enrol, "BATCH", 2)
    new = newcomers(campaign, 4)
    real = quote.price_accounts

    def dies(*, account_ids, **given):
        if new[0].pk in account_ids:
            raise JobTimeoutException
        return real(account_ids=account_ids, **given)

    monkeypatch.setattr(quote, "price_accounts", dies)
    with pytest.raises(JobTimeoutException):
        enrol_again.enrol_kept_out(now=NOW)
    assert enrol_again.enrol_kept_out(now=NOW + HOUR).enrolled == 2
    monkeypatch.setattr(quote, "price_accounts", real)
    assert enrol_again.enrol_kept_out(now=NOW + 2 * HOUR).enrolled == 2


@market_alone
def test_the_review_and_the_preview_count_all_but_one_that_cannot_be_judged(break_pricing, monkeypatch):
    monkeypatch.setattr(rehearse, "BATCH", 4)
    accounts = [make.ready_account() for _ in range(6)]
    campaign = make.drafted(holdout_percent=None)
    break_pricing({accounts[1].pk})
    made = rehearse.rehearse(campaign=campaign, now=NOW)
    assert (made.matched, made.start, made.not_enrolled) == (6, 5, {"fault": 1})
    people = cast.find_people(campaign=campaign, now=NOW)
    assert {one.account for one in people} == {*accounts} - {accounts[1]}
    counted = lacking.count_told(campaign=campaign, roles=(), names={"offer.seats"}, now=NOW)
    assert sum(one.everybody for one in counted.by_language.values()) == 5


@market_alone
def test_one_who_was_named_and_fails_is_told_in_the_report_and_all_others_enter(break_pricing):
    campaign = make.launched(holdout_percent=None, steps=[MAIL], entry={"by": "HAND"})
    accounts = [make.ready_account() for _ in range(4)]
    named = [Named(account=one.external_id, place=str(place)) for place, one in enumerate(accounts)]
    break_pricing({accounts[2].pk})
    given: dict[str, Any] = {"source": "API", "occasion": "tests", "by": "dana", "now": NOW}
    for dry_run in (True, False):
        report = enrol_named.enrol_accounts(campaign=campaign, named=named, dry_run=dry_run, **given)
        assert (report.enrolled, [one.place for one in report.unfit]) == (3, ["2"])
    assert Entry.objects.count() == 3
    break_pricing(set())
    report = enrol_named.enrol_accounts(campaign=campaign, named=named, **given)
    assert (report.enrolled, report.already_in, report.unfit) == (1, 3, [])
