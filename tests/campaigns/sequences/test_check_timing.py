from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns.segments.models import Segment
from campaigns.sequences import check_timing, foresee, rehearse
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

NOW = make.NOW + timedelta(hours=4)
SHORT = {"window": {"from": "09:00", "to": "09:10"}, "send_by_hours": 1}
MAIL = make.DOCUMENT["steps"][0]


@pytest.fixture(scope="module")
def somebody(shared_rows):
    make.market()
    account = make.account_near_limit()
    for _ in range(2):
        make.reader(account, time_zone="Europe/London")


def found(now=NOW, **changes):
    campaign = make.drafted(limits=SHORT, **changes)
    spec = rehearse.spec_of(campaign=campaign)
    numbers = {step.key: place for place, step in enumerate(spec.steps, start=1)}
    return list(check_timing.check_timing(campaign=campaign, spec=spec, numbers=numbers, now=now))


def test_a_launch_from_which_nobody_gets_a_message_is_blocked(somebody):
    level, code, words, step, where = found(steps=[MAIL])[0]
    assert (level, code, step, where) == ("BLOCKER", "never_in_time", "mail-1", "limits.send_by_hours")
    assert words == (
        "Launched now, nobody would get step 1: it may not be sent before 3 March, and must go out within 1 hour."
    )


def test_at_another_time_of_the_day_it_is_only_warned_of(somebody):
    assert [one[:2] for one in found(steps=[MAIL], now=make.NOW)] == [("WARNING", "short_limit")]


def test_an_audience_without_anybody_is_no_reason_to_block(somebody):
    nobody = {"segment": {"field": "account.name", "op": "=", "value": "none of them"}}
    make.drafted(limits=SHORT, steps=[MAIL], audience=nobody)
    Segment.objects.update(refreshed_at=NOW)
    assert [one[1] for one in found(steps=[MAIL], audience=nobody)] == ["short_limit"]


def test_of_ways_that_are_not_all_gone_only_the_first_message_is_said_to_be_too_late(somebody, monkeypatch):
    wait = {"key": "w", "kind": "WAIT", "for": "1d"}
    steps = [MAIL, wait, MAIL | {"key": "mail-2"}]
    assert [one[3] for one in found(steps=steps) if one[0] == "BLOCKER"] == ["mail-1", "mail-2"]
    monkeypatch.setattr(foresee, "MOST_SITUATIONS", 1)
    assert [one[3] for one in found(steps=steps) if one[0] == "BLOCKER"] == ["mail-1"]


def test_where_people_enter_over_time_only_what_can_never_meet_blocks(somebody):
    evening = {"key": "w", "kind": "WAIT", "until": {"time": "18:00"}}
    by_event = {"entry": {"event": {"name": "seat_refused"}}}
    assert [one[1] for one in found(steps=[MAIL], **by_event)] == ["short_limit"]
    told = found(steps=[MAIL, evening, MAIL | {"key": "mail-2"}], **by_event)
    assert [(one[1], one[3]) for one in told] == [("never_in_time", "mail-2")]


def test_the_dry_run_counts_what_comes_too_late_and_what_the_limits_keep_back(somebody):
    both: dict[str, Any] = {"recipients": {"roles": ["OWNER"], "per_account": 2}, "holdout_percent": 0, "steps": [MAIL]}
    late = rehearse.rehearse(campaign=make.drafted(limits=SHORT, **both), now=NOW)
    capped = rehearse.rehearse(campaign=make.drafted(limits={"send_by_hours": 24}, **both), now=NOW)
    assert (late.sendings, [(one.why, one.messages) for one in late.left_out]) == ([], [("LATE", 2)])
    assert [one.messages for one in capped.sendings] == [1]
    assert [(one.why, one.messages, one.day.day) for one in capped.left_out] == [("CAPPED", 1, 3)]
