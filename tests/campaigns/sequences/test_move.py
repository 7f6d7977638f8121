"""Moving those inside to the version that runs: the preview says who lands where, the move does just that."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery.models import Message
from campaigns.operations.models import AuditEntry
from campaigns.sequences import apply, launch, lifecycle, move
from campaigns.sequences.models import Campaign, Enrolment
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    """Two contacts who had the mail and stand at its wait."""
    make.market()
    for _ in range(2):
        make.ready_account()
    return make.launched(holdout_percent=None)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def renew(campaign: Campaign, steps: list) -> Campaign:
    apply.apply_campaign(document=make.document(holdout_percent=None, steps=steps), by="dana", now=LATER)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="dana", now=LATER)
    campaign.refresh_from_db()
    return campaign


def steps(**changes) -> list:
    """The tests' own steps; `wait_1={...}` changes one, None takes it out."""
    made = [step | (changes.get(step["key"].replace("-", "_"), {}) or {}) for step in make.document()["steps"]]
    gone = {key.replace("_", "-") for key, change in changes.items() if change is None}
    return [step for step in made if step["key"] not in gone]


def said(planned: move.Move) -> list[tuple[str, str, str, int]]:
    return [(one.step, one.to, one.reason, one.contacts) for one in planned.landings]


def do(campaign: Campaign, **options) -> int:
    digest = move.preview_move(campaign=campaign, mapping=options.get("mapping")).digest
    return move.move_enrolments(campaign=campaign, by="dana", now=LATER, digest=digest, **options)


def test_nobody_is_behind_before_a_second_version(campaign):
    assert move.count_behind(campaign=campaign) == 0
    assert move.preview_move(campaign=campaign).landings == ()


def test_the_same_key_is_where_they_land(campaign):
    renew(campaign, steps(wait_1={"for": "9d"}))
    assert move.count_behind(campaign=campaign) == 2
    assert said(move.preview_move(campaign=campaign)) == [("wait-1", "wait-1", "", 2)]


def test_a_preview_moves_nobody(campaign):
    renew(campaign, steps(wait_1={"for": "9d"}))
    move.preview_move(campaign=campaign)
    assert Enrolment.objects.filter(version=campaign.live_version).count() == 0


def test_who_moved_waits_as_the_new_version_says_from_when_they_began_to_wait(campaign):
    renew(campaign, steps(wait_1={"for": "9d"}))
    began = set(Enrolment.objects.values_list("step_entered_at", flat=True))
    assert do(campaign) == 2
    assert set(Enrolment.objects.values_list("step_entered_at", flat=True)) == began
    make.go_on(now=NOW + timedelta(days=8))
    assert not Message.objects.filter(origin_step="banner").exists()
    make.go_on(now=NOW + timedelta(days=9, hours=2))
    assert Message.objects.filter(origin_step="banner").count() == 2


def test_a_step_that_is_gone_keeps_them_until_somebody_says_where_to(campaign):
    renew(campaign, steps(wait_1=None))
    assert said(move.preview_move(campaign=campaign)) == [("wait-1", "", "NO_SUCH_STEP", 2)]
    assert do(campaign) == 0
    assert do(campaign, mapping={"wait-1": "reacted"}) == 2
    make.go_on(now=LATER)
    assert Message.objects.filter(origin_step="banner").count() == 2


def test_nobody_lands_before_a_message_they_had(campaign):
    renew(campaign, steps(wait_1=None))
    planned = move.preview_move(campaign=campaign, mapping={"wait-1": "mail-1"})
    assert said(planned) == [("wait-1", "", "WOULD_REPEAT", 2)]


def test_a_message_moved_behind_the_wait_keeps_those_who_had_it(campaign):
    mail, wait, _, banner, end = make.document()["steps"]
    first = mail | {"key": "hello"}
    renew(campaign, [first, wait, mail, banner, end])
    assert said(move.preview_move(campaign=campaign)) == [("wait-1", "", "WOULD_REPEAT", 2)]


def test_who_has_all_steps_behind_them_stays(campaign):
    make.go_on(now=NOW + timedelta(days=3, hours=1))
    assert set(Enrolment.objects.values_list("step_key", flat=True)) == {""}
    renew(campaign, steps(wait_1={"for": "9d"}))
    assert said(move.preview_move(campaign=campaign)) == [("", "", "ALL_STEPS_DONE", 2)]


def test_a_mapping_to_a_step_that_is_not_there_is_refused(campaign):
    renew(campaign, steps(wait_1=None))
    with pytest.raises(move.MoveError):
        move.preview_move(campaign=campaign, mapping={"wait-1": "nowhere"})


def test_a_move_that_was_not_previewed_is_refused(campaign):
    renew(campaign, steps(wait_1=None))
    seen = move.preview_move(campaign=campaign).digest
    with pytest.raises(move.MoveError):
        move.move_enrolments(campaign=campaign, by="dana", now=LATER, digest=seen, mapping={"wait-1": "reacted"})
    assert not AuditEntry.objects.filter(action="campaign.move").exists()


def test_a_second_move_finds_nobody(campaign):
    renew(campaign, steps(wait_1={"for": "9d"}))
    assert (do(campaign), do(campaign)) == (2, 0)


def test_a_paused_campaign_may_be_moved_a_stopped_one_not(campaign):
    renew(campaign, steps(wait_1={"for": "9d"}))
    lifecycle.pause(campaign=campaign, by="dana", now=LATER)
    campaign.refresh_from_db()
    assert do(campaign) == 2
    lifecycle.stop(campaign=campaign, by="dana", now=LATER)
    campaign.refresh_from_db()
    with pytest.raises(move.MoveError):
        move.preview_move(campaign=campaign)


def test_the_move_is_written_down(campaign):
    renew(campaign, steps(wait_1={"for": "9d"}))
    do(campaign)
    note = AuditEntry.objects.get(action="campaign.move")
    assert note.after is not None
    assert note.before is not None
    assert (note.actor, note.after["moved"], note.before["landings"][0]["step"]) == ("dana", 2, "wait-1")


def test_a_step_come_through_already_gets_a_round_of_its_own(campaign):
    """The split stands before the wait in the first version, behind it in the second."""
    mail, wait, _, banner, end = make.document()["steps"]
    split = {"key": "half", "kind": "SPLIT", "ways": {"a": {}, "b": {}}}
    other = make.launched(holdout_percent=None, slug="other", steps=[mail, split, wait, banner, end])
    make.go_on(now=NOW)
    apply.apply_campaign(
        document=make.document(holdout_percent=None, slug="other", steps=[mail, wait, split, banner, end]),
        by="dana",
        now=LATER,
    )
    other.refresh_from_db()
    launch.launch(campaign=other, by="dana", now=LATER)
    other.refresh_from_db()
    assert do(other) == 2
    make.go_on(now=NOW + timedelta(days=3, hours=1))
    banners = Message.objects.filter(origin_campaign="other", origin_step="banner")
    assert banners.count() == 2
