"""A campaign's old messages go; every figure of the campaign stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Coalesce

from campaigns.analytics import readout, snapshot, summary
from campaigns.console import experiment_figures
from campaigns.conversions.models import AttributionCredit
from campaigns.delivery import prune as delivery
from campaigns.delivery.models import DeliveryAttempt, Message, PastMessage
from campaigns.operations import retention
from campaigns.operations.models import PullCursor
from campaigns.profiles.models import AccountChange
from campaigns.sequences import prune, selectors
from campaigns.sequences.models import Enrolment, StepRun
from tests.campaigns.console.reading import words_of
from tests.factories.delivery import MessageFactory
from tests.factories.profiles import AccountFactory
from tests.factories.results import HOLDOUT, Arm, campaign_with_results
from tests.factories.sequences import NOW

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=1126)
# When all of it is older than what is kept, and when half of it is.
LATER, HALF = NOW + KEPT + timedelta(days=40), NOW + KEPT + timedelta(days=14)
ARMS = {
    "a": Arm(60, 6, sent=50, delivered=44, clicked=9, opted_out=3),
    "b": Arm(60, 12, sent=60, delivered=52, clicked=14, opted_out=2),
    HOLDOUT: Arm(30, 2),
}


@pytest.fixture
def campaign(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 25)
    made = campaign_with_results(arms=ARMS)
    Message.objects.update(ended_at=Coalesce(F("accepted_at"), F("planned_at")))
    return made


def figures(campaign):
    """Everything that a page or a command says of the campaign, at one moment."""
    read = readout.read_experiment(experiment=campaign.experiment, now=LATER, matured_only=True)
    seen = summary.campaign_summary(campaign=campaign, now=LATER)
    return {
        "ledger": selectors.ledger(campaign=campaign, now=LATER),
        "readout": snapshot.as_json(read),
        "steps": seen.steps,
        "checks": [(check.sentence, check.left, check.right) for check in seen.checks],
        "stages": experiment_figures.account_stages(read=read, matured_only=True),
        "unsent": experiment_figures.unsent_reasons(experiment=campaign.experiment),
    }


def test_every_figure_of_a_campaign_stays_and_only_credited_messages_do(campaign):
    before = figures(campaign)

    taken = prune.remove_messages(now=LATER)

    credited = AttributionCredit.objects.count()
    assert credited == 4
    assert taken == retention.Taken(120 - credited, True)
    assert Message.objects.count() == credited
    assert figures(campaign) == before
    assert before["ledger"]["messages"]["ACCEPTED"] == 110
    assert before["ledger"]["skips"] == {"OPTED_OUT": 10}


def test_with_half_of_the_messages_gone_the_figures_are_the_same(campaign):
    before = figures(campaign)

    taken = prune.remove_messages(now=HALF)

    assert 0 < taken.rows < 116
    assert figures(campaign) == before


def test_a_run_that_is_killed_leaves_whole_batches_and_the_next_one_goes_on(campaign, monkeypatch):
    before = figures(campaign)
    first = prune.remove_messages(now=LATER, most=1)
    assert not first.is_all

    remove = delivery.remove

    def killed(*, message_ids):
        remove(message_ids=message_ids)
        raise KeyboardInterrupt

    monkeypatch.setattr(delivery, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        prune.remove_messages(now=LATER)
    assert Message.objects.count() == 120 - first.rows
    assert figures(campaign) == before

    monkeypatch.undo()
    rest = prune.remove_messages(now=LATER)
    assert (first.rows + rest.rows, rest.is_all) == (116, True)
    assert figures(campaign) == before


def test_what_had_left_is_remembered_by_its_address_alone(campaign):
    prune.remove_messages(now=LATER)

    gone = StepRun.objects.filter(past__isnull=False)
    assert PastMessage.objects.count() == gone.filter(past__facts__contains=["sent"]).count() == 106
    assert DeliveryAttempt.objects.count() == 0


def test_who_is_still_on_the_way_keeps_their_messages(campaign):
    Enrolment.objects.update(state=Enrolment.State.OPEN, exit_reason="", ended_at=None)

    assert prune.remove_messages(now=LATER).rows == 0
    assert Message.objects.count() == 120


def test_a_message_that_is_not_over_stays_whatever_its_age(campaign):
    Message.objects.filter(state="ACCEPTED").update(state="UNKNOWN", unknown_at=NOW)

    assert prune.remove_messages(now=LATER).rows == 10
    assert set(Message.objects.values_list("state", flat=True)) == {"UNKNOWN"}


def test_what_is_younger_than_the_period_stays(campaign):
    assert prune.remove_messages(now=NOW + KEPT - timedelta(days=1)) == retention.Taken(0, True)
    assert Message.objects.count() == 120


def test_a_period_of_none_keeps_everything(campaign, settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "messages": 0}

    assert prune.remove_messages(now=LATER) == retention.NOTHING
    assert Message.objects.count() == 120


def test_a_message_that_lost_to_one_that_is_gone_no_longer_says_to_which(campaign):
    beaten = MessageFactory(state="SKIPPED", reason="LOST_ARBITRATION", ended_at=LATER, lost_to=Message.objects.last())

    prune.remove_messages(now=LATER)

    beaten.refresh_from_db()
    assert (beaten.reason, beaten.lost_to) == ("LOST_ARBITRATION", None)


def test_a_contacts_timeline_says_that_older_messages_are_gone(campaign, admin_client):
    enrolment = Enrolment.objects.filter(runs__message__credits__isnull=True).order_by("pk")[0]
    page = f"/admin/studio/contacts/{enrolment.contact_id}/"
    assert "no longer kept" not in words_of(admin_client.get(page))

    prune.remove_messages(now=LATER)

    assert "1 older message, up to " in words_of(admin_client.get(page))
    assert "is no longer kept. What came of it still counts." in words_of(admin_client.get(page))


def test_notes_of_changes_go_once_they_were_read():
    account = AccountFactory()
    old = [AccountChange.objects.create(account=account, kind="plan", at=NOW) for _ in range(3)]
    for row in old:
        row.refresh_from_db()
    after = NOW + timedelta(days=91)

    assert prune.remove_changes(now=after).rows == 0

    PullCursor.objects.create(name=prune.READER_OF_CHANGES, xid=old[-1].xid + 1, row_id=0)
    AccountChange.objects.create(account=account, kind="plan", at=after)
    assert prune.remove_changes(now=after).rows == 3
    assert AccountChange.objects.count() == 1
