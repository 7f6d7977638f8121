"""What a BRANCH may ask, on real rows: the enrolment's account and contact are both bound."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns.billing.models import Plan, Subscription
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import outcome
from campaigns.delivery.models import Message
from campaigns.offers import decline
from campaigns.profiles.models import Account, Contact
from campaigns.sequences.models import Enrolment
from campaigns.usage import record
from tests.factories import sequences as make
from tests.factories.delivery import MessageFactory
from tests.factories.profiles import MembershipFactory
from tests.factories.segments import make_segment

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]

NOW = make.NOW
SOON, LATER = NOW + timedelta(hours=5), NOW + timedelta(days=1)
EXITS = ["CONVERTED"]
ENGAGEMENTS = {
    "delivered": "delivered_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "replied": "replied_at",
    "dismissed": "dismissed_at",
    "unsubscribed": "unsubscribed_at",
    "complained": "complained_at",
}
OF_SEGMENTS: list[tuple[dict[str, Any], str]] = [
    ({"field": "account.name", "op": "contains", "value": "Galil"}, "yes"),
    ({"field": "account.plan", "op": "=", "value": "basic"}, "yes"),
    ({"field": "membership.role", "op": "=", "value": "OWNER"}, "yes"),
    ({"field": "membership.role", "op": "=", "value": "MEMBER"}, "no"),
    ({"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.9}, "yes"),
    ({"usage": "seats_used", "agg": "last", "per": "quota", "op": ">", "value": 0.9}, "no"),
    ({"subscription": "status", "op": "=", "value": "ACTIVE"}, "yes"),
    ({"score": "health", "op": ">=", "value": 1}, "no"),
    ({"crossing": "seats_used", "level": 80, "window": "7d"}, "no"),
    ({"consent": "email", "topic": "offers", "is": "granted"}, "no"),
    ({"bucket": "half", "percent": [0, 100]}, "yes"),
    ({"segment": "of-mine"}, "yes"),
    ({"not": {"segment": "of-mine"}}, "no"),
    ({"all": [{"engagement": "sent", "step": "mail-1"}, {"not": {"engagement": "clicked", "step": "mail-1"}}]},
     "yes"),
    ({"any_contact": {"field": "contact.first_name", "op": "is_set"}}, "yes"),
]  # fmt: skip
OTHERS: list[dict[str, Any]] = [
    {"engagement": "sent", "step": "mail-1"},
    {"engagement": "converted", "step": "mail-1"},
    {"engagement": "clicked", "channel": "email"},
    {"event": "crescendo.offer_refused", "window": "7d"},
    {"event": "crescendo.offer_refused"},
    {"event": "sso_tried", "where": [{"property": "feature", "op": "=", "value": "sso"}]},
    {"event": "sso_tried"},
    {"field": "account.plan", "op": "=", "value": "team"},
]
QUESTIONS = [
    *({"engagement": fact, "step": "mail-1"} for fact in ENGAGEMENTS),
    *(condition for condition, _ in OF_SEGMENTS),
    *OTHERS,
]


def steps() -> list[dict[str, Any]]:
    """Mail, a day's wait, the questions: from each yes leads to a banner, no to a second mail."""
    mail, _, _, banner, end = make.document()["steps"]
    return [
        mail,
        {"key": "wait", "kind": "WAIT", "for": "1d"},
        *(
            {"key": f"asked-{number}", "kind": "BRANCH", "if": condition, "then": "yes", "else": "no"}
            for number, condition in enumerate(QUESTIONS)
        ),
        mail | {"key": "no"},
        {"key": "over", "kind": "BRANCH", "if": {"all": []}, "then": "end"},
        banner | {"key": "yes"},
        end,
    ]


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    """One contact who had the mail."""
    make.market()
    make_segment({"field": "account.plan", "op": "=", "value": "basic"}, slug="of-mine")
    make.ready_account(name="Galil Software")
    make.launched(holdout_percent=None, steps=steps(), exit_on=EXITS)
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, ended_at=NOW)


def enrol(condition: dict[str, Any]) -> Enrolment:
    """Who is asked this question when the day is over."""
    Enrolment.objects.update(step_key=f"asked-{QUESTIONS.index(condition)}", due_at=LATER)
    return Enrolment.objects.select_related("account", "contact", "quote").get()


def lane() -> str:
    make.go_on(now=LATER)
    return Message.objects.exclude(origin_step="mail-1").get(origin_campaign="seats-80").origin_step


def test_nothing_happened_is_the_no_lane():
    enrol({"engagement": "clicked", "step": "mail-1"})
    assert lane() == "no"


@pytest.mark.parametrize(("fact", "column"), ENGAGEMENTS.items())
def test_every_engagement_with_a_step_can_be_asked(fact, column):
    enrol({"engagement": fact, "step": "mail-1"})
    Message.objects.update(**{column: SOON})
    assert lane() == "yes"


def test_sent_is_accepted_by_the_provider():
    enrol({"engagement": "sent", "step": "mail-1"})
    assert lane() == "yes"


def test_a_conversion_credited_to_a_message_can_be_asked():
    enrol({"engagement": "converted", "step": "mail-1"})
    outcome.mark_converted(times=[(Message.objects.get().pk, SOON)])
    assert lane() == "yes"


def test_what_comes_later_than_now_has_not_happened():
    enrol({"engagement": "clicked", "step": "mail-1"})
    Message.objects.update(clicked_at=LATER + timedelta(seconds=1))
    assert lane() == "no"


def test_a_click_of_the_same_step_in_another_campaign_is_none_of_ours():
    enrolment = enrol({"engagement": "clicked", "step": "mail-1"})
    MessageFactory(
        account=enrolment.account, contact=enrolment.contact, point=Message.objects.get().point,
        origin_step="mail-1", clicked_at=SOON,
    )  # fmt: skip
    assert lane() == "no"


def test_a_colleagues_click_is_not_this_contacts():
    enrolment = enrol({"engagement": "clicked", "channel": "email"})
    colleague = MembershipFactory(account=enrolment.account).contact
    MessageFactory(account=enrolment.account, contact=colleague, clicked_at=SOON)
    assert lane() == "no"


def test_a_click_in_the_persons_other_account_is_not_this_accounts():
    enrolment = enrol({"engagement": "clicked", "channel": "email"})
    other = MembershipFactory(contact=enrolment.contact).account
    MessageFactory(account=other, contact=enrolment.contact, point=Message.objects.get().point, clicked_at=SOON)
    assert lane() == "no"


def test_the_answer_to_an_offer_can_be_asked():
    enrolment = enrol({"event": "crescendo.offer_refused", "window": "7d"})
    assert enrolment.quote is not None
    decline.decline_quote(
        quote_uuid=enrolment.quote.uuid, contact_id=enrolment.contact_id, reason="TOO_EXPENSIVE", now=SOON
    )
    assert lane() == "yes"


def test_a_colleagues_no_is_not_this_contacts():
    enrolment = enrol({"event": "crescendo.offer_refused"})
    assert enrolment.quote is not None
    colleague = MembershipFactory(account=enrolment.account).contact
    decline.decline_quote(quote_uuid=enrolment.quote.uuid, contact_id=colleague.pk, reason="OTHER", now=SOON)
    assert lane() == "no"


def attempt(account: Account, contact: Contact | None) -> None:
    record.record_events(
        events=[
            record.NewEvent(
                at=SOON, account_id=account.pk, contact_id=contact.pk if contact else None, name="sso_tried",
                properties={"feature": "sso"}, source="app", message_id="1", received_at=SOON,
            )
        ]
    )  # fmt: skip


def test_an_event_counts_that_is_of_this_account_and_this_contact():
    enrolment = enrol({"event": "sso_tried", "where": [{"property": "feature", "op": "=", "value": "sso"}]})
    attempt(enrolment.account, enrolment.contact)
    assert lane() == "yes"


@pytest.mark.parametrize("who", ["nobody", "colleague"])
def test_an_event_of_the_account_by_somebody_else_does_not_count(who):
    enrolment = enrol({"event": "sso_tried"})
    attempt(enrolment.account, None if who == "nobody" else MembershipFactory(account=enrolment.account).contact)
    assert lane() == "no"


@pytest.mark.parametrize(("condition", "expected"), OF_SEGMENTS)
def test_any_condition_of_a_segment_can_be_asked(condition, expected):
    enrol(condition)
    assert ConsentTopic.objects.filter(slug="offers").exists()
    assert lane() == expected


def test_the_question_is_answered_when_its_turn_comes():
    enrolment = enrol({"field": "account.plan", "op": "=", "value": "team"})
    team = Plan.objects.get(code="team")
    Subscription.objects.filter(account=enrolment.account).update(plan=team, as_of=SOON)
    assert lane() == "yes"
