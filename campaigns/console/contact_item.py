"""A line of a contact's timeline, and what the lines of a page are told from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from django.utils.translation import get_language

from campaigns.consent.models import ConsentRecord
from campaigns.consent.selectors import ChannelState
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.profiles.models import Contact
from campaigns.sequences.models import Campaign


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line: a bold beginning, the rest of its sentence, what the message said, and below it meta and a reason."""

    at: datetime
    icon: str
    head: str
    tone: str = ""
    rest: str = ""
    quote: str = ""
    variant: str = ""
    campaign: Link | None = None
    step: str = ""
    meta: str = ""
    link: Link | None = None
    reason: str = ""
    reason_icon: str = "info"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the items of one page are told from. `followed`: messages of campaigns in which more is to come."""

    contact: Contact
    now: datetime
    zone: tzinfo
    messages: Mapping[int, Message] = field(default_factory=dict)
    headlines: Mapping[int, str] = field(default_factory=dict)
    attempts: Mapping[int, DeliveryAttempt] = field(default_factory=dict)
    reports: Mapping[int, str] = field(default_factory=dict)
    replies: Mapping[tuple[int, datetime], str] = field(default_factory=dict)
    spenders: Mapping[int, list[Message]] = field(default_factory=dict)
    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    noes: Sequence[ConsentRecord] = ()
    states: Mapping[str, ChannelState] = field(default_factory=dict)
    followed: Collection[int] = ()
    is_sending_on: bool = True

    def topic_name(self, slug: str) -> str:
        for state in self.states.values():
            for one in state.topics:
                if one.topic.slug == slug:
                    return one.topic.name_in((get_language() or "en")[:2])
        return slug


def sentence(words: str) -> str:
    """With its end, for another may follow: what a provider says comes with or without one."""
    return words if not words or words[-1] in ".!?…" else f"{words}."
