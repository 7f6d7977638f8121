"""A campaign is finished when, and only when, no row of it is open: judged by rows, whatever happened before."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.delivery.models import Message
from campaigns.segments import refresh
from campaigns.sequences import enrol, launch, selectors
from campaigns.sequences.models import Campaign, Enrolment
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

STATES = [state.value for state in Message.State]
# The rule in SQL of its own, written from the table of states and not from the code.
OPEN_ROWS = """
SELECT (SELECT count(*) FROM sequences_enrolment WHERE campaign_id = %(id)s AND ended_at IS NULL)
     + (SELECT count(*) FROM delivery_message
         WHERE origin_campaign = %(slug)s AND purpose <> 'TEST'
           AND state IN ('PLANNED', 'READY', 'CLAIMED', 'SENDING', 'UNKNOWN'))
"""


@pytest.fixture
def campaign() -> Campaign:
    """Over a list of three contacts: nobody else can come in."""
    make.market()
    people = [make.reader(make.account_near_limit()) for _ in range(3)]
    return make.launched(holdout_percent=None, audience={"contacts": [one.external_id for one in people]})


def open_rows(campaign: Campaign) -> int:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_ROWS, {"id": campaign.pk, "slug": campaign.slug})
        return int(cursor.fetchone()[0])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ended=st.tuples(*[st.booleans()] * 3),
    states=st.tuples(*[st.sampled_from(STATES)] * 3),
    status=st.sampled_from(["LIVE", "PAUSED", "STOPPED"]),
)
def test_finished_is_exactly_no_open_row(campaign, ended, states, status):
    for one, is_ended in zip(Enrolment.objects.order_by("pk"), ended, strict=True):
        Enrolment.objects.filter(pk=one.pk).update(
            state="ENDED" if is_ended else "OPEN",
            exit_reason="COMPLETED" if is_ended else "",
            ended_at=make.NOW if is_ended else None,
        )
    for message, state in zip(Message.objects.order_by("pk"), states, strict=True):
        is_over = state in ("ACCEPTED", "FAILED", "UNDETERMINED", "SKIPPED", "EXPIRED")
        Message.objects.filter(pk=message.pk).update(
            state=state,
            reason="OPTED_OUT" if state == "SKIPPED" else "",
            ended_at=make.NOW if is_over else None,
            accepted_at=make.NOW,
            lease_until=make.NOW,
        )
    campaign.status = status
    Campaign.objects.filter(pk=campaign.pk).update(status=status)
    assert selectors.is_finished(campaign=campaign) == (open_rows(campaign) == 0)
    assert selectors.ledger(campaign=campaign, now=make.NOW)["open"] <= open_rows(campaign)


def test_a_list_of_which_nobody_was_placed_yet_is_not_finished():
    make.market()
    reader = make.reader(make.account_near_limit())
    campaign = make.drafted(holdout_percent=None, audience={"contacts": [reader.external_id]})
    assert campaign.edited_segment is not None
    refresh.refresh_segment(segment=campaign.edited_segment, now=make.NOW)
    # The launch died here.
    launch._go_live(campaign.pk, "dana", make.NOW, "", None)
    campaign.refresh_from_db()
    assert not selectors.is_finished(campaign=campaign)
    assert enrol.enrol_due(now=make.NOW).enrolled == 1
    Enrolment.objects.update(state="ENDED", exit_reason="COMPLETED", ended_at=make.NOW)
    Message.objects.update(state="ACCEPTED", accepted_at=make.NOW, ended_at=make.NOW)
    campaign.refresh_from_db()
    assert selectors.is_finished(campaign=campaign)


def test_a_list_into_which_events_bring_people_waits_for_them():
    make.market()
    reader = make.reader(make.account_near_limit())
    event = {"event": {"name": "sso_attempted"}}
    campaign = make.launched(holdout_percent=None, entry=event, audience={"contacts": [reader.external_id]})
    assert not selectors.has_open_rows(campaign=campaign)
    assert not selectors.is_finished(campaign=campaign)


def test_a_draft_is_not_finished():
    assert not selectors.is_finished(campaign=make.drafted())
