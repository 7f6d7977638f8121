"""An account that cannot be taken in keeps no other out, and is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from campaigns.analytics import stalls
from campaigns.analytics.stalls import NEWCOMERS, Cause
from campaigns.console import stall_words
from campaigns.offers import quote
from campaigns.operations.models import PullCursor
from campaigns.profiles.models import Account
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import enrol, enrol_again, enrol_events, planning_apart, selectors
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Entry
from campaigns.usage import record
from orchestrator import clock
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAIL = make.document()["steps"][0]


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


def launched(**changes) -> Campaign:
    make.market()
    return make.launched(holdout_percent=None, steps=[MAIL], **changes)


def told(now: datetime) -> list[tuple[int, str, str]]:
    found = stalls.find_stalls(now=now, wall_now=clock.wall_now())
    return [(one.number, one.cause, one.code) for one in found if one.what == NEWCOMERS]


def take_in(campaign: Campaign) -> None:
    """As the pull does, but for rows of a transaction that is open still."""
    enrol.enrol_audience(campaign=campaign, now=NOW)


@pytest.mark.parametrize("share", [0, 1])
def test_one_account_that_fails_keeps_nobody_else_out(break_pricing, share):
    campaign = launched()
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


def test_an_hour_later_it_is_tried_again_and_then_it_is_nobodys_worry(break_pricing):
    campaign = launched()
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


def test_the_second_look_too_takes_in_all_others(break_pricing):
    campaign = launched()
    new = newcomers(campaign, 4)
    break_pricing({new[2].pk})
    assert enrol_again.enrol_kept_out(now=NOW).enrolled == 3
    assert told(NOW) == [(1, Cause.FAULT, "ArithmeticError")]


def test_an_event_of_one_account_keeps_out_no_other_and_is_tried_again_for_a_day(break_pricing):
    make.market()
    new = [make.ready_account() for _ in range(3)]
    make.launched(holdout_percent=None, steps=[MAIL], entry={"by": "EVENT", "event": {"name": "used"}})
    record.record_events(
        events=[record.NewEvent(NOW, one.pk, None, "used", {}, "tests", str(one.pk), NOW) for one in new]
    )
    break_pricing({new[1].pk})
    assert enrol_events.enrol_happened(now=NOW + HOUR).enrolled == 2
    assert told(NOW + HOUR) == [(1, Cause.FAULT, "ArithmeticError")]
    assert told(NOW + 2 * DAY) == []
    break_pricing(set())
    assert enrol_again.enrol_kept_out(now=NOW + 2 * HOUR).enrolled == 1


def test_where_the_time_is_over_the_others_are_read_again(break_pricing, monkeypatch):
    campaign = launched()
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


def test_who_came_in_long_ago_and_was_never_looked_at_is_told():
    campaign = launched()
    newcomers(campaign, 2)
    assert told(NOW + timedelta(minutes=10)) == []
    assert [one[:1] for one in told(NOW + HOUR)] == [(2,)]
    newest = SegmentMembership.objects.latest("pk")
    for name in ("enrol:seats-80", "enrol:seats-80:1"):
        PullCursor.objects.update_or_create(name=name, defaults={"xid": newest.xid, "row_id": newest.pk})
    assert told(NOW + HOUR) == []
