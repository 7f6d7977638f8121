"""The preference page as a person, a mail scanner and a script meet it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.consent import opt_out, record, selectors
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from campaigns.delivery import begin, claim, links, render
from campaigns.delivery.models import Message
from campaigns.profiles.models import Contact
from orchestrator import clock, signing
from orchestrator.signing import Purpose
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import MessageFactory, ReadyMessageFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WORDS = {"he": {"name": "טיפים", "description": "פעם בחודש"}, "ro": {"name": "Sfaturi"}}


@pytest.fixture(scope="module")
def scene(shared_rows):
    """To Dana, who has a phone and said yes to offers and tips by mail."""
    ConsentTopicFactory()
    ConsentTopicFactory(slug="tips", name="Tips", words=WORDS)
    ConsentTopicFactory(slug="account", name="Account and billing", is_marketing=False)
    made = MessageFactory(contact=ContactFactory(phone="+972502345678", email="dana@galil.example"))
    say_yes(made.contact, "offers")
    say_yes(made.contact, "tips")
    return made


@pytest.fixture
def message(scene, db):
    return Message.objects.get(pk=scene.pk)


def say_yes(contact, topic, channel="email"):
    item = record.ConsentItem(contact.pk, channel, topic, "GRANTED", "explicit", "crm", LONG_AGO)
    record.record_consents(items=[item], now=LONG_AGO)


def path_of(message):
    return links.preferences_url(message_uuid=message.uuid).removeprefix("http://127.0.0.1:8000")


class _Forms(HTMLParser):
    """The fields a browser would send, one dict per form of the page."""

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.forms.append({})
        is_sent = given.get("type") != "checkbox" or "checked" in given
        if tag == "input" and given.get("name") and is_sent:
            self.forms[-1][given["name"]] = given.get("value", "")


def forms_of(response):
    parser = _Forms()
    parser.feed(response.content.decode())
    return parser.forms


def topics_form(response):
    return next(form for form in forms_of(response) if "shown.offers.email" in form and "action" not in form)


def words_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def boxes(client, message):
    """What is on, as the page says it."""
    return {name for name in topics_form(client.get(path_of(message))) if not name.startswith("shown.")}


# --- looking


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("agent", ["Mozilla/5.0", "Barracuda Sentinel", "Google-Safety", "Slackbot", "curl/8"])
def test_looking_changes_nothing(client, message, method, agent):
    before = list(ContactPoint.objects.order_by("pk").values())
    records = ConsentRecord.objects.count()

    getattr(client, method)(path_of(message), headers={"user-agent": agent})

    assert list(ContactPoint.objects.order_by("pk").values()) == before
    assert ConsentRecord.objects.count() == records


def test_there_is_a_box_per_topic_and_channel_that_reaches_the_contact(client, message):
    page = client.get(path_of(message)).content.decode()

    names = re.findall(r'type="checkbox"[^>]* name="([^"]+)"', page)
    assert names == ["offers.email", "offers.sms", "offers.in_app", "tips.email", "tips.sms", "tips.in_app"]
    assert boxes(client, message) == {"offers.email", "tips.email", "offers.in_app", "tips.in_app"}


def test_without_a_phone_there_is_no_box_for_sms(client):
    page = client.get(path_of(MessageFactory())).content.decode()

    assert 'name="offers.email"' in page
    assert ".sms" not in page


def test_what_is_no_marketing_cannot_be_switched_off(client, message):
    page = client.get(path_of(message)).content.decode()

    assert "Account and billing" in page
    assert 'name="account.email"' not in page


@pytest.mark.parametrize(
    ("locale", "head", "topic"),
    [("he-IL", 'lang="he" dir="rtl"', "טיפים"), ("ro", 'lang="ro" dir="ltr"', "Sfaturi"), ("fr", 'lang="en"', "Tips")],
)
def test_the_page_is_in_the_contacts_language(client, message, locale, head, topic):
    Contact.objects.update(locale=locale)

    page = client.get(path_of(message)).content.decode()

    assert head in page
    assert f">{topic}</strong>" in page


def test_the_language_can_be_switched_and_saving_keeps_it(client, message):
    response = client.post(f"{path_of(message)}?lang=he", topics_form(client.get(path_of(message))))

    assert 'lang="he" dir="rtl"' in response.content.decode()


def test_the_page_shows_no_whole_address_and_leaks_nothing(client, message):
    response = client.get(path_of(message))
    page = response.content.decode()

    assert "dana@galil.example" not in page
    assert "+972502345678" not in page
    assert "d•••@galil.example" in page
    assert "You agreed on 5 January 2026." in page
    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Cache-Control"] == "no-store"
    assert "style=" not in page
    assert "<script" not in page


# --- choosing


def test_unticking_a_box_is_a_no_to_that_topic_on_that_channel(client, message):
    form = topics_form(client.get(path_of(message)))
    del form["tips.email"]

    response = client.post(path_of(message), form)

    assert "Done. No more “Tips” by e-mail." in words_of(response)
    assert boxes(client, message) == {"offers.email", "offers.in_app", "tips.in_app"}


def test_ticking_a_box_is_a_yes(client, message):
    form = topics_form(client.get(path_of(message))) | {"offers.sms": "on"}

    response = client.post(path_of(message), form)

    assert "You now get “Offers that fit your usage” by SMS." in words_of(response)
    assert "offers.sms" in boxes(client, message)


def test_no_cookie_and_no_session_is_needed(message):
    strict = Client(enforce_csrf_checks=True)
    form = topics_form(strict.get(path_of(message)))
    strict.cookies.clear()
    del form["offers.email"]

    assert strict.post(path_of(message), form).status_code == 200
    assert "offers.email" not in boxes(strict, message)


def test_the_choice_keeps_what_was_shown_in_which_language(client, message):
    form = topics_form(client.get(path_of(message)))
    del form["offers.email"]

    client.post(f"{path_of(message)}?lang=ro", form, headers={"user-agent": "Mozilla/5.0 (private)"})

    kept = ConsentRecord.objects.get(source="preference_page")
    assert kept.evidence["language"] == "ro"
    assert kept.evidence["page"] == "preferences"
    assert kept.evidence["version"] == 2
    assert {"topic": "tips", "name": "Sfaturi", "on": ["email", "in_app"]} in kept.evidence["shown"]
    assert kept.evidence["message"] == str(message.uuid)
    assert "127.0.0.1" not in str(kept.evidence)
    assert "private" not in str(kept.evidence)


def test_saving_without_a_change_says_so_and_leaves_no_record(client, message):
    before = ConsentRecord.objects.count()

    response = client.post(path_of(message), topics_form(client.get(path_of(message))))

    assert "Saved. Nothing was different from before." in words_of(response)
    assert ConsentRecord.objects.count() == before


def test_an_old_page_does_not_bring_back_what_was_stopped_elsewhere(client, message):
    form = topics_form(client.get(path_of(message)))
    opt_out.opt_out(point_id=message.point_id, source="stop", at=clock.utcnow(), now=clock.utcnow())
    del form["tips.in_app"]

    client.post(path_of(message), form)

    assert ContactPoint.objects.get(pk=message.point_id).is_blocked
    assert boxes(client, message) == {"offers.in_app"}


def test_a_script_may_send_the_boxes_alone(client, message):
    client.post(path_of(message), {"tips.sms": "on"})

    assert boxes(client, message) == {"tips.sms"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", "application/x-www-form-urlencoded"), (b"garbage", "multipart/form-data; boundary=x")],
)
def test_a_body_without_any_box_is_a_no_to_all(client, message, body, content_type):
    assert client.post(path_of(message), data=body, content_type=content_type).status_code == 200
    assert boxes(client, message) == set()


def test_an_undo_puts_back_what_was_changed(client, message):
    form = topics_form(client.get(path_of(message)))
    del form["tips.email"]
    form["offers.sms"] = "on"
    before = boxes(client, message)

    undo = forms_of(client.post(path_of(message), form))[0]
    client.post(path_of(message), undo)

    assert boxes(client, message) == before


def test_one_button_stops_everything_and_its_undo_brings_it_back(client, message):
    before = boxes(client, message)

    stopped = client.post(path_of(message), {"action": "stop"})

    assert "No more “Tips” by e-mail and messages in the product." in words_of(stopped)
    assert boxes(client, message) == set()
    assert set(ContactPoint.objects.filter(contact=message.contact).values_list("is_blocked", flat=True)) == {True}
    client.post(path_of(message), forms_of(stopped)[0])
    assert boxes(client, message) == before


def test_who_unsubscribed_by_mail_is_told_and_can_take_it_back(client, message):
    at = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
    opt_out.opt_out(point_id=message.point_id, source="one_click", at=at, now=at)

    page = client.get(path_of(message))
    assert "You stopped all offers and news by e-mail on 3 November 2026." in words_of(page)
    undo = next(form for form in forms_of(page) if form.get("action") == "resubscribe")
    response = client.post(path_of(message), undo)

    assert "You now get “Tips” by e-mail." in words_of(response)
    assert {"offers.email", "tips.email"} <= boxes(client, message)


def test_taking_back_a_no_that_nobody_said_changes_nothing(client, message):
    before = boxes(client, message)

    client.post(path_of(message), {"action": "resubscribe", "channel": "sms"})

    assert boxes(client, message) == before


def test_a_bounced_address_is_shown_as_what_it_is(client, message):
    opt_out.opt_out(
        point_id=message.point_id, reason="BOUNCED", source="provider", at=clock.utcnow(), now=clock.utcnow()
    )

    page = client.get(path_of(message))

    assert "What we send to d•••@galil.example comes back" in words_of(page)
    assert "E-mail: does not arrive" in words_of(page)
    assert 'name="offers.email"' not in page.content.decode()
    client.post(path_of(message), {"offers.email": "on"})
    assert ContactPoint.objects.get(pk=message.point_id).reason == "BOUNCED"


def test_a_no_to_the_messages_own_topic_counts_as_its_cost(client, message):
    form = topics_form(client.get(path_of(message)))
    del form["tips.email"]
    client.post(path_of(message), form)
    assert Message.objects.get(pk=message.pk).unsubscribed_at is None

    del form["offers.email"]
    client.post(path_of(message), form)
    assert Message.objects.get(pk=message.pk).unsubscribed_at is not None


def test_a_no_on_the_page_stops_the_next_message(client, message):
    waiting = ReadyMessageFactory(
        gate=message.gate, contact=message.contact, point=message.point, account=message.account,
        due_at=clock.utcnow(), send_by=clock.utcnow() + timedelta(days=1),
    )  # fmt: skip
    form = topics_form(client.get(path_of(message)))
    del form["offers.email"]

    client.post(path_of(message), form)

    held = claim.claim_messages(channel="email", size=10, worker="test", wall_now=clock.wall_now())
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
    verdicts = begin.decide(held=held, topics=topics, now=clock.utcnow(), wall_now=clock.wall_now())
    assert (verdicts[waiting.pk].state, verdicts[waiting.pk].reason) == ("SKIPPED", "OPTED_OUT")


# --- wrong links


def test_a_changed_token_changes_nobody(client, message):
    path = path_of(message)
    records = ConsentRecord.objects.count()

    for place in range(3, len(path), 7):
        letter = "A" if path[place] != "A" else "B"
        response = client.post(path[:place] + letter + path[place + 1 :], {"action": "stop"})
        assert response.status_code == 404
    assert ConsentRecord.objects.count() == records


def test_a_wrong_link_is_answered_in_words(client):
    strange = signing.sign(Purpose.PREFERENCES, "00000000-0000-0000-0000-000000000000")
    for wrong in ("nonsense", strange, signing.sign(Purpose.PREFERENCES, "x")):
        response = client.get(reverse("preferences", args=[wrong]))
        assert response.status_code == 404
        assert "leads nowhere" in response.content.decode()


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.IN_APP_VIEW, Purpose.OFFER])
def test_a_token_of_another_purpose_opens_nothing(client, message, purpose):
    token = signing.sign(purpose, str(message.uuid))

    assert client.post(reverse("preferences", args=[token]), {"action": "stop"}).status_code == 404
    assert not ContactPoint.objects.filter(is_blocked=True).exists()


def test_a_test_send_opens_nobodys_page(client, message):
    Message.objects.update(purpose=Message.Purpose.TEST)

    assert client.post(path_of(message), {"action": "stop"}).status_code == 404
    assert not ContactPoint.objects.filter(is_blocked=True).exists()


def test_an_erased_person_has_no_page(client, message):
    Contact.objects.update(erased_at=clock.utcnow())

    assert client.get(path_of(message)).status_code == 404


def test_the_page_of_a_merged_contact_is_that_of_who_they_are_now(client, message):
    now_known_as = ContactFactory(email="dana.levi@galil.example")
    Contact.objects.filter(pk=message.contact_id).update(merged_into=now_known_as)

    client.post(path_of(message), {"offers.email": "on"})

    states = selectors.channel_states(contact=now_known_as)
    assert [one.topic.slug for one in states[0].topics if one.is_on and one.topic.is_marketing] == ["offers"]


# --- how one comes here


def test_every_footer_and_the_unsubscribe_page_lead_here(client, message):
    rendered = render.render_for_view(message=message)
    unsubscribe = client.get(links.unsubscribe_url(message_uuid=message.uuid).removeprefix("http://127.0.0.1:8000"))

    for words in (rendered.html, rendered.text, unsubscribe.content.decode()):
        found = re.search(r"http://127\.0\.0\.1:8000(/p/[\w.-]+)", words)
        assert found is not None
        assert client.get(found[1]).status_code == 200
