"""What the gallery's pages show: a card for each situation; of one its messages, why they are written so, its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.console import (
    campaign_words,
    gallery,
    gallery_samples,
    gallery_start,
    marking,
    message_preview,
    preview_panel,
    skeleton,
    variables,
)
from campaigns.console.gallery import Situation, Texts
from campaigns.console.preview_panel import Choice
from campaigns.sequences import wording
from campaigns.sequences.step_file import LOCALES
from orchestrator.templating.mjml import direction


@dataclass(frozen=True, slots=True)
class Card:
    situation: Situation
    words: Texts
    channels: list[tuple[str, str]]
    url: str
    frame_url: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A word from data that the texts use; `is_needed`: without it the message is not sent."""

    title: str
    name: str
    is_needed: bool


@dataclass(frozen=True, slots=True)
class View:
    """The message that is shown, and the ways to look at it."""

    channel: str
    locale: str
    screen: str
    subject: SafeString
    frame_url: str
    channels: list[Choice]
    locales: list[Choice]
    screens: list[Choice]

    @property
    def direction(self) -> str:
        return direction(self.locale)


def cards() -> list[Card]:
    return [
        Card(
            situation=one,
            words=gallery_start.words_of(one),
            channels=[
                (campaign_words.CHANNEL_ICONS[channel], campaign_words.channel_name(channel)) for channel in _used(one)
            ],
            url=reverse("admin:studio-template", args=[one.slug]),
            frame_url=frame_url(situation=one, channel="email", locale=spoken(), screen="mobile"),
        )
        for one in gallery.all_situations()
    ]


def view(*, situation: Situation, asked: Mapping[str, str], now: datetime, page: str = "") -> View:
    """`asked` is the query: template, channel, language, screen. `page`: where its links lead, else the situation's."""
    channel = asked["channel"] if asked.get("channel") in gallery.CHANNELS else "email"
    locale = asked["language"] if asked.get("language") in LOCALES else spoken()
    screens = message_preview.screens_of(channel)
    screen = asked["screen"] if asked.get("screen") in screens else message_preview.DESKTOP
    base = {"channel": channel, "language": locale, "screen": screen} | ({"template": situation.slug} if page else {})
    page = page or reverse("admin:studio-template", args=[situation.slug])

    def link(**changes: str) -> str:
        return f"{page}?{urlencode(base | changes)}#preview"

    texts = texts_of(situation=situation, channel=channel, locale=locale)
    facts = gallery_samples.full(situation=situation, locale=locale, now=now)
    return View(
        channel=channel,
        locale=locale,
        screen=screen,
        subject=marking.line_of(source=texts.get("subject") or texts.get("title", ""), facts=facts, locale=locale),
        frame_url=frame_url(situation=situation, channel=channel, locale=locale, screen=screen),
        channels=[
            Choice(
                campaign_words.channel_name(one), link(channel=one), one == channel, campaign_words.CHANNEL_ICONS[one]
            )
            for one in gallery.CHANNELS
        ],
        locales=[Choice(campaign_words.own_name(one), link(language=one), one == locale, lang=one) for one in LOCALES],
        screens=[
            Choice(name, link(screen=one), one == screen, icon)
            for one in screens
            for name, icon in [preview_panel.screen_name(one)]
        ],
    )


def document_of(*, situation: Situation, channel: str, locale: str, screen: str, now: datetime) -> str:
    """The frame's document: the message for a made-up reader."""
    return message_preview.page_of(
        channel=channel,
        texts=texts_of(situation=situation, channel=channel, locale=locale),
        locale=locale,
        facts=gallery_samples.full(situation=situation, locale=locale, now=now),
        screen=screen,
        marketing=True,
    )


def texts_of(*, situation: Situation, channel: str, locale: str) -> dict[str, str]:
    """As delivery takes them, about what the example counts."""
    unit = gallery_samples.unit_of(situation)
    content = gallery.content(situation=situation, channel=channel, unit=unit, sender=skeleton.sender_name())
    return wording.delivery_content(channel=channel, content=content, has_offer=situation.has_offer)[locale]


def facts_of(situation: Situation) -> list[Fact]:
    titles = {one.name: one.title for one in variables.list_variables(has_offer=True, facts={})}
    names = [*((name, True) for name in situation.needs), *((name, False) for name in situation.helps)]
    return [Fact(titles.get(name, ""), name, is_needed) for name, is_needed in names]


def steps_of(situation: Situation) -> list[tuple[str, str]]:
    """(icon, words) in the order of the file; the lane for "no" follows its question."""
    messages: Sequence[Mapping[str, Any]] = [step for step in situation.steps if step["kind"] == "MESSAGE"]
    channels = {step["key"]: step["channel"] for step in messages}
    numbers = {step["key"]: place for place, step in enumerate(situation.steps, start=1)}
    found = []
    for step in situation.steps:
        if step["kind"] == "MESSAGE":
            found.append((campaign_words.CHANNEL_ICONS[step["channel"]], campaign_words.channel_name(step["channel"])))
        elif step["kind"] == "WAIT":
            found.append(("clock", campaign_words.wait_words(step["for"])))
        elif step["kind"] == "BRANCH":
            question = campaign_words.question_words(step, channels, numbers)
            found.append(("branch", _("%(question)s Yes: the end. No: goes on.") % {"question": question}))
    return found


def frame_url(*, situation: Situation, channel: str, locale: str, screen: str) -> str:
    page = reverse("admin:studio-template-preview", args=[situation.slug, channel])
    return f"{page}?{urlencode({'language': locale, 'screen': screen})}"


def spoken() -> str:
    found = (get_language() or "en").split("-")[0]
    return found if found in LOCALES else "en"


def _used(situation: Situation) -> list[str]:
    """The channels of its steps, in their order."""
    return list(dict.fromkeys(step["channel"] for step in situation.steps if step["kind"] == "MESSAGE"))
