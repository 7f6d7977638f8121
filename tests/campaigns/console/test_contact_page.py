"""One contact's page: who it is, what may be written to them, and everything that happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.consent import opt_out, points
from campaigns.consent.models import ContactPoint
from campaigns.delivery.models import CsmTask, DeliveryAttempt, Message, ProviderEvent
from campaigns.offers.models import Quote
from campaigns.profiles.models import Contact
from campaigns.sequences.models import Enrolment, Entry, StepRun
from tests.campaigns.console.contacts import R, S, account_of, dana, page_of, say, skipped, to, topic
from tests.campaigns.console.reading import words_of
from tests.factories.delivery import SendGateFactory
from tests.factories.offers import QuoteFactory
from tests.factories.profiles import AccountFactory, MembershipFactory
from tests.factories.sequences import account_near_limit, launched, market, reader, ready_account
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]
__all__ = ["dana", "topic"]


# --- the head and the panel


def test_the_head_tells_who_it_is_and_what_time_it_is_there(marketer, dana):
    words = words_of(marketer.get(page_of(dana)))

    assert "Galil Software : owner, may buy" in words
    assert "Reads Hebrew" in words
    assert "Asia/Jerusalem , now 12:00" in words
    assert "+972502345678" in words


def test_phones_and_addresses_are_islands(marketer, dana):
    html = marketer.get(page_of(dana)).content.decode()

    assert '<bdi dir="ltr">+972502345678</bdi>' in html
    assert '<bdi dir="ltr">dana@galil.example</bdi>' in html


def test_the_panel_tells_source_and_day_of_every_answer(marketer, dana):
    say(dana, at=datetime(2025, 3, 14, 9, 0, tzinfo=UTC))
    say(dana, "WITHDRAWN", "tips", at=datetime(2026, 9, 9, 9, 0, tzinfo=UTC), source="one_click")

    words = words_of(marketer.get(page_of(dana)))

    assert "E-mail, “Offers” From the CRM, they said yes, 14 March 2025 Yes" in words
    assert "E-mail, “Tips” One click in their mail program, 9 September 2026 No" in words
    assert "SMS, “Offers” Nobody asked them Not asked" in words
    assert "In-app, “Offers” Allowed without asking, for they use the product; they may switch it off Yes" in words


@pytest.mark.parametrize(
    ("reason", "source", "words"),
    [
        ("BOUNCED", "sendgrid:bounce",
         "E-mail, everything What is sent there comes back, 24 November 2026 Undeliverable"),
        ("COMPLAINED", "sendgrid:spamreport",
         "E-mail, everything Reported us as unwanted, 24 November 2026 No"),
        ("UNSUBSCRIBED", "unsubscribe_page", "E-mail, everything Unsubscribed, Unsubscribe page, 24 November 2026 No"),
    ],
)  # fmt: skip
def test_a_blocked_address_says_why(marketer, dana, reason, source, words):
    point = points.ensure_points(contacts=[dana], channel="email")[dana.pk]
    opt_out.opt_out(point_id=point.pk, reason=reason, source=source, at=NOW, now=NOW)

    assert words in words_of(marketer.get(page_of(dana)))


# --- the timeline


def test_what_happened_stands_newest_first_by_day(marketer, dana):
    yesterday = NOW - timedelta(days=1)
    to(
        dana, state=S.ACCEPTED, attempt=1, accepted_at=yesterday, delivered_at=yesterday + timedelta(minutes=1),
        clicked_at=NOW, variant="b",
    )  # fmt: skip

    words = words_of(marketer.get(page_of(dana)))

    assert words.index("Today, Tuesday, 24 November") < words.index("Monday, 23 November")
    assert words.index("E-mail clicked") < words.index("E-mail delivered")
    assert "E-mail delivered : “ Galil Software is close to its limit ” B" in words
    assert "Sent 10:00:00 by SendGrid, 1 attempt." in words


def test_every_reason_for_not_sending_is_told(marketer, dana):
    for number, reason in enumerate(R.values):
        skipped(dana, reason, dedupe_key=f"why-{number}")

    html = marketer.get(page_of(dana), {"f": "not"}).content.decode()

    assert html.count('class="cr-reason"') == len(R.values)
    assert html.count("E-mail not sent") == len(R.values)
    assert f"Not sent, {len(R.values)}" in html


def test_a_capped_message_tells_the_limit_the_last_one_and_when_there_is_room(marketer, dana):
    to(dana, state=S.ACCEPTED, accepted_at=NOW - timedelta(hours=20), channel="in_app")
    skipped(dana, R.CAPPED)

    words = words_of(marketer.get(page_of(dana), {"f": "not"}))

    assert "The limit was met: at most 1 message a day for a person and for an account." in words
    assert "The last one was sent on 23 November (In-app). Free again on 24 November." in words


def test_a_message_capped_by_a_colleagues_names_the_colleague(marketer, dana):
    noa = MembershipFactory(account=account_of(dana), contact__first_name="Noa", contact__last_name="Bar").contact
    to(noa, state=S.ACCEPTED, accepted_at=NOW - timedelta(hours=20))
    skipped(dana, R.CAPPED)

    words = words_of(marketer.get(page_of(dana), {"f": "not"}))

    assert "The last one went to Noa Bar at the same account on 23 November (E-mail)." in words


def test_an_opted_out_message_names_the_no_that_stopped_it(marketer, dana):
    say(dana, "WITHDRAWN", at=datetime(2026, 9, 9, 9, 0, tzinfo=UTC), source="one_click")
    say(dana, "WITHDRAWN", "tips", at=datetime(2026, 10, 9, 9, 0, tzinfo=UTC), source="unsubscribe_page")
    skipped(dana, R.OPTED_OUT)

    words = words_of(marketer.get(page_of(dana), {"f": "not"}))

    assert "They had said no on 9 September 2026. One click in their mail program." in words


def test_refused_late_and_unclear_messages_are_told(marketer, dana):
    failed = to(dana, state=S.FAILED, ended_at=NOW)
    DeliveryAttempt.objects.create(
        message=failed, number=1, started_at=NOW, outcome="REFUSED", code="400", detail="The sender is not verified."
    )
    to(dana, state=S.EXPIRED, ended_at=NOW, send_by=datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
    to(dana, state=S.UNDETERMINED, ended_at=NOW)

    words = words_of(marketer.get(page_of(dana), {"f": "not"}))

    assert "The provider refused it: The sender is not verified." in words
    assert "It had to go out by 24 November, 09:30 and could not, so it would have come too late." in words
    assert "The provider never said whether it went out." in words


@pytest.mark.parametrize(
    ("code", "detail", "told"),
    [
        ("21610", "Attempt to send to unsubscribed recipient", "They had answered STOP to this sender. (Code 21610.)"),
        ("", "", "The provider refused it and gave no reason."),
        ("21999", "", "The provider refused it: 21999"),
    ],
)
def test_a_refused_sms_says_why_in_words(marketer, dana, code, detail, told):
    failed = to(dana, channel="sms", state=S.FAILED, ended_at=NOW)
    DeliveryAttempt.objects.create(
        message=failed, number=1, started_at=NOW, outcome="REFUSED", code=code, detail=detail
    )
    assert told in words_of(marketer.get(page_of(dana)))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("undelivered 30003", "The phone was switched off or out of reach. (Code 30003.)"),
        ("", "The phone network did not bring it to the phone and gave no reason."),
        ("failed 30999", "The provider reports: failed 30999"),
    ],
)
def test_an_sms_that_came_back_says_why_in_words(marketer, dana, reason, told):
    sent = to(dana, channel="sms", state=S.ACCEPTED, accepted_at=NOW, bounced_at=NOW)
    ProviderEvent.objects.create(
        received_at=NOW, provider="twilio", key=b"k" * 16, type="BOUNCED", at=NOW, message=sent.uuid, reason=reason
    )
    assert told in words_of(marketer.get(page_of(dana)))


def test_a_letter_stands_only_where_there_are_several_wordings(marketer, topic):
    market()
    ready_account()
    campaign = launched(holdout_percent=0)
    contact = Enrolment.objects.get(campaign=campaign).contact
    sent = {"state": S.ACCEPTED, "accepted_at": NOW, "origin_campaign": campaign.slug}
    to(contact, origin_step="banner", variant="a", **sent)
    assert "#mark-a" not in marketer.get(page_of(contact)).content.decode()
    to(contact, origin_step="mail-1", variant="a", **sent)
    assert "#mark-a" in marketer.get(page_of(contact)).content.decode()


def test_a_planned_message_says_when_and_why_it_waits(marketer, dana):
    gate = SendGateFactory(slug="windowed", window_start="09:00", window_end="20:00")
    to(dana, gate=gate, due_at=datetime(2026, 11, 25, 7, 0, tzinfo=UTC), channel="sms")

    words = words_of(marketer.get(page_of(dana)))

    assert "Wednesday, 25 November SMS planned" in words
    assert "This campaign sends from 09:00 to 20:00 in their own time." in words


def test_a_message_kept_back_at_night_says_until_when_and_why(marketer, dana, settings):
    settings.COMPLIANCE_QUIET_HOURS = True
    night = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)  # 23:00 in Jerusalem
    to(dana, due_at=datetime(2026, 11, 25, 5, 0, tzinfo=UTC))

    with time_machine.travel(night, tick=False):
        words = words_of(marketer.get(page_of(dana)))

    assert "It waits until 25 November, 07:00 in their own time because of quiet hours." in words


def test_a_scanners_click_is_told_apart(marketer, dana):
    sent = to(dana, state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW)
    ProviderEvent.objects.create(
        received_at=NOW, provider="sendgrid", key=b"k" * 16, type="CLICKED", grade="SCANNER", at=NOW, message=sent.uuid
    )

    assert "Link opened by a scanner not counted as a click" in words_of(marketer.get(page_of(dana)))


def test_in_app_messages_bounces_replies_and_complaints_are_told(marketer, dana):
    to(dana, channel="in_app", state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW, opened_at=NOW, dismissed_at=NOW)
    to(dana, state=S.ACCEPTED, accepted_at=NOW, bounced_at=NOW, complained_at=NOW)
    to(dana, channel="sms", state=S.ACCEPTED, accepted_at=NOW, replied_at=NOW)

    words = words_of(marketer.get(page_of(dana)))

    for told in (
        "In-app message put up", "In-app message seen", "In-app message closed", "E-mail came back",
        "E-mail reported as unwanted", "SMS sent", "Replied to the SMS",
    ):  # fmt: skip
        assert told in words


def test_a_test_send_is_no_part_of_the_story(marketer, dana):
    to(dana, purpose=Message.Purpose.TEST, state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW)

    assert "Nothing happened with this person yet." in words_of(marketer.get(page_of(dana)))


def test_the_chips_narrow_to_a_channel(marketer, dana):
    to(dana, state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW)
    to(dana, channel="sms", state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW)

    words = words_of(marketer.get(page_of(dana), {"f": "sms"}))

    assert "SMS delivered" in words
    assert "E-mail delivered" not in words
    assert "Nothing like that happened." in words_of(marketer.get(page_of(dana), {"f": "in_app"}))


def test_yes_and_no_are_told_once_per_act(marketer, dana):
    say(dana)
    point = points.ensure_points(contacts=[dana], channel="email")[dana.pk]
    opt_out.opt_out(point_id=point.pk, source="preference_page", at=NOW, now=NOW, all_channels=True,
                    evidence={"language": "he"})  # fmt: skip

    words = words_of(marketer.get(page_of(dana)))

    assert "Said yes to “Offers” by e-mail From the CRM, they said yes" in words
    assert words.count("Said no to all offers and news by") == 1
    assert "Preference page in Hebrew" in words


def test_a_way_through_a_campaign_is_told_with_its_evidence(marketer, topic):
    market()
    account = account_near_limit(name="Galil Software")
    dana = reader(account)
    campaign = launched(holdout_percent=0)
    enrolment = campaign.enrolments.get()
    enrolment.state, enrolment.exit_reason, enrolment.ended_at = "ENDED", "CONVERTED", NOW
    enrolment.save()
    StepRun.objects.create(
        enrolment=enrolment, step_key="banner", outcome=StepRun.Outcome.SKIPPED, reason="NO_CONSENT", at=NOW
    )

    words = words_of(marketer.get(page_of(dana)))

    assert "Galil Software entered Seats at 80 % , version 1 Seats used: 9 of 10, that is 90 %." in words
    assert "Left Seats at 80 % . The account upgraded." in words
    assert "In-app message not shown Seats at 80 % , step 4" in words
    assert "They never agreed to this by in-app messages, and without a yes nothing is sent." in words


@pytest.mark.parametrize(
    ("outcome", "reason", "words"),
    [
        ("HOLDOUT", "", "Galil Software is held out Seats at 80 % Drawn into the group that gets nothing"),
        ("NOT_ENROLLED", "recent_refusal", "Galil Software did not start Seats at 80 % The reason: said no"),
        ("ENROLLED", "", "Galil Software entered Seats at 80 % It goes to somebody else at the account"),
    ],
)
def test_why_a_campaign_of_the_account_did_not_reach_the_person(marketer, dana, outcome, reason, words):
    campaign = launched(holdout_percent=0)
    Entry.objects.create(campaign=campaign, account=account_of(dana), outcome=outcome, reason=reason, at=NOW)

    assert words in words_of(marketer.get(page_of(dana)))


def test_answers_to_offers_are_told(marketer, dana):
    quote = QuoteFactory(account=account_of(dana))
    Quote.objects.filter(pk=quote.pk).update(state="ACCEPTED", answered_at=NOW, answered_by=dana)

    words = words_of(marketer.get(page_of(dana)))

    assert "Upgraded Team for Galil Software" in words


def test_tasks_for_a_csm_are_told_and_listed(marketer, dana):
    task = CsmTask.objects.create(
        message=to(dana, channel="csm_task", state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW),
        account=account_of(dana), contact=dana, title="Call about SSO", added_at=NOW, due_at=NOW + timedelta(days=2),
    )  # fmt: skip
    words = words_of(marketer.get(page_of(dana)))
    assert "CSM task made : “ Call about SSO ”" in words
    assert "due 26 Nov" in words

    CsmTask.objects.filter(pk=task.pk).update(state="DONE", outcome="NOT_NOW", closed_at=NOW, note="Asked for spring")
    words = words_of(marketer.get(page_of(dana)))
    assert "CSM task done : “ Call about SSO ” Not now" in words
    assert "Asked for spring" in words
    assert "No open task." in words


def test_a_call_that_they_asked_for_is_told_as_such(marketer, dana):
    CsmTask.objects.create(
        message=to(dana, state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW),
        account=account_of(dana), contact=dana, title="Asked about Team", added_at=NOW, due_at=NOW + timedelta(days=1),
    )  # fmt: skip

    words = words_of(marketer.get(page_of(dana)))

    assert "CSM task made : “ Asked about Team ” Asked for by the customer. Nobody has taken it yet." in words
    assert "due 25 Nov Asked for by the customer" in words
    assert "Automatic offers are allowed" not in words


def test_a_long_story_is_paged(marketer, dana):
    for number in range(45):
        at = NOW - timedelta(days=number)
        to(dana, state=S.ACCEPTED, accepted_at=at, delivered_at=at, dedupe_key=f"m-{number}")

    first, second = (words_of(marketer.get(page_of(dana), {"page": number})) for number in (1, 2))

    assert "1–40 of 45" in first
    assert first.count("E-mail delivered") == 40
    assert second.count("E-mail delivered") == 5


def test_the_page_takes_as_many_queries_for_a_long_story_as_for_a_short_one(marketer, dana):
    def live_through(number):
        to(dana, state=S.ACCEPTED, accepted_at=NOW, delivered_at=NOW, clicked_at=NOW, dedupe_key=f"s-{number}")
        skipped(dana, R.CAPPED, dedupe_key=f"c-{number}")
        to(dana, state=S.FAILED, ended_at=NOW, dedupe_key=f"f-{number}")
        say(dana, "WITHDRAWN", channel="sms", at=NOW - timedelta(days=number))
        quote = QuoteFactory(account=account_of(dana))
        Quote.objects.filter(pk=quote.pk).update(state="DECLINED", answered_at=NOW, answered_by=dana)
        CsmTask.objects.create(
            message=to(dana, channel="csm_task", dedupe_key=f"t-{number}"), account=AccountFactory(), contact=dana,
            title="Call", added_at=NOW, due_at=NOW,
        )  # fmt: skip

    live_through(0)
    marketer.get(page_of(dana))
    with CaptureQueriesContext(connection) as one:
        marketer.get(page_of(dana))
    for number in range(1, 6):
        live_through(number)
    with CaptureQueriesContext(connection) as many:
        marketer.get(page_of(dana))
    assert len(many) == len(one)


def test_looking_at_a_contact_writes_nothing(marketer, dana):
    marketer.get(page_of(dana))

    assert not ContactPoint.objects.exists()


def test_a_hostile_name_stays_text(marketer, dana):
    Contact.objects.filter(pk=dana.pk).update(first_name="<script>alert(1)</script>")

    assert "<script>alert" not in marketer.get(page_of(dana)).content.decode()


@pytest.mark.parametrize("language", ["he", "ro"])
def test_the_page_opens_in_every_language(marketer, dana, language):
    for number, reason in enumerate(R.values):
        skipped(dana, reason, dedupe_key=f"why-{number}")

    response = marketer.get(page_of(dana), headers={"accept-language": language})

    assert response.status_code == 200
