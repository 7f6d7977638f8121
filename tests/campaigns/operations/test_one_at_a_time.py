"""One process at a time, and never nobody for long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.operations import one_at_a_time
from campaigns.operations.one_at_a_time import LONGEST
from orchestrator import clock

pytestmark = pytest.mark.django_db
NAME = "lane of the failed"


def is_free() -> bool:
    with one_at_a_time.claim(name=NAME) as hold:
        return hold is not None


@pytest.fixture
def pass_time(monkeypatch):
    """Wall time stands still but for this."""
    times = [clock.wall_now()]
    monkeypatch.setattr(clock, "wall_now", lambda: times[-1])
    return lambda by: times.append(times[-1] + by)


def test_who_comes_second_leaves_it_to_the_first_until_that_ends_or_fails():
    with pytest.raises(ZeroDivisionError), one_at_a_time.claim(name=NAME) as hold:
        assert hold is not None
        assert (hold.is_mine(), is_free()) == (True, False)
        with one_at_a_time.claim(name="second look") as other:
            assert other is not None
        raise ZeroDivisionError
    assert is_free()


def test_who_hangs_is_followed_by_another_and_does_nothing_more(pass_time, caplog):
    with one_at_a_time.claim(name=NAME) as hangs:
        assert hangs is not None
        pass_time(LONGEST - timedelta(seconds=1))
        assert (hangs.is_mine(), is_free()) == (True, False)
        pass_time(timedelta(seconds=1))
        assert not hangs.is_mine()
        with one_at_a_time.claim(name=NAME) as follows:
            assert follows is not None
            hangs.let_go()
            assert (follows.is_mine(), hangs.is_mine(), is_free()) == (True, False, False)
    assert [f"taken over from {hangs.holder}" in one.message for one in caplog.records] == [True]


def test_one_that_was_taken_before_the_clock_was_set_back_does_not_stand(pass_time):
    with one_at_a_time.claim(name=NAME):
        pass_time(timedelta(days=-1))
        assert is_free()
