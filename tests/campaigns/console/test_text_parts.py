"""Text messages in the editor, the preview and the launch review: how many parts they take, and their way out."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import sms_cost
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import check
from campaigns.sequences.cast import Cast, Member
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

LONG = "You use {{ evidence.value }} of {{ evidence.quota }} seats. " + "More room is one click away. " * 5
HEBREW = "ניצלתם {{ evidence.value }} מתוך {{ evidence.quota }} מושבים. אפשר להרחיב בלחיצה אחת ולהמשיך לעבוד."


@pytest.fixture(autouse=True)
def market(settings):
    settings.SENDGRID_API_KEY = "SG.test"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC1", "token", "+15005550006"
    make.market()
    account = make.ready_account(name="Galil Software")
    make.reader(account, locale="he", role="ADMIN")
    with time_machine.travel(make.NOW, tick=False):
        yield


def sms_step(key="sms-1", **variants):
    return {"key": key, "kind": "MESSAGE", "channel": "sms", "variants": variants}


def texting(*, purpose="MARKETING", **contents):
    """A campaign that mails first and texts then; `contents` are the SMS by language."""
    mail = make.document()["steps"][0]
    content = {locale: {"text": text} for locale, text in contents.items()}
    return make.drafted(steps=[mail, sms_step(a={"content": content})], purpose=purpose)


def review_of(client, campaign):
    return words_of(client.get(reverse("admin:studio-campaign-launch", args=[campaign.slug])))


def wording(campaign, page="wording", **query):
    return reverse(f"admin:studio-campaign-{page}", args=[campaign.slug, "sms-1", "a"], query=query)


def test_the_review_says_in_how_many_parts_each_language_goes_out(marketer):
    words = review_of(marketer, texting(en="Short.", he=HEBREW))
    assert "The SMS goes out in 1 part in English (28 characters)" in words
    assert "The SMS goes out in 2 parts in Hebrew (" in words
    assert "Each part is paid for." in words


def test_the_parts_are_counted_after_the_values_and_the_links_are_in(marketer):
    words = review_of(marketer, texting(en="{{ account.name }}: {{ links.unsubscribe }}"))
    assert "The SMS goes out in 1 part in English (" in words
    assert "(13 characters)" not in words
    assert "With sample values" not in words


def test_with_several_wordings_the_review_says_which(marketer):
    mail = make.document()["steps"][0]
    variants = {name: {"content": {"en": {"text": text}}, "weight": 50} for name, text in (("a", "Hi."), ("b", LONG))}
    campaign = make.drafted(steps=[mail, sms_step(**variants)])
    words = review_of(marketer, campaign)
    assert "Step 2, wording A: The SMS goes out in 1 part in English" in words
    assert "Step 2, wording B: The SMS goes out in 2 parts in English" in words


def test_the_preview_shows_the_way_out_and_the_size(marketer):
    page = marketer.get(wording(texting(en="Hello"), "preview", language="en")).content.decode()
    assert "Hello\nReply STOP to opt out" in page
    assert "1 part · 27 characters" in page


def test_a_sender_that_is_a_name_gets_a_link_instead(marketer, settings):
    settings.TWILIO_FROM = "Acme"
    page = marketer.get(wording(texting(en="Hello"), "preview", language="en")).content.decode()
    assert "Reply STOP" not in page
    assert f"Opt out: {settings.PUBLIC_BASE_URL}/u/" in page


def test_an_sms_is_written_in_the_editor(marketer):
    campaign = texting(en="Hello")
    assert 'name="text"' in marketer.get(wording(campaign)).content.decode()

    marketer.post(wording(campaign, language="ro"), {"text": "Bună ziua"})

    campaign.refresh_from_db()
    step = campaign.draft_version.definition["steps"][1]
    assert step["variants"]["a"]["content"]["ro"] == {"text": "Bună ziua"}


def test_a_live_channel_without_a_sender_blocks_the_launch(settings):
    settings.TWILIO_FROM = settings.TWILIO_MESSAGING_SERVICE_SID = ""
    found = check.check_campaign(campaign=texting(en="Hello"), now=make.NOW)
    assert ("BLOCKER", "sms_sender_missing") in [(one.level, one.code) for one in found]


def test_without_a_key_the_review_says_that_texts_stay_here(settings):
    settings.TWILIO_AUTH_TOKEN = ""
    found = check.check_campaign(campaign=texting(en="Hello"), now=make.NOW)
    assert ("WARNING", "outbox", "sms-1") in [(one.level, one.code, one.step) for one in found]


def test_the_parts_are_told_with_what_they_cost_the_audience(marketer, settings):
    Contact.objects.update(phone="+972501234567")
    settings.SMS_SEGMENT_PRICES = {"": Decimal("0.10"), "+972": Decimal("0.04")}
    campaign = texting(en=LONG)
    cost = "At this length it costs at most $0.08 for the 1 person of the audience who would read it."
    assert cost in review_of(marketer, campaign)
    assert f"It goes out in 2 parts, and each part is paid for. {cost}" in words_of(marketer.get(wording(campaign)))
    settings.SMS_SEGMENT_PRICES = {}
    assert "costs at most" not in review_of(marketer, campaign)


def test_each_part_is_paid_for_at_the_price_of_its_number(settings):
    settings.SMS_SEGMENT_PRICES = {"": Decimal("0.10"), "+972": Decimal("0.04")}
    members = [Member(Contact(phone=phone, locale="en"), Account()) for phone in ("+972501", "+40721", "")]
    told = sms_cost.words(segments=2, locale="en", available={"en": {}}, audience=Cast(members, is_whole=True))
    assert told == "At this length it costs at most $0.28 for the 2 people of the audience who would read it."
