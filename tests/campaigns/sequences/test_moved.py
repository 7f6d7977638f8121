"""With which version somebody came in, and the moves that brought them to the one they follow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.sequences import apply, launch, move, moved, selectors
from campaigns.sequences.models import Campaign, Enrolment
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def campaign() -> Campaign:
    make.market()
    make.ready_account()
    return make.launched(holdout_percent=None)


def after(hours):
    return NOW + timedelta(hours=hours)


def renew(campaign, wait, at, **changes):
    steps = [step | ({"for": wait} if step["key"] == "wait-1" else {}) for step in make.document()["steps"]]
    steps = [step for step in steps if step["key"] not in changes.get("without", ())]
    apply.apply_campaign(document=make.document(holdout_percent=None, steps=steps), by="dana", now=at)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="dana", now=at)
    campaign.refresh_from_db()


def move_on(campaign, at, **options):
    digest = move.preview_move(campaign=campaign, **options).digest
    return move.move_enrolments(campaign=campaign, by="dana", now=at, digest=digest, **options)


def told():
    contact = Enrolment.objects.get().contact_id
    (way,) = moved.read_ways(enrolments=selectors.enrolments_of(contact_id=contact))
    return way.version, [(one.version, one.at, one.by) for one in way.moves]


def test_who_was_never_moved_came_in_with_what_they_follow(campaign):
    renew(campaign, "9d", after(1))
    assert told() == (1, [])


def test_who_was_moved_came_in_with_the_version_of_that_day(campaign):
    renew(campaign, "9d", after(1))
    assert move_on(campaign, after(2)) == 1
    assert told() == (1, [(2, after(2), "dana")])


def test_every_move_is_told_in_its_order(campaign):
    for number in (2, 3):
        renew(campaign, f"{number + 5}d", after(number))
        move_on(campaign, after(number) + timedelta(minutes=5))
    later = timedelta(minutes=5)
    assert told() == (1, [(2, after(2) + later, "dana"), (3, after(3) + later, "dana")])


def test_a_move_that_could_not_take_them_along_is_not_told(campaign):
    renew(campaign, "9d", after(1), without=("wait-1",))
    assert move_on(campaign, after(2)) == 0
    assert move_on(campaign, after(3), mapping={"wait-1": "reacted"}) == 1
    assert told() == (1, [(2, after(3), "dana")])


def test_nothing_is_asked_about_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert moved.read_ways(enrolments=[]) == []
