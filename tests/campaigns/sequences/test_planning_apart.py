"""What cannot be planned stops nobody else, and is seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from campaigns.analytics import stalls
from campaigns.analytics.stalls import Cause
from campaigns.delivery.models import Message
from campaigns.offers import quote
from campaigns.operations import pulling
from campaigns.profiles.models import Account
from campaigns.segments import evaluate
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import (
    advance,
    apply,
    enrol,
    enrol_events,
    jobs,
    launch,
    move,
    questions,
    replan,
    wake,
)
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Snag, StepRun
from campaigns.usage import record
from orchestrator import clock
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
DAY = timedelta(days=1)
MAIL, WAIT, ASKED, BANNER, END = make.document()["steps"]
SECOND = MAIL | {"key": "mail-2"}
LONG_AGO = {
    "key": "asked",
    "kind": "BRANCH",
    "if": {"event": "used", "window": "300d"},
    "then": "end",
    "else": "banner",
}
TWO_MAILS = scenes.campaign(MAIL, WAIT, SECOND)
ASKING = scenes.campaign(MAIL, WAIT, ASKED, BANNER, END)
two_mails = scenes.of(TWO_MAILS)
of_two_one_is_sick = scenes.of(TWO_MAILS | {"slug": "sick"}, TWO_MAILS | {"slug": "well"})


@pytest.fixture(autouse=True)
def rested(monkeypatch):
    """No question is known as slow yet."""
    monkeypatch.setattr(questions, "_slow", {})


@pytest.fixture
def accounts(scene, db) -> list[Account]:
    return list(Account.objects.order_by("pk"))


def launched(*steps: dict[str, Any], slug: str = "seats-80") -> Campaign:
    return make.launched(**scenes.campaign(*steps, slug=slug))


def gone(at: Any = NOW) -> None:
    Message.objects.filter(state="PLANNED").update(state="ACCEPTED", accepted_at=at, ended_at=at)
    wake.wake_concerned(now=at)


def planned(campaign: str, step: str) -> int:
    return Message.objects.filter(origin_campaign=campaign, origin_step=step).count()


def break_file(campaign: Campaign) -> None:
    """As one would be that this code cannot read any more. A trigger keeps what went live from being changed."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE sequences_campaignversion DISABLE TRIGGER USER")
        assert campaign.live_version is not None
        definition = campaign.live_version.definition | {"steps": "?"}
        CampaignVersion.objects.filter(campaign=campaign).update(definition=definition)
        cursor.execute("ALTER TABLE sequences_campaignversion ENABLE TRIGGER USER")


@scenes.of(TWO_MAILS, TWO_MAILS | {"slug": "other"})
def test_a_message_whose_step_is_gone_is_answered_and_stops_nobody(monkeypatch):
    campaign = Campaign.objects.get(slug="seats-80")
    apply.apply_campaign(
        document=make.document(holdout_percent=None, steps=[MAIL | {"key": "intro"}, WAIT, SECOND]), by="d", now=NOW
    )
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="r", now=NOW)
    campaign.refresh_from_db()
    move.move_enrolments(campaign=campaign, by="d", now=NOW, digest=move.preview_move(campaign=campaign).digest)
    mails = Message.objects.filter(origin_campaign="seats-80")
    mails.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    gone()
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 4 * DAY)
    jobs.advance()
    answered = StepRun.objects.get(reason=replan.MESSAGE_GONE)
    assert (answered.step_key, answered.visit, answered.outcome) == ("mail-1", 2, "SKIPPED")
    jobs.advance()
    assert (planned("seats-80", "mail-2"), planned("other", "mail-2")) == (1, 1)


@scenes.of(scenes.campaign(MAIL, WAIT, LONG_AGO, BANNER, END, slug="sick"), TWO_MAILS | {"slug": "well"})
def test_a_question_that_cannot_be_answered_holds_its_own_people_alone(settings):
    gone()
    settings.RETENTION_DAYS = {name: min(days, 200) for name, days in settings.RETENTION_DAYS.items()}
    advance.advance_due(now=NOW + 4 * DAY)
    assert (planned("sick", "banner"), planned("well", "mail-2")) == (0, 1)
    held = Enrolment.objects.get(campaign__slug="sick")
    assert (held.state, held.step_key, held.due_at) == ("OPEN", "asked", NOW + 3 * DAY)
    [stall] = stalls.find_stalls(now=NOW + 4 * DAY, wall_now=clock.wall_now(), campaign="sick")
    assert (stall.cause, stall.step, stall.number, "window" in stall.code) == (Cause.CONDITION, "asked", 1, True)


def test_it_goes_on_as_soon_as_the_question_can_be_answered(settings):
    launched(MAIL, WAIT, LONG_AGO, BANNER, END)
    gone()
    kept = settings.RETENTION_DAYS
    settings.RETENTION_DAYS = dict.fromkeys(kept, 200)
    advance.advance_due(now=NOW + 4 * DAY)
    assert advance.advance_due(now=NOW + 4 * DAY) == advance.Advanced()
    settings.RETENTION_DAYS = kept
    advance.advance_due(now=NOW + 5 * DAY)
    assert planned("seats-80", "banner") == 1
    assert not Snag.objects.exists()


@of_two_one_is_sick
def test_a_campaign_that_cannot_be_read_stops_no_other():
    sick = Campaign.objects.get(slug="sick")
    gone()
    break_file(sick)
    done = advance.advance_due(now=NOW + 4 * DAY)
    assert (done.looked_at, planned("sick", "mail-2"), planned("well", "mail-2")) == (2, 0, 1)
    [stall] = stalls.find_stalls(now=NOW + 4 * DAY, wall_now=clock.wall_now())
    assert (stall.campaign, stall.cause, stall.number, stall.since) == ("sick", Cause.FAULT, 1, NOW + 3 * DAY)


@scenes.of(TWO_MAILS, accounts=7)
def test_one_row_that_fails_stops_no_other_row(accounts, monkeypatch):
    gone()
    real = quote.make_quotes

    def fails_for_one(*, account_ids, **given):
        if accounts[3].pk in account_ids:
            raise ArithmeticError("dana@acme.example")
        return real(account_ids=account_ids, **given)

    monkeypatch.setattr(quote, "make_quotes", fails_for_one)
    assert advance.advance_due(now=NOW + 4 * DAY).planned == 6
    snag = Snag.objects.get()
    assert (snag.enrolment.account, snag.kind, snag.detail) == (accounts[3], "FAULT", "ArithmeticError")


@of_two_one_is_sick
def test_a_row_that_cannot_be_planned_anew_stops_no_other():
    sick = Campaign.objects.get(slug="sick")
    Message.objects.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    break_file(sick)
    assert replan.plan_anew(now=NOW) == 1
    assert replan.plan_anew(now=NOW) == 0
    assert Snag.objects.get().enrolment.campaign == sick


@two_mails
def test_a_database_that_is_away_is_nobodys_snag(monkeypatch):
    gone()

    def away(**_given):
        raise OperationalError

    monkeypatch.setattr(quote, "make_quotes", away)
    with pytest.raises(OperationalError):
        advance.advance_due(now=NOW + 4 * DAY)
    assert not Snag.objects.exists()


def slow(monkeypatch: pytest.MonkeyPatch, slug: str) -> list[int]:
    """What this campaign asks takes longer than it may; says for how many people it was asked."""
    asked: list[int] = []
    real = evaluate.matching_pairs

    def cancelled(*, pairs: Any, campaign: str, **given: Any) -> set[int]:
        if campaign == slug:
            asked.append(len(pairs))
            _cancel()
        return real(pairs=pairs, campaign=campaign, **given)

    monkeypatch.setattr(evaluate, "matching_pairs", cancelled)
    return asked


def _cancel() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '1ms'")
        cursor.execute("SELECT pg_sleep(1)")


@scenes.of(ASKING | {"slug": "slow"}, TWO_MAILS | {"slug": "well"})
def test_a_slow_question_holds_its_own_people_alone_and_is_named(monkeypatch):
    gone()
    slow(monkeypatch, "slow")
    advance.advance_due(now=NOW + 4 * DAY)
    assert (planned("slow", "banner"), planned("well", "mail-2")) == (0, 1)
    [stall] = stalls.find_stalls(now=NOW + 4 * DAY, wall_now=clock.wall_now())
    assert (stall.campaign, stall.cause, stall.step) == ("slow", Cause.CONDITION, "reacted")
    assert "longer than 5 seconds" in stall.code


@scenes.of(ASKING, accounts=2)
def test_what_took_too_long_is_asked_for_fewer_people_or_later(monkeypatch):
    gone()
    asked = slow(monkeypatch, "seats-80")
    advance.advance_due(now=NOW + 4 * DAY)
    Snag.objects.all().delete()
    advance.advance_batch(now=NOW + 5 * DAY, size=100)
    assert asked == [2]
    Snag.objects.all().delete()
    advance.advance_batch(now=NOW + 5 * DAY, size=1)
    assert asked == [2, 1]
    monkeypatch.undo()
    monkeypatch.setattr(questions, "_slow", {})
    advance.advance_due(now=NOW + 7 * DAY)
    assert planned("seats-80", "banner") == 2


@scenes.of(ASKING, accounts=5)
def test_whom_a_question_is_slow_for_alone_is_held_alone(accounts, monkeypatch):
    gone()
    real = evaluate.matching_pairs

    def slow_for_one(*, pairs: Any, **given: Any) -> set[int]:
        if accounts[2].pk in {account for _, account, _ in pairs}:
            _cancel()
        return real(pairs=pairs, **given)

    monkeypatch.setattr(evaluate, "matching_pairs", slow_for_one)
    advance.advance_due(now=NOW + 4 * DAY)
    assert (planned("seats-80", "banner"), Snag.objects.filter(kind="CONDITION").count()) == (0, 5)
    advance.advance_again(now=NOW + 5 * DAY)
    snag = Snag.objects.get()
    assert (planned("seats-80", "banner"), snag.kind, snag.step_key) == (4, "CONDITION", "reacted")
    assert snag.enrolment.account == accounts[2]


def test_all_questions_of_a_batch_together_have_less_than_a_job():
    asking = questions.Asking()
    asking._spent = questions.ANSWERS_S
    with pytest.raises(questions.TooSlowError), asking.limited(question=(1, "asked"), people=1):
        raise AssertionError


@scenes.of(TWO_MAILS, accounts=2)
def test_a_statement_that_takes_too_long_is_the_fault_of_its_rows(accounts, monkeypatch):
    gone()
    real = quote.make_quotes

    def cancelled(*, account_ids, **given):
        if accounts[0].pk in account_ids:
            _cancel()
        return real(account_ids=account_ids, **given)

    monkeypatch.setattr(quote, "make_quotes", cancelled)
    assert advance.advance_due(now=NOW + 4 * DAY).planned == 1
    assert Snag.objects.get().enrolment.account == accounts[0]


@two_mails
def test_what_one_part_of_the_job_cannot_do_keeps_no_other_from_theirs(monkeypatch):
    gone()
    monkeypatch.setattr(clock, "utcnow", lambda: NOW + 4 * DAY)
    monkeypatch.setattr(pulling, "lock_cursor", _fails)
    with pytest.raises(ExceptionGroup):
        jobs.advance()
    assert planned("seats-80", "mail-2") == 1


@of_two_one_is_sick
def test_a_campaign_that_cannot_be_read_keeps_no_other_from_its_people():
    sick, well = Campaign.objects.order_by("slug")
    newcomer = make.ready_account()
    for campaign in (sick, well):
        assert campaign.segment is not None
        SegmentMembership.objects.create(segment=campaign.segment, account=newcomer, entered_at=NOW)
        CampaignVersion.objects.filter(campaign=campaign).update(audience_read_at=None)
    break_file(sick)
    with pytest.raises(ExceptionGroup):
        enrol.enrol_due(now=NOW)
    assert list(Enrolment.objects.filter(account=newcomer).values_list("campaign__slug", flat=True)) == ["well"]


def test_nor_does_one_that_events_bring_people_into(accounts):
    entry = {"by": "EVENT", "event": {"name": "used"}}
    sick = make.launched(holdout_percent=None, slug="sick", entry=entry)
    make.launched(holdout_percent=None, slug="well", entry=entry)
    record.record_events(events=[record.NewEvent(NOW, accounts[0].pk, None, "used", {}, "tests", "1", NOW)])
    break_file(sick)
    with pytest.raises(ExceptionGroup):
        enrol_events.enrol_happened(now=NOW)
    assert list(Enrolment.objects.values_list("campaign__slug", flat=True)) == ["well"]


def _fails(**_given: Any) -> None:
    raise ValueError
