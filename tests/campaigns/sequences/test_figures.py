"""A message quotes the figures of the day on which it goes, not of the day on which the account came in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.delivery.models import Message
from campaigns.profiles.models import Account
from campaigns.segments.models import SegmentVersion
from campaigns.sequences import figures, replan
from campaigns.sequences.models import Entry
from campaigns.usage.models import Meter, UsageDaily
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
DAY = timedelta(days=1)
MAIL, WAIT, _, BANNER, _ = make.document()["steps"]
LONG = WAIT | {"for": "20d"}


def launched(*steps) -> Account:
    make.market()
    account = make.ready_account()
    make.launched(holdout_percent=None, steps=[*steps])
    return account


def uses(account: Account, value: int, at) -> None:
    meter = Meter.objects.get(code="seats_used")
    UsageDaily.objects.create(account=account, meter=meter, day=at.date(), value=Decimal(value), last_at=at)


def quoted(step: str) -> object:
    return Message.objects.filter(origin_step=step).latest("pk").context["evidence"].get("value")


def test_a_later_step_quotes_the_day_on_which_it_is_planned():
    account = launched(MAIL, LONG, BANNER)
    uses(account, 10, NOW + 19 * DAY)
    make.go_on(now=NOW + 20 * DAY)
    assert (quoted("mail-1"), quoted("banner")) == (9, 10)


def test_what_is_planned_anew_quotes_today():
    account = launched(MAIL, LONG, BANNER)
    Message.objects.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    uses(account, 10, NOW + DAY)
    replan.plan_anew(now=NOW + DAY)
    assert quoted("mail-1") == 10


def test_a_first_message_after_a_wait_gets_the_figures_of_today_once_before_it_goes():
    account = launched(LONG, MAIL)
    uses(account, 10, NOW + 19 * DAY)
    assert figures.renew_waiting(now=NOW + 19 * DAY) == 0
    soon = NOW + 20 * DAY - timedelta(minutes=5)
    assert (figures.renew_waiting(now=soon), figures.renew_waiting(now=soon)) == (1, 0)
    assert quoted("mail-1") == 10


@pytest.mark.parametrize("state", ["READY", "SKIPPED"])
def test_what_is_on_its_way_or_over_keeps_its_figures(state):
    launched(LONG, MAIL)
    Message.objects.update(state=state, reason="CAPPED" if state == "SKIPPED" else "")
    assert figures.renew_waiting(now=NOW + 20 * DAY) == 0


def test_where_today_tells_nothing_of_it_the_entry_does():
    launched(MAIL, LONG, BANNER)
    UsageDaily.objects.all().delete()
    make.go_on(now=NOW + 20 * DAY)
    assert quoted("banner") == 9


def test_an_audience_that_cannot_be_read_any_more_stops_no_message():
    launched(MAIL, LONG, BANNER)
    SegmentVersion.objects.update(definition={"event": "used", "window": "9000d"})
    make.go_on(now=NOW + 20 * DAY)
    assert quoted("banner") == Entry.objects.get().evidence["value"]
