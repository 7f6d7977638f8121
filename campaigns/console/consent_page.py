"""What the page of consent shows of the noes of the last days: per channel and topic, and the ways they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.consent import noes
from campaigns.consent.models import ConsentTopic, channel_names
from campaigns.consent.noes import Noes
from campaigns.console import contact_words
from campaigns.console.templatetags.console import count

DAYS = 30


@dataclass(frozen=True, slots=True)
class Line:
    """People per channel and topic, with the ways they came, the most frequent first."""

    channel: str
    topic: str
    people: int
    ways: list[tuple[str, int]]


def recent_noes(*, language: str, now: datetime) -> dict[str, object]:
    since = now - timedelta(days=DAYS)
    people = noes.people_who_said_no(since=since)
    topics = {topic.slug: topic.name_in(language) for topic in ConsentTopic.objects.all()}
    words = ngettext(
        "%(n)s person said no to something in the last %(days)d days.",
        "%(n)s people said no to something in the last %(days)d days.",
        people,
    )
    none = _("Nobody has said no in the last %(days)d days.") % {"days": DAYS}
    return {
        "said": words % {"n": count(people), "days": DAYS} if people else none,
        "lines": make_lines(counted=noes.count_noes(since=since), topics=topics),
    }


def make_lines(*, counted: Iterable[Noes], topics: Mapping[str, str]) -> list[Line]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in counted:
        found.setdefault((one.channel, one.topic), Counter())[contact_words.way_words(one.source)] += one.people
    names = dict(channel_names())
    lines = [
        Line(
            str(names.get(channel, channel)),
            topics.get(topic, topic) if topic else _("All offers and news"),
            sum(ways.values()),
            ways.most_common(),
        )
        for (channel, topic), ways in found.items()
    ]
    return sorted(lines, key=lambda line: (-line.people, line.channel, line.topic))
