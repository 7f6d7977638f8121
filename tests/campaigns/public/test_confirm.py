"""Double opt-in from the report to the yes: what is stored, what goes out, what the person meets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from campaigns.consent import confirm, opt_out, preferences, record, selectors
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.consent.topics import TopicError, apply_topics, export_topics
from campaigns.delivery import ask, dispatch
from campaigns.delivery.models import Message
from orchestrator import clock
from tests.campaigns.delivery.outside import provider
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import MessageFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def topic():
    return ConsentTopicFactory(name="Offers", confirmed_in=["RO"])


def report(contact, *, channel="email", state="GRANTED", basis="explicit", at=None):
    now = clock.utcnow()
    item = record.ConsentItem(contact.pk, channel, "offers", state, basis, "crm", at or now)
    record.record_consents(items=[item], now=now)
    return ContactPoint.objects.get(contact=contact, channel=channel)


def romanian(**changes):
    return ContactFactory(**{"country": "RO", "locale": "ro"} | changes)


def asked_of(point):
    return ConsentRecord.objects.get(point=point, state="PENDING")


def path_of(point):
    return ask.confirm_url(record_id=asked_of(point).pk).removeprefix(SITE)


def topics_of(point):
    point.refresh_from_db()
    return point.topics


def send():
    with provider() as outside:
        now = clock.utcnow()
        Message.objects.filter(state="PLANNED").update(state="READY", next_at=datetime(2020, 1, 1, tzinfo=UTC))
        dispatch.dispatch_due(channel="email", now=now, worker="test", seconds=5)
        return list(outside.taken)


@pytest.mark.parametrize(
    ("country", "confirmed_in", "state"),
    [
        ("RO", ["RO"], "PENDING"), ("romania", ["RO"], "PENDING"), ("IL", ["RO"], "GRANTED"), ("IL", ["*"], "PENDING"),
        ("", ["RO"], "PENDING"), ("", [], "GRANTED"), ("RO", [], "GRANTED"),
    ],
)  # fmt: skip
def test_the_topic_says_where_a_reported_yes_must_be_confirmed(country, confirmed_in, state):
    ConsentTopicFactory(confirmed_in=confirmed_in)

    assert report(ContactFactory(country=country)).topics == {"offers": state}


@pytest.mark.parametrize("basis", ["soft_opt_in", "legitimate_interest"])
def test_what_is_no_consent_is_not_to_be_confirmed(topic, basis):
    assert report(romanian(), basis=basis).topics == {"offers": "GRANTED"}


def test_a_yes_that_waits_is_none_for_marketing(topic):
    contact = romanian()
    point = report(contact)
    marketing = MessageFactory(contact=contact, point=point, state="READY", next_at=datetime(2020, 1, 1, tzinfo=UTC),
                               send_by=None, due_at=clock.utcnow())  # fmt: skip

    taken = send()

    marketing.refresh_from_db()
    assert (taken, marketing.state, marketing.reason) == ([], "SKIPPED", "NO_CONSENT")
    assert selectors.permission(point=point, topic=topic) == "NO_CONSENT"
    assert selectors.reachable_contacts(contact_ids=[contact.pk], channel="email", topic="offers") == set()


def test_the_question_goes_out_once_outside_the_caps_of_marketing(topic, settings):
    settings.FREQUENCY_CAPS = ({"days": 1, "messages": 0},)
    point = report(romanian())
    ask.ask_pending(now=clock.utcnow())
    ask.ask_pending(now=clock.utcnow())

    [mail] = send()

    assert mail.subject == "Vă rugăm să confirmați: Offers"
    assert ask.confirm_url(record_id=asked_of(point).pk) in mail.text
    assert (mail.category, dict(mail.headers)) == ("transactional", {})
    message = Message.objects.get()
    assert (message.policy, message.state) == ("AT_LEAST_ONCE", "ACCEPTED")


def press(client, point, query=""):
    """As a person does it: the page is opened, then its button pressed."""
    nonce = client.get(path_of(point) + query).context["nonce"]
    return client.post(path_of(point) + query, {"nonce": nonce})


@pytest.mark.parametrize("nonce", [None, "", "x", "of another question"])
def test_a_machine_that_posts_to_every_link_confirms_nothing(topic, client, nonce):
    point = report(romanian())
    other = report(romanian())
    form = {} if nonce is None else {"nonce": nonce}
    if nonce == "of another question":
        form = {"nonce": client.get(path_of(other)).context["nonce"]}

    page = client.post(path_of(point) + "?lang=en", form)

    assert (page.status_code, topics_of(point)) == (400, {"offers": "PENDING"})
    assert "Nothing was changed" in page.content.decode()


def test_the_page_of_yesterday_asks_again(topic, client):
    point = report(romanian())
    with time_machine.travel(clock.wall_now() - timedelta(days=1, minutes=1)):
        nonce = client.get(path_of(point)).context["nonce"]

    assert client.post(path_of(point), {"nonce": nonce}).status_code == 400
    assert press(client, point).status_code == 200
    assert topics_of(point) == {"offers": "GRANTED"}


def test_looking_confirms_nothing(topic, client):
    point = report(romanian())

    page = client.get(path_of(point))

    assert "Offers" in page.content.decode()
    assert "Referrer-Policy" in page
    assert topics_of(point) == {"offers": "PENDING"}


def test_the_yes_is_stored_with_who_when_and_what_was_shown(topic, client):
    point = report(romanian())

    page = press(client, point)

    assert page.status_code == 200
    assert topics_of(point) == {"offers": "GRANTED"}
    yes = ConsentRecord.objects.get(source="double_opt_in")
    assert (yes.state, yes.basis, yes.contact) == ("GRANTED", "explicit", point.contact)
    assert {name: yes.evidence[name] for name in ("page", "language", "shown", "reported_by", "asked")} == {
        "page": "confirm:1", "language": "ro", "shown": "Offers", "reported_by": "crm", "asked": asked_of(point).pk,
    }  # fmt: skip
    assert len(yes.evidence["ip_hash"]) == 64
    assert "127.0.0.1" not in str(yes.evidence)


def test_a_second_yes_adds_nothing(topic, client):
    point = report(romanian())
    press(client, point)
    records = ConsentRecord.objects.count()

    press(client, point)

    assert (ConsentRecord.objects.count(), topics_of(point)) == (records, {"offers": "GRANTED"})


def test_a_no_since_the_question_closes_it(topic, client):
    point = report(romanian())
    opt_out.opt_out(point_id=point.pk, source="page", at=clock.utcnow(), now=clock.utcnow())

    page = press(client, point, "?lang=en")

    point.refresh_from_db()
    assert point.is_blocked
    assert "This question is over" in page.content.decode()


def test_a_question_closes_after_thirty_days(topic):
    point = report(romanian())
    late = clock.utcnow() + confirm.OPEN_FOR + timedelta(seconds=1)

    assert not confirm.confirm(record_id=asked_of(point).pk, evidence={}, now=late)
    assert topics_of(point) == {"offers": "PENDING"}


@pytest.mark.parametrize("token", ["x", "AAAA.BBBB", "1.1.1"])
def test_a_link_that_is_not_ours_shows_nothing(topic, client, token):
    assert client.post(f"/y/{token}").status_code == 404


def test_who_said_no_before_is_not_asked_because_a_file_says_yes(topic):
    contact = romanian()
    report(contact, state="WITHDRAWN", at=clock.utcnow() - timedelta(days=2))
    report(contact)

    ask.ask_pending(now=clock.utcnow())

    assert not Message.objects.exists()


def test_who_was_asked_is_not_asked_again_by_the_next_file(topic):
    contact = romanian()
    report(contact, at=clock.utcnow() - timedelta(days=1))
    report(contact)

    ask.ask_pending(now=clock.utcnow())

    assert Message.objects.count() == 1


def test_a_yes_that_stands_is_not_questioned_by_a_report(topic):
    contact = romanian()
    point = report(contact, basis="soft_opt_in", at=clock.utcnow() - timedelta(days=1))
    report(contact)

    assert topics_of(point) == {"offers": "GRANTED"}


def test_what_the_person_says_on_their_own_page_needs_no_second_yes(topic):
    contact = romanian()
    point = report(contact)

    preferences.set_preferences(
        contact_id=contact.pk, wanted={("offers", "email"): True}, source="preference_page", evidence={},
        now=clock.utcnow(),
    )  # fmt: skip

    assert topics_of(point) == {"offers": "GRANTED"}


def test_a_number_is_asked_by_text(topic):
    contact = romanian(phone="+40721234567")
    point = report(contact, channel="sms")

    ask.ask_pending(now=clock.utcnow())

    message = Message.objects.get()
    assert (message.channel, message.point, message.purpose) == ("sms", point, "TRANSACTIONAL")


def test_a_catalogue_sets_where_and_refuses_what_is_no_country():
    apply_topics(topics=[{"slug": "news", "name": "News", "confirmed_in": ["RO", "*"]}])
    assert export_topics()[0]["confirmed_in"] == ["RO", "*"]

    with pytest.raises(TopicError, match="confirmed_in"):
        apply_topics(topics=[{"slug": "news", "name": "News", "confirmed_in": ["Romania"]}])
