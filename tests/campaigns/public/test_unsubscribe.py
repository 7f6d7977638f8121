from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.consent import opt_out, record
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import links
from orchestrator import signing
from orchestrator.signing import Purpose
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import NOW, MessageFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db


def path_of(message):
    return links.unsubscribe_url(message_uuid=message.uuid).removeprefix("http://127.0.0.1:8000")


def point_of(message):
    return ContactPoint.objects.get(pk=message.point_id)


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_changes_nothing(client, method):
    message = MessageFactory()

    getattr(client, method)(path_of(message))

    assert not point_of(message).is_blocked
    assert not ConsentRecord.objects.exists()


def test_the_page_asks_in_the_contacts_language_and_direction(client):
    page = client.get(path_of(MessageFactory(contact__locale="he"))).content.decode()

    assert 'lang="he" dir="rtl"' in page
    assert "bootstrap.rtl.min.css" in page


def test_the_page_shows_no_whole_address(client):
    message = MessageFactory()

    page = client.get(path_of(message)).content.decode()

    assert message.contact.email not in page
    assert "•••@customer.example" in page


def test_the_page_leaks_its_address_to_nobody(client):
    response = client.get(path_of(MessageFactory()))

    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Cache-Control"] == "no-store"
    assert "style=" not in response.content.decode()
    assert "<script" not in response.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
         "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_a_mail_programs_one_click_opts_out_without_cookies(body, content_type):
    message = MessageFactory()
    client = Client(enforce_csrf_checks=True)

    response = client.post(path_of(message), data=body, content_type=content_type)

    assert response.status_code == 200
    assert point_of(message).is_blocked


def test_a_second_click_is_answered_the_same_and_leaves_one_record(client):
    message = MessageFactory()

    answers = [client.post(path_of(message)).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert ConsentRecord.objects.filter(point=message.point).count() == 1


def test_the_message_keeps_that_it_cost_a_subscriber(client):
    message = MessageFactory()

    client.post(path_of(message))

    message.refresh_from_db()
    assert message.unsubscribed_at is not None


def test_one_click_undoes_it(client):
    message = MessageFactory()
    client.post(path_of(message))

    response = client.post(path_of(message), {"action": "resubscribe"})

    assert response.status_code == 200
    assert not point_of(message).is_blocked
    assert point_of(message).topics == {"offers": "GRANTED"}


def test_a_wrong_link_is_answered_in_words_and_reveals_nothing(client):
    token = signing.sign(Purpose.UNSUBSCRIBE, "00000000-0000-0000-0000-000000000000")

    for wrong in ("nonsense", token):
        response = client.post(reverse("unsubscribe", args=[wrong]))
        assert response.status_code == 404
        assert "leads nowhere" in response.content.decode()


def test_a_token_of_another_purpose_opts_nobody_out(client):
    message = MessageFactory()
    token = links.view_url(message_uuid=message.uuid).rpartition("/")[2]

    assert client.post(reverse("unsubscribe", args=[token])).status_code == 404
    assert not point_of(message).is_blocked


def test_a_changed_token_opts_nobody_out(client):
    message = MessageFactory()
    path = path_of(message)

    for place in range(3, len(path), 7):
        letter = "A" if path[place] != "A" else "B"
        assert client.post(path[:place] + letter + path[place + 1 :]).status_code == 404
    assert not point_of(message).is_blocked


def restart(message):
    return opt_out.restore(point_id=message.point_id, taken_by={"twilio:stop"}, source="twilio:start", at=NOW, now=NOW)


def test_start_after_stop_does_not_undo_the_click_between_them(client):
    message = MessageFactory(channel="sms", contact__phone="+972501234567")
    opt_out.opt_out(point_id=message.point_id, source="twilio:stop", at=NOW, now=NOW)

    client.post(path_of(message), {"List-Unsubscribe": "One-Click"})

    assert not restart(message)
    assert point_of(message).is_blocked
    assert list(ConsentRecord.objects.order_by("pk").values_list("source", flat=True)) == ["twilio:stop", "one_click"]


def test_resubscribing_lifts_no_objection_that_a_colleague_took_down(client):
    message = MessageFactory()
    opt_out.opt_out(point_id=message.point_id, reason="OBJECTED", source="staff", at=NOW, now=NOW, all_channels=True)

    page = client.post(path_of(message), {"action": "resubscribe"}).content.decode()

    assert (point_of(message).is_blocked, point_of(message).reason) == (True, "OBJECTED")
    assert "Nothing was changed" in page


def test_resubscribing_gives_back_what_the_link_took_and_nothing_besides(client):
    ConsentTopicFactory(slug="tips", name="Tips")
    message = MessageFactory()
    yes = record.ConsentItem(message.contact_id, "email", "offers", "GRANTED", "explicit", "crm", NOW)
    record.record_consents(items=[yes], now=NOW)
    client.post(path_of(message))
    late = record.ConsentItem(message.contact_id, "email", "tips", "GRANTED", "explicit", "crm", NOW)
    record.record_consents(items=[late], now=NOW)

    client.post(path_of(message), {"action": "resubscribe"})

    assert not point_of(message).is_blocked
    assert point_of(message).topics == {"offers": "GRANTED", "tips": "WITHDRAWN"}


def test_resubscribing_twice_is_answered_the_same(client):
    message = MessageFactory()
    client.post(path_of(message))

    pages = [client.post(path_of(message), {"action": "resubscribe"}).content.decode() for _ in range(2)]

    assert ["subscribed again" in page for page in pages] == [True, True]


def test_the_link_of_a_mail_to_an_earlier_address_subscribes_no_newer_one(client):
    message = MessageFactory(contact=ContactFactory(email="dana@first.example"))
    client.post(path_of(message))
    message.contact.email = "dana@second.example"
    message.contact.save()

    client.post(path_of(message), {"action": "resubscribe"})

    assert point_of(message).is_blocked
