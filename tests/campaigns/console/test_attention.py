"""What a campaign asks of a person: what stands still, what nobody knows the fate of, what a country keeps back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from campaigns.console.views import unclear as unclear_views
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.operations.models import AuditEntry, TickSlot, WorkerHeartbeat
from campaigns.sequences import lifecycle
from campaigns.sequences.models import Campaign
from campaigns.sequences.unclear import Unclear
from orchestrator import clock
from orchestrator.jobs import bells
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = make.NOW + 2 * HOUR
State = Message.State
DRIVE = "/admin/studio/sending/drive/"


@pytest.fixture(scope="module")
def busy(shared_rows):
    """given workers that live and a campaign that runs"""
    with time_machine.travel(NOW, tick=False):
        wall_now = clock.wall_now()
        WorkerHeartbeat.objects.create(name="w1", queue="now", pid=1, started_at=wall_now, seen_at=wall_now)
        TickSlot.objects.create(task="reconcile", slot=wall_now)
        make.market()
        make.ready_account()
        make.launched(holdout_percent=None)


@pytest.fixture(autouse=True)
def rung(busy, monkeypatch):
    heard: list[str] = []
    with time_machine.travel(NOW, tick=False):
        monkeypatch.setattr(bells, "ring", heard.append)
        yield heard


def unclear():
    Message.objects.update(state=State.UNDETERMINED, attempt=1, ended_at=make.NOW)


def page(name="", slug="seats-80"):
    return reverse(f"admin:studio-campaign{name}", args=[slug])


def test_what_stands_still_is_told_on_every_page_that_could_be_looked_at(marketer):
    said = "No reason is known: somebody is there to do it, and nothing is in the way."

    for address in (page(), "/admin/studio/sending/", "/admin/studio/"):
        assert said in words_of(marketer.get(address)), address
    assert "1 e-mail stands still" in words_of(marketer.get("/admin/studio/campaigns/"))
    assert "1 e-mail stands still · Seats at 80 % Due since 09:00." in words_of(marketer.get("/admin/studio/sending/"))


def test_nothing_is_said_where_all_goes_well(marketer):
    Message.objects.update(state=State.ACCEPTED, accepted_at=NOW, ended_at=NOW)

    assert "Needs you" not in words_of(marketer.get(page()))
    assert "stands still" not in words_of(marketer.get("/admin/studio/sending/"))


def test_a_pause_is_told_with_its_name_on_the_page_and_nowhere_as_a_need(marketer):
    lifecycle.pause(campaign=Campaign.objects.get(), by="dana", now=NOW)

    assert "The campaign was paused by dana, 11:00." in words_of(marketer.get(page()))
    assert "stands still" not in words_of(marketer.get("/admin/studio/"))


def test_to_try_again_rings_the_bells_and_is_recorded(marketer, rung):
    response = marketer.post(DRIVE, {"campaign": "seats-80", "back": "1"}, follow=True)

    assert response.redirect_chain[-1][0] == page()
    assert "What is due is looked at now. 0 messages were released" in words_of(response)
    assert rung == ["reconcile", "enrolments_due", "messages_due"]
    assert AuditEntry.objects.get(action="campaign.driven_again").actor == "maria"


def test_who_may_change_nothing_is_not_asked_to(onlooker, rung):
    assert "Try again now" not in words_of(onlooker.get("/admin/studio/sending/"))
    assert onlooker.post(DRIVE, {"campaign": "seats-80"}).status_code == 403
    assert onlooker.get(page("-unclear")).status_code == 403
    assert onlooker.get(DRIVE).status_code == 405
    assert rung == []


def test_what_nobody_knows_can_be_sent_again_with_the_risk_in_numbers(marketer, rung):
    unclear()
    assert "1 message may or may not have arrived" in words_of(marketer.get(page()))
    assert "1 message may or may not have arrived" in words_of(marketer.get("/admin/studio/campaigns/"))
    assert page("-unclear") in marketer.get("/admin/studio/").content.decode()

    words = words_of(marketer.get(page("-unclear")))
    assert "Sent again, 1 person may get it twice." in words

    response = marketer.post(page("-unclear"), {"do": "again", "reason": "they asked"}, follow=True)
    assert "1 message is sent again." in words_of(response)
    assert Message.objects.get().state == State.PLANNED
    assert rung == ["messages_due"]
    entry = AuditEntry.objects.get(action="messages.sent_again")
    assert (entry.actor, entry.reason) == ("maria", "they asked")


def test_or_left_as_it_is(marketer):
    unclear()

    response = marketer.post(page("-unclear"), {"do": "leave"}, follow=True)

    assert "1 message stays as it is." in words_of(response)
    assert "may or may not have arrived" not in words_of(marketer.get(page()))
    assert "may or may not have arrived" not in words_of(marketer.get("/admin/studio/"))
    assert "Nothing is unclear any more." in words_of(marketer.get(page("-unclear"), follow=True))


def test_a_stopped_campaign_offers_only_to_leave_it(marketer):
    unclear()
    lifecycle.stop(campaign=Campaign.objects.get(), by="dana", now=NOW)

    words = words_of(marketer.get(page("-unclear")))

    assert "The campaign sends nothing more, so they can’t be sent again." in words
    assert "Send 1 again" not in words
    response = marketer.post(page("-unclear"), {"do": "again"}, follow=True)
    assert "Nothing was changed" in words_of(response)


def test_the_contacts_timeline_leads_to_the_decision_and_then_tells_it(marketer):
    unclear()
    contact = reverse("admin:studio-contact", args=[Message.objects.get().contact_id])
    assert page("-unclear") in marketer.get(contact).content.decode()

    marketer.post(page("-unclear"), {"do": "leave"})

    assert "maria left it as it is." in words_of(marketer.get(contact))
    assert page("-unclear") not in marketer.get(contact).content.decode()


def test_what_a_country_keeps_back_is_counted_with_what_is_lacking(marketer):
    Message.objects.update(state=State.SKIPPED, reason="COUNTRY_RULES", attempt=1, ended_at=NOW)
    message = Message.objects.get()
    DeliveryAttempt.objects.create(
        message=message, number=1, started_at=NOW, outcome="REFUSED", code="country_rules", detail="IL mark"
    )

    words = words_of(marketer.get(page()))
    timeline = words_of(marketer.get(reverse("admin:studio-contact", args=[message.contact_id])))

    assert "1 message was kept from a reader in Israel" in words
    assert "the word “פרסומת” at its beginning" in words
    assert "In Israel marketing must show more than its text does: the word “פרסומת” at its beginning." in timeline


def test_who_came_in_again_is_told_beside_those_who_can_not_get_it_for_another_reason():
    said = unclear_views.sentences(Campaign.objects.get(), Unclear(messages=3, again=0, people=0, came_again=2))

    assert [one for one in said if "can’t be sent again" in one] == [
        "2 can’t be sent again: their readers or accounts have come in again since, and get the steps anew.",
        "1 can’t be sent again: its reader left for a reason, the account changed, or it is a month old.",
    ]
