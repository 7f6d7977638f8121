"""The preference page: what stands on it, what a posted form asks for, and what came of it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from babel.dates import format_date
from django.utils import translation
from django.utils.translation import gettext

from campaigns.consent import preferences
from campaigns.consent.models import ContactPoint
from campaigns.consent.preferences import Box, Change
from campaigns.consent.selectors import ChannelState
from campaigns.public import pages
from orchestrator.templating import word_lists

# Grows with every change of what the page says or how it asks: evidence names it.
VERSION = 2
SHOWN = "shown."
_ON, _OFF = "on", "off"
# Nobody is asked about a colleague's call or what another system hears; it stops with everything, and comes back when
# that is undone.
UNASKED = ("csm_task", "webhook")


@dataclass(frozen=True, slots=True)
class BoxView:
    """One checkbox, or why there is none: `is_dead` where the address itself gets nothing."""

    name: str
    channel: str
    label: str
    is_on: bool
    is_dead: bool = False

    @property
    def shown_name(self) -> str:
        return f"{SHOWN}{self.name}"

    @property
    def shown_value(self) -> str:
        return _ON if self.is_on else _OFF


@dataclass(frozen=True, slots=True)
class TopicView:
    slug: str
    name: str
    description: str
    boxes: list[BoxView] = field(default_factory=list)
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class ChannelNote:
    """What a person must know about a whole channel; `can_undo` where they may take back their own no."""

    channel: str
    words: str
    can_undo: bool = False
    button: str = ""
    is_dead: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """The fields of a form that puts back what was just changed."""

    fields: list[tuple[str, str]]


def topics_of(*, states: Sequence[ChannelState], language: str) -> list[TopicView]:
    """Every topic with its boxes on the channels that reach the contact; what is no marketing comes last, fixed."""
    views: dict[str, TopicView] = {}
    with translation.override(language):
        for state in states:
            for one in state.topics:
                view = views.setdefault(
                    one.topic.slug,
                    TopicView(
                        slug=one.topic.slug,
                        name=one.topic.name_in(language),
                        description=one.topic.description_in(language),
                        is_fixed=not one.topic.is_marketing,
                    ),
                )
                name = f"{one.topic.slug}.{state.channel}"
                view.boxes.append(BoxView(name, state.channel, _label(state.channel), one.is_on, state.is_dead))
    return list(views.values())


def addresses_of(*, states: Sequence[ChannelState]) -> list[str]:
    """Masked: enough for the person to know them by."""
    return [pages.mask_address(state.address) for state in states if state.channel != "in_app"]


def notes_of(*, states: Sequence[ChannelState], language: str) -> list[ChannelNote]:
    with translation.override(language):
        return [note for state in states if (note := _note(state, language)) is not None]


def wanted_of(*, form: Mapping[str, str], states: Sequence[ChannelState]) -> dict[Box, bool]:
    """What the form asks for. A box that was not ticked is a no.

    The page says for each box how it was shown; only what the person changed since counts, so that an old page does
    not bring back what was stopped elsewhere. A form without those fields, from a script, means every box.
    """
    boxes = [(one.topic.slug, state.channel) for state in states for one in state.topics if one.topic.is_marketing]
    topics = [slug for slug, channel in boxes if channel == "in_app"]
    boxes += [(slug, channel) for slug in topics for channel in UNASKED if f"{SHOWN}{slug}.{channel}" in form]
    is_page = any(name.startswith(SHOWN) for name in form)
    wanted: dict[Box, bool] = {}
    for slug, channel in boxes:
        name = f"{slug}.{channel}"
        is_ticked = name in form
        shown = form.get(f"{SHOWN}{name}")
        if not is_page or (shown is not None and is_ticked != (shown == _ON)):
            wanted[slug, channel] = is_ticked
    return wanted


def shown_evidence(*, topics: Sequence[TopicView]) -> list[dict[str, object]]:
    """What the person had before their eyes, in their language, for the record."""
    return [
        {"topic": topic.slug, "name": topic.name, "on": [box.channel for box in topic.boxes if box.is_on]}
        for topic in topics
        if not topic.is_fixed
    ]


def told(*, changes: Sequence[Change], topics: Sequence[TopicView], language: str) -> list[str]:
    """One sentence per topic and direction: what comes no more, what comes from now on."""
    names = {topic.slug: topic.name for topic in topics}
    shown = [change for change in changes if change.channel not in UNASKED]
    with translation.override(language):
        sentences = []
        for slug in dict.fromkeys(change.topic for change in shown):
            for is_on in (False, True):
                channels = [one.channel for one in shown if one.topic == slug and one.is_on == is_on]
                if channels:
                    sentences.append(_sentence(names.get(slug, slug), channels, language, is_on=is_on))
        return sentences


def undo_of(*, changes: Sequence[Change]) -> Undo | None:
    """None where nothing was changed."""
    if not changes:
        return None
    fields = []
    for change in changes:
        name = f"{change.topic}.{change.channel}"
        fields.append((f"{SHOWN}{name}", _ON if change.is_on else _OFF))
        if not change.is_on:
            fields.append((name, _ON))
    return Undo(fields)


def day(value: date, language: str) -> str:
    """Day before month in every language: 6 December 2026."""
    return str(format_date(value, format="long", locale="en_GB" if language == "en" else language))


def _label(channel: str) -> str:
    return {"email": gettext("E-mail"), "sms": gettext("SMS"), "in_app": gettext("In-app")}.get(channel, channel)


def _by(channel: str) -> str:
    names = {"email": gettext("e-mail"), "sms": gettext("SMS"), "in_app": gettext("messages in the product")}
    return names.get(channel, channel)


def _sentence(topic: str, channels: Sequence[str], language: str, *, is_on: bool) -> str:
    words = {"topic": topic, "channels": word_lists.join([_by(one) for one in channels], language=language)}
    if is_on:
        return gettext("You now get “%(topic)s” by %(channels)s.") % words
    return gettext("No more “%(topic)s” by %(channels)s.") % words


def _note(state: ChannelState, language: str) -> ChannelNote | None:
    point = state.point
    if not point.is_blocked:
        return None
    can_undo = bool(preferences.before_the_block(state=state))
    words = {"address": pages.mask_address(state.address), "day": _blocked_on(point, language)}
    button = {
        "email": gettext("Get e-mail again"),
        "sms": gettext("Get SMS again"),
        "in_app": gettext("Get messages in the product again"),
    }.get(state.channel, "")
    if point.gets_nothing and point.reason != ContactPoint.Reason.ERASED:
        said = gettext(
            "What we send to %(address)s comes back, so nothing goes there any more. "
            "Tell us another address, in the product or in a reply."
        )
        return ChannelNote(state.channel, said % words, is_dead=True)
    if point.reason == ContactPoint.Reason.ERASED:
        said = gettext("%(address)s was erased. Nothing goes there.")
        return ChannelNote(state.channel, said % words, is_dead=True)
    if point.reason == ContactPoint.Reason.COMPLAINED:
        said = gettext("A message to %(address)s was reported as unwanted on %(day)s, so offers and news stopped.")
        return ChannelNote(state.channel, said % words, can_undo=can_undo, button=button)
    said = {
        "email": gettext("You stopped all offers and news by e-mail on %(day)s."),
        "sms": gettext("You stopped all offers and news by SMS on %(day)s."),
    }.get(state.channel, gettext("You stopped all offers and news in the product on %(day)s."))
    return ChannelNote(state.channel, said % words, can_undo=can_undo, button=button)


def _blocked_on(point: ContactPoint, language: str) -> str:
    return day(point.blocked_at.date(), language) if point.blocked_at else "–"
