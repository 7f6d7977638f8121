"""A message seen as one real person: the same that would be sent, on every screen, with what to look out for."""

from __future__ import annotations

import html
import re

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.urls import reverse

from campaigns.consent.models import ContactPoint
from campaigns.delivery import claim, dispatch
from campaigns.delivery.models import InAppMessage, Message
from campaigns.sequences import launch
from campaigns.sequences.models import Campaign
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.memory import MemoryChannel
from tests.campaigns.console.previewing import MAIL, TEXTS, drafted, frame, reader, url
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

HEBREW = {"text": "שלום {{ contact.first_name }}, נותרו {{ evidence.value }} מושבים"}


@pytest.fixture(autouse=True)
def at_launch_day(settings):
    settings.SENDGRID_API_KEY = ""
    settings.CHANNELS = {**settings.CHANNELS, "sms": "orchestrator.channels.memory.MemoryChannel"}
    registry.outbox("email").clear()
    text_messages().clear()
    make.market()
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def dana():
    return reader("Dana", "Levi", account="Galil & Sons")


# the same as what is sent


def sent(campaign, channel):
    """What dispatch hands to the channel: (subject, html, text)."""
    launch.launch(campaign=campaign, by="tests", now=make.NOW)
    claim.make_ready(now=make.NOW, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel=channel, now=make.NOW, worker="tests", seconds=5)
    if channel == "in_app":
        return "", InAppMessage.objects.get().html, ""
    box = registry.outbox("email") if channel == "email" else text_messages()
    (message,) = box.sent
    return message.subject, message.html, message.text


def text_messages() -> MemoryChannel:
    channel = registry.get("sms")
    assert isinstance(channel, MemoryChannel)
    return channel


def inside(pattern: str, document: str) -> str:
    found = re.search(pattern, document, re.DOTALL)
    assert found is not None
    return found[1]


def unmarked(shown):
    """The preview’s HTML without its marks."""
    return re.sub(r'<span style="background:rgb\(43 81 196 / \.13\)[^"]*">(.*?)</span>', r"\1", shown, flags=re.DOTALL)


def disarmed(real, settings):
    """A message's HTML with its own links as the preview has them: they lead nowhere."""
    own = re.escape(settings.PUBLIC_BASE_URL) + r'/[upvc]/[^"]*'
    real = re.sub(rf'(<a\b[^>]*?)\shref="{own}"', r'\1 role="link" aria-disabled="true"', real)
    return re.sub(r'(<a\b[^>]*?\shref="https://acme[^"]*")', r'\1 target="_blank" rel="noopener noreferrer"', real)


def without_tokens(text, settings):
    return re.sub(re.escape(settings.PUBLIC_BASE_URL) + r"/(\w)/[\w.:-]+", r"/\1/…", text)


def test_the_mail_in_the_frame_is_the_mail_that_dispatch_hands_over(dana, marketer, settings):
    campaign = drafted()
    shown = frame(marketer, campaign, contact=dana.pk)
    plain = html.unescape(inside(r'<p class="text">(.*)</p>', frame(marketer, campaign, screen="text")))
    head = marketer.get(url(campaign, "")).context["panel"].subject
    subject, real, text = sent(campaign, "email")
    assert "Dana &amp; Galil &amp; Sons: 9, Team 99.00" in real
    assert unmarked(shown) == disarmed(real, settings)
    assert without_tokens(re.sub(r"</?span[^>]*>", "", plain), settings) == without_tokens(text, settings)
    assert html.unescape(re.sub(r"</?span[^>]*>", "", head)) == subject


def test_the_text_message_in_the_bubble_is_what_dispatch_hands_over(dana, marketer, settings):
    campaign = drafted("sms")
    shown = inside(r'<p class="bubble">(.*?)</p>', frame(marketer, campaign))
    _, _, text = sent(campaign, "sms")
    assert "Reply STOP" in text or "/u/" in text
    assert without_tokens(html.unescape(unmarked(shown)), settings) == without_tokens(text, settings)


def test_the_in_app_message_in_the_picture_is_what_the_feed_carries(dana, marketer, settings):
    campaign = drafted("in_app")
    shown = inside(r'<section class="box">(.*?)<button', frame(marketer, campaign))
    _, real, _ = sent(campaign, "in_app")
    assert unmarked(shown).replace(' class="button"', "") == disarmed(real, settings)


# as whom


def test_without_anybody_the_values_are_made_up(marketer):
    response = marketer.get(url(drafted(), ""))
    assert "The preview shows made-up values." in words_of(response)
    assert "Send me a test" not in words_of(response)
    assert "Noa" in frame(marketer, drafted())


# what to look out for


def remarks(client, campaign, **query):
    return [(one.tone, one.words) for one in client.get(url(campaign, "", **query)).context["panel"].remarks]


def test_a_missing_value_is_told(dana, marketer):
    campaign = drafted(texts={"subject": "{{ evidence.attempts }}", "mjml": make.MJML.format("Hi")})
    assert remarks(marketer, campaign) == [
        (
            "warn",
            "Dana would not get this message: evidence.attempts has no value here. "
            'Give it a fallback: {{ evidence.attempts | default: "…" }}.',
        )
    ]


def test_a_language_without_text_is_told(marketer):
    reader("Ion", "Pop", account="Moga", locale="ro")
    words = "Ion reads Romanian, and there is no text in it: the message goes out in English."
    assert remarks(marketer, drafted()) == [("warn", words)]


def test_another_language_than_theirs_is_told(marketer):
    reader("Ion", "Pop", account="Moga", locale="en-GB")
    campaign = drafted("sms", en={"text": "Hi"}, he=HEBREW)
    assert ("info", "Ion gets it in English, not as shown here.") in remarks(marketer, campaign, language="he")
    assert remarks(marketer, campaign) == []


def test_a_long_subject_is_told_by_its_length_once_filled_in(dana, marketer):
    campaign = drafted(texts={"subject": "{{ account.name }}" + "!" * 49, "mjml": make.MJML.format("Hi")})
    words = "The subject has 61 characters: mail programs cut it off after about 60, phones sooner."
    assert remarks(marketer, campaign) == [("warn", words)]


def test_somebody_the_channel_does_not_reach_is_told(dana, marketer):
    steps = [
        {"key": "mail", "kind": "MESSAGE", "channel": "email", "variants": {"a": {"content": {"en": TEXTS["email"]}}}},
        {"key": "text", "kind": "MESSAGE", "channel": "sms", "variants": {"a": {"content": {"en": {"text": "Hi"}}}}},
    ]
    campaign = make.drafted(steps=steps)
    assert remarks(marketer, campaign, step="text") == []
    ContactPoint.objects.filter(channel="sms").update(topics={"offers": "WITHDRAWN"})
    words = "Dana wants no SMS: this step is skipped for them."
    assert remarks(marketer, campaign, step="text") == [("warn", words)]


def test_where_an_in_app_message_waits_is_told(dana, marketer):
    place = {"kind": "modal", "page": "/team*", "feature": "sso"}
    assert remarks(marketer, drafted("in_app", texts=TEXTS["in_app"] | place)) == [
        ("info", "It waits until somebody tries the feature sso."),
        ("info", "It shows only on the page /team*."),
    ]


# on which screen


def test_the_bubble_counts_parts_after_the_values_are_in(dana, marketer):
    campaign = drafted("sms", en={"text": "Hi {{ account.name }}, reply STOP"}, he={"text": HEBREW["text"] * 3})
    words = words_of(marketer.get(url(campaign, language="en")))
    assert "1 part · 27 characters" in words
    assert "133 more fit into this part" in words
    assert "Plain Latin letters (GSM-7): 160 in one part" in words
    words = words_of(marketer.get(url(campaign, language="he")))
    assert re.search(r"2 parts · \d+ characters \d+ more fit into the last part", words)
    assert "UCS-2" in words


def test_a_dark_mail_is_turned_round_and_says_so(dana, marketer):
    campaign = drafted()
    assert "invert(.92)" in frame(marketer, campaign, screen="dark")
    assert "invert(" not in frame(marketer, campaign)
    assert remarks(marketer, campaign, screen="dark") == [
        ("info", "Mail programs darken each in their own way. This is about the most they change.")
    ]


def test_a_mail_with_dark_colours_of_its_own_shows_them(dana, marketer):
    style = "<mj-head><mj-style>@media (prefers-color-scheme: dark) { body { background: #111 } }</mj-style></mj-head>"
    campaign = drafted(texts={"subject": "Hi", "mjml": MAIL.replace("<mj-body>", f"{style}<mj-body>")})
    shown = frame(marketer, campaign, screen="dark")
    assert "@media (min-width:0)" in shown
    assert "invert(" not in shown
    assert remarks(marketer, campaign, screen="dark") == []


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [
        ("banner", '<section class="box">'),
        ("tooltip", '<span class="anchor">#seats</span>'),
        ("modal", '<dialog class="box" open>'),
    ],
)
def test_an_in_app_message_is_drawn_as_what_it_is_in_the_scripts_own_style(dana, marketer, kind, drawn):
    place = {"kind": kind, **({"anchor": "#seats"} if kind == "tooltip" else {})}
    shown = frame(marketer, drafted("in_app", texts=TEXTS["in_app"] | place))
    assert f'<crescendo-message data-kind="{kind}" data-theme="light"' in shown
    assert drawn in shown
    assert ":host([data-kind=banner]) .box" in shown
    assert 'class="button"' in shown


def test_every_screen_keeps_the_frames_policy(dana, marketer):
    for channel in TEXTS:
        campaign = drafted(channel)
        for screen in ("desktop", "mobile", "dark", "text"):
            response = marketer.get(url(campaign, language="en", screen=screen))
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "sandbox allow-popups" in policy
            assert "<script" not in response.content.decode().lower()


# a test of one's own


def test_a_person_beyond_the_first_twenty_can_be_tried_too(marketer):
    people = [reader(f"P{number:02}", "Levi", account=f"A{number:02}", phone="") for number in range(21)]
    campaign = drafted()
    page = url(campaign, "test", contact=people[20].pk)
    answers = {"address": "joe@acme.example", "contact": people[20].pk, "language": "en", "confirmed": "on"}
    response = marketer.post(page, answers, follow=True)
    assert "The test is on its way to joe@acme.example." in words_of(response)
    assert response.context["panel"].person.contact == people[20]
    assert Message.objects.get().contact == people[20]


def test_who_may_only_look_is_not_offered_a_test(dana, onlooker):
    assert "Send me a test" not in words_of(onlooker.get(url(drafted(), "")))


def test_the_launch_review_leads_to_one_of_them(dana, marketer):
    response = marketer.get(reverse("admin:studio-campaign-launch", args=[drafted().slug]))
    assert "See it as one of them" in words_of(response)


def test_a_launched_campaign_is_seen_as_those_inside(dana, marketer):
    campaign = drafted()
    launch.launch(campaign=campaign, by="tests", now=make.NOW)
    panel = marketer.get(url(campaign, "")).context["panel"]
    assert (panel.person.contact, panel.viewers.position) == (dana, "1 of 1")
    assert Campaign.objects.get().status == "LIVE"


@pytest.mark.parametrize("name", ["", "preview"])
def test_who_may_not_see_people_sees_the_message_with_made_up_values(dana, onlooker, name):
    campaign = drafted()

    response = onlooker.get(url(campaign, name, contact=dana.pk))

    assert response.status_code == 200
    for personal in ("Dana", "Levi", "Galil"):
        assert personal not in response.content.decode()


def test_who_may_see_people_sees_them_in_the_preview_without_changing_anything(dana, onlooker, django_user_model):
    guy = django_user_model.objects.get(username="guy")
    guy.user_permissions.add(Permission.objects.get(codename="view_contact"))

    assert "Dana" in onlooker.get(url(drafted(), "")).content.decode()
