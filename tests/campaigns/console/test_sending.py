"""The page about sending itself: what it says, what its buttons do, and who may press them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.delivery import breaker, dispatch, pace, spend
from campaigns.delivery.models import ChannelHealth, DailySpend, SendRate
from campaigns.operations.models import AuditEntry, SendSwitch
from orchestrator import clock
from orchestrator.jobs import bells
from tests.campaigns.console.reading import words_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/studio/sending/"
RATE, SWITCH = f"{PAGE}rate/", f"{PAGE}switch/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def live(settings):
    """Providers with keys; nothing is asked of them."""
    settings.SENDGRID_API_KEY = "SG.key"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC0", "token"
    settings.TWILIO_FROM, settings.TWILIO_SEGMENTS_PER_S = "+15005550006", 3


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    heard: list[str] = []
    monkeypatch.setattr(bells, "ring", heard.append)
    return heard


def health(**fields):
    return ChannelHealth.objects.create(channel="email", **fields)


def test_without_keys_nothing_leaves_and_nothing_is_to_be_slowed_down(marketer):
    words = words_of(marketer.get(PAGE))

    assert "E-mail Outbox only Its provider is not connected: nothing leaves this machine." in words
    assert "No provider has a key yet: there is nothing to slow down." in words
    assert "There is no daily budget" in words


def test_a_provider_that_answers_is_told_with_its_last_answer(live, marketer):
    health(answered_at=clock.wall_now())

    words = words_of(marketer.get(PAGE))

    assert "E-mail Answers well Last good answer:" in words
    assert "SMS Not used yet" in words
    assert "Try again now" not in words


def test_one_that_is_held_back_says_why_since_when_and_can_be_tried(live, marketer, rung):
    now = clock.wall_now()
    health(failures=12, failed_at=now, opened_at=now - 9 * MINUTE, probes=4, probe_at=now + MINUTE, code="503")
    assert not breaker.take_probe(channel="email", wall_now=now)

    words = words_of(marketer.get(PAGE))
    response = marketer.post(f"{PAGE}email/try/", follow=True)

    assert "E-mail Held back since" in words
    assert "It failed 12 times in a row, last with “503”." in words
    assert "The next message that is due is tried at once." in words_of(response)
    assert rung == ["messages_due"]
    assert breaker.take_probe(channel="email", wall_now=clock.wall_now())
    assert breaker.read(channel="email", wall_now=now).is_open
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == ("maria", "channel.retried", "channel:email")


def test_one_that_asked_to_wait_goes_on_when_a_person_says_so(live, marketer):
    now = clock.wall_now()
    health(answered_at=now, paused_until=now + 10 * MINUTE)
    assert "E-mail Waits The provider asked to wait; 10 minutes are left." in words_of(marketer.get(PAGE))

    marketer.post(f"{PAGE}email/try/")

    assert breaker.read(channel="email", wall_now=now).paused_until is None


def test_what_is_not_held_back_cannot_be_tried(live, marketer, rung):
    health(answered_at=clock.wall_now())

    response = marketer.post(f"{PAGE}email/try/", follow=True)

    assert "this channel is not held back any more" in words_of(response)
    assert (rung, AuditEntry.objects.count()) == ([], 0)


def test_what_was_spent_stands_beside_the_budget(live, marketer, settings):
    settings.SMS_DAILY_SEGMENTS, settings.SMS_DAILY_SPEND = 1000, Decimal(80)
    today = spend.day_of(clock.utcnow())
    DailySpend.objects.create(channel="sms", day=today, segments=400, amount=Decimal(40))
    yesterday = DailySpend(channel="sms", day=today - timedelta(days=1), segments=1000, amount=Decimal(75))
    yesterday.stopped_at = clock.utcnow() - timedelta(days=1)
    yesterday.save()

    words = words_of(marketer.get(PAGE))

    assert "400 of 1,000 segments today · $40" in words
    assert "of $80" in words
    assert "50 %" in words
    assert "1,000 $75" in words
    assert DailySpend.objects.count() == 2


def test_segments_whose_price_is_not_known_have_no_cost(live, marketer, settings):
    settings.SMS_DAILY_SEGMENTS, settings.SMS_DAILY_SPEND, settings.SMS_SEGMENT_PRICES = 0, None, {}
    DailySpend.objects.create(channel="sms", day=spend.day_of(clock.utcnow()), segments=30)

    words = words_of(marketer.get(PAGE))

    assert "30 segments today There is no daily budget" in words
    assert "What a segment costs is not known" in words
    assert "$0" not in words


def test_times_say_whose_they_are(live, marketer, settings):
    settings.SENDER_TIME_ZONE = "Asia/Jerusalem"
    stopped = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)
    day = spend.day_of(clock.utcnow())
    DailySpend.objects.create(channel="sms", day=day, segments=9, amount=1, stopped_at=stopped)

    words = words_of(marketer.get(PAGE))

    assert "How providers answer Times of UTC" in words
    assert "Days of Asia/Jerusalem" in words
    assert "15:05" in words


def test_a_rate_set_here_holds_for_every_worker_until_it_is_emptied(live, marketer, settings):
    sender = "twilio:+15005550006"

    marketer.post(RATE, {"sender": sender, "per_s": "7"})
    assert pace.rate_of(sender=sender, configured=3.0) == 7.0
    assert dispatch._sender("sms").per_s == 7.0
    assert 'value="7"' in marketer.get(PAGE).content.decode()

    marketer.post(RATE, {"sender": sender, "per_s": "0"})
    assert dispatch._sender("sms").paced is None

    marketer.post(RATE, {"sender": sender, "per_s": ""})
    assert dispatch._sender("sms").per_s == 3.0
    changes = AuditEntry.objects.order_by("pk").values_list("before__per_s", "after__per_s")
    assert list(changes) == [(None, 7), (7, 0), (0, None)]


def test_a_rate_slows_down_a_sender_that_the_settings_do_not(live, marketer, settings):
    settings.SENDGRID_REQUESTS_PER_S = 0
    assert dispatch._sender("email").paced is None

    marketer.post(RATE, {"sender": "sendgrid", "per_s": "20"})

    assert dispatch._sender("email").per_s == 20.0


@pytest.mark.parametrize(
    "given",
    [{"sender": "sendgrid", "per_s": "-1"}, {"sender": "sendgrid", "per_s": "x"}, {"sender": "no", "per_s": "1"}],
)
def test_a_rate_that_is_none_changes_nothing(live, marketer, given):
    response = marketer.post(RATE, given, follow=True)

    assert "Nothing was changed: a rate is a whole number from 0 to 10,000." in words_of(response)
    assert not SendRate.objects.exists()


def test_everything_is_switched_off_and_on_with_a_reason(marketer, rung):
    marketer.post(SWITCH, {"to": "off", "reason": "wrong price"})

    words = words_of(marketer.get(PAGE))
    assert "Sending is switched off" in words
    assert "Switched off by maria," in words
    assert "wrong price" in words
    assert not SendSwitch.objects.get().is_on

    marketer.post(SWITCH, {"to": "on"})
    assert SendSwitch.objects.get().is_on
    assert rung == ["messages_due"]


@pytest.mark.parametrize("path", [SWITCH, RATE, f"{PAGE}email/try/"])
def test_who_may_only_look_sees_no_buttons_and_changes_nothing(live, onlooker, path):
    health(failures=12, opened_at=clock.wall_now(), code="503")

    page = onlooker.get(PAGE)
    response = onlooker.post(path, {"to": "off", "sender": "sendgrid", "per_s": "1"})

    assert (page.status_code, response.status_code) == (200, 403)
    assert "Held back" in words_of(page)
    assert "<button" not in page.content.decode().partition('class="cr-main"')[2].partition('class="cr-toasts"')[0]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("path", [SWITCH, RATE, f"{PAGE}email/try/"])
def test_looking_at_an_act_is_not_doing_it(marketer, path):
    assert marketer.get(path).status_code == 405


def test_home_leads_here_when_a_provider_fails(live, marketer):
    health(failures=12, opened_at=clock.wall_now(), code="503")

    assert f'href="{PAGE}"' in marketer.get("/admin/studio/").content.decode().partition('id="needs"')[2]


@pytest.mark.parametrize("model", ["channelhealth", "dailyspend", "sendrate"])
def test_the_rows_can_be_looked_up_among_all_data(marketer, model):
    health(answered_at=clock.wall_now())
    assert marketer.get(f"/admin/delivery/{model}/").status_code == 200
    assert marketer.get(f"/admin/delivery/{model}/add/").status_code == 403


def test_days_and_times_are_written_as_everywhere(marketer):
    marketer.post(SWITCH, {"to": "off"})
    words = words_of(marketer.get(PAGE))
    assert re.search(r"Switched off by maria, \d\d:\d\d\. ", words)
    assert not re.search(r"\d\d/\d\d/\d{4}", words)
