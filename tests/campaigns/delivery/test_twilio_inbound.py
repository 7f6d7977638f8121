from __future__ import annotations

import logging
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import override_settings

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentRecord, ContactPoint, DoubtfulReply
from campaigns.delivery import feedback
from campaigns.delivery.models import ProviderEvent
from orchestrator import clock
from tests.campaigns.delivery.twilio import PHONE, TOKEN, post, sms_message
from tests.factories.consent import ContactPointFactory
from tests.factories.delivery import NOW

pytestmark = pytest.mark.django_db

PATH = "/webhooks/twilio/inbound"


@pytest.fixture(autouse=True)
def _settings():
    with override_settings(TWILIO_AUTH_TOKEN=TOKEN, SENDER_NAME="Acme"):
        yield


def write(client, text, *, sid="SM100", sender=PHONE, said="", **options):
    fields = {"MessageSid": sid, "From": sender, "To": "+15005550006", "Body": text, "NumMedia": "0"}
    if said:
        fields["OptOutType"] = said
    return post(client, PATH, fields, **options)


def words_of(response):
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/xml")
    return [message.text for message in ElementTree.fromstring(response.content)]


def state_of(message):
    point = ContactPoint.objects.get(pk=message.point_id)
    return point.is_blocked, point.reason


def applied(message):
    feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())
    message.refresh_from_db()
    return message


@pytest.mark.parametrize("text", ["STOP", "stopall", "Unsubscribe", "CANCEL", "END", "quit", "הסר", "dezabonare"])
def test_a_stop_is_in_force_when_it_is_answered(client, text):
    message = sms_message()

    write(client, text)

    assert state_of(message) == (True, "UNSUBSCRIBED")
    assert ConsentRecord.objects.get().source == "twilio:stop"
    assert applied(message).unsubscribed_at


def test_a_stop_covers_the_channel_and_nothing_else(client):
    message = sms_message()
    mail = ContactPointFactory(contact=message.contact)

    write(client, "STOP")

    mail.refresh_from_db()
    assert not mail.is_blocked


def test_a_stop_belongs_to_the_newest_message_to_the_number(client):
    old = sms_message()
    new = sms_message(after=timedelta(days=1), contact=old.contact)

    write(client, "STOP")

    assert applied(new).unsubscribed_at
    assert applied(old).unsubscribed_at is None


def test_a_stop_from_a_stranger_is_kept_for_their_number(client):
    write(client, "STOP")
    assert ContactPoint.objects.get(channel="sms").is_blocked


def test_twilio_confirms_its_own_words_and_we_confirm_ours(client):
    sms_message()
    assert words_of(write(client, "STOP")) == []
    [words] = words_of(write(client, "הסר", sid="SM101"))
    assert words == "Acme: You will get no more text messages from us. Reply START to get them again."


def test_where_twilio_has_understood_it_nothing_is_answered(client):
    message = sms_message()
    assert words_of(write(client, "bitte nicht mehr", said="STOP")) == []
    assert state_of(message) == (True, "UNSUBSCRIBED")


def test_start_gives_back_what_stop_took(client):
    message = sms_message()
    write(client, "STOP", sid="SM1")
    assert words_of(write(client, "START", sid="SM2")) == []
    assert state_of(message) == (False, "")
    assert applied(message).replied_at is None


def test_start_does_not_lift_another_no(client):
    message = sms_message()
    opt_out.opt_out(point_id=message.point_id, source="unsubscribe_page", at=NOW, now=NOW)
    write(client, "START")
    assert state_of(message)[0]


def test_yes_without_a_stop_is_a_reply(client):
    message = sms_message()
    assert words_of(write(client, "Yes")) == []
    assert applied(message).replied_at


def test_a_start_that_comes_again_after_another_stop_changes_nothing(client):
    message = sms_message()
    for text, sid in (("STOP", "SM1"), ("START", "SM2"), ("STOP", "SM3"), ("START", "SM2")):
        write(client, text, sid=sid)
    assert state_of(message)[0]


def test_help_tells_who_writes_and_how_to_stop(client):
    message = sms_message()
    [words] = words_of(write(client, "HELP"))
    assert words.startswith("Acme: ")
    assert "STOP" in words
    assert state_of(message) == (False, "")
    assert applied(message).replied_at is None


def test_help_from_a_stranger_is_answered_too(client):
    assert len(words_of(write(client, "help", sender="+40799999999"))) == 1


def test_a_text_is_a_reply_to_the_newest_message(client):
    message = sms_message()
    assert words_of(write(client, "Please call me")) == []
    assert applied(message).replied_at
    assert list(ProviderEvent.objects.values_list("type", "message")) == [("REPLIED", message.uuid)]


def test_the_same_text_again_changes_nothing_and_is_not_answered_again(client):
    sms_message()
    first, again = write(client, "HELP"), write(client, "HELP")
    assert (len(words_of(first)), words_of(again)) == (1, [])
    assert ProviderEvent.objects.count() == 1


def test_what_people_write_is_kept_nowhere(client, caplog):
    sms_message()
    with caplog.at_level(logging.DEBUG):
        write(client, "My card is 4580 1234")
    row = ProviderEvent.objects.get()
    kept = f"{row.reason}{row.url}{ConsentRecord.objects.values_list('evidence')}{caplog.text}"
    assert "4580" not in kept
    assert "501234567" not in kept


def test_a_forged_text_changes_nothing(client):
    message = sms_message()
    response = write(client, "STOP", token="forged")
    assert (response.status_code, response.content) == (401, b"")
    assert state_of(message) == (False, "")


def test_signed_nonsense_is_refused(client):
    assert post(client, PATH, {"Body": "STOP"}).status_code == 400


@pytest.mark.parametrize("text", ["Please stop texting me", "תפסיקו לשלוח לי הודעות", "nu mai vreau mesaje"])
def test_a_no_in_own_words_is_in_force_when_it_is_answered_and_its_rule_is_the_evidence(client, text):
    message = sms_message()

    [words] = words_of(write(client, text))

    assert words.startswith("Acme: ")
    assert state_of(message) == (True, "UNSUBSCRIBED")
    record = ConsentRecord.objects.get()
    assert record.source == "twilio:free_text"
    assert record.evidence["said"].startswith("in: ")
    assert text.casefold() not in str(record.evidence).casefold()
    assert applied(message).unsubscribed_at


@pytest.mark.parametrize("text", ["stopp", "STPO", "S.T.O.P", "can you stop?", "לא מעוניין יותר", "Nu mai vreau"])
def test_a_no_that_is_mistyped_or_said_in_short_is_a_no(client, text):
    message = sms_message()
    write(client, text)
    assert state_of(message) == (True, "UNSUBSCRIBED")


@pytest.mark.parametrize(
    "text", ["I don't want to unsubscribe", "אל תורידו אותי מהרשימה", "nu as vrea sa ma dezabonez"]
)
def test_who_wants_to_stay_stays(client, text):
    message = sms_message()
    write(client, text)
    point = ContactPoint.objects.get(pk=message.point_id)
    assert (point.is_blocked, point.is_held, DoubtfulReply.objects.count()) == (False, False, 0)


def test_what_a_stranger_writes_waits_for_nobody(client):
    write(client, "this is spam")
    assert (DoubtfulReply.objects.count(), ContactPoint.objects.count()) == (0, 0)


def test_a_stop_after_a_doubtful_reply_settles_it_and_start_gives_all_back(client):
    message = sms_message()
    write(client, "not interested", sid="SM1")
    write(client, "STOP", sid="SM2")
    assert DoubtfulReply.objects.get().state == "SETTLED"
    write(client, "START", sid="SM3")
    point = ContactPoint.objects.get(pk=message.point_id)
    assert (point.is_blocked, point.is_held) == (False, False)


@pytest.mark.parametrize("text", ["Don't stop!", "אל תפסיקו", "Nu vă opriți"])
def test_a_no_to_stopping_is_a_reply(client, text):
    message = sms_message()
    assert words_of(write(client, text)) == []
    assert state_of(message) == (False, "")
    assert list(ProviderEvent.objects.values_list("type", "reason")) == [("REPLIED", "in")]


def test_what_may_be_a_no_is_a_reply_that_says_so_and_counts_as_one_for_now(client):
    message = sms_message()
    assert words_of(write(client, "Too many messages, my card is 4580 1234")) == []
    assert state_of(message) == (False, "")
    assert ContactPoint.objects.get(pk=message.point_id).is_held
    assert DoubtfulReply.objects.get().text == "Too many messages, my card is 4580 1234"
    assert list(ProviderEvent.objects.values_list("type", "reason")) == [("REPLIED", "in: unsure en.annoyed")]


def test_start_gives_back_what_a_no_in_own_words_took(client):
    message = sms_message()
    write(client, "please stop texting me", sid="SM1")
    write(client, "START", sid="SM2")
    assert state_of(message) == (False, "")


def test_where_twilio_has_understood_a_start_own_words_do_not_count(client):
    message = sms_message()
    write(client, "STOP", sid="SM1")
    write(client, "please stop texting me", sid="SM2", said="START")
    assert state_of(message) == (False, "")
