"""Who clicked: a person, or a mail gateway that opens every link before it lets the mail through.

The grade of a click is decided from the set of reports about its message, in whatever order they came. Until a delivery
is known it is mostly UNKNOWN, on which nothing rests; more reports only turn a person's into a scanner's, never back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.channels.events import Grade

TOO_SOON = timedelta(seconds=10)
BURST = timedelta(seconds=2)
BURST_LINKS = 3
# Some receivers never report that they took it. Nobody looks through a mail for so long before they do.
WITHOUT_DELIVERY = timedelta(hours=1)

_SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|preview|proofpoint|mimecast|barracuda|symantec|trendmicro|forcepoint|safelinks|"
    r"ironport|fireeye|messagelabs|googleimageproxy|headless|phantomjs|python|curl|wget|go-http|java/|okhttp|"
    r"libwww|axios|node-fetch|slackbot|whatsapp|facebookexternalhit|skypeuripreview|monitor",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Click:
    """`id` is whatever the caller needs to find it again; `grade` is what its own look already said."""

    id: int
    at: datetime
    url: str
    grade: Grade


def grade_fetch(*, method: str, user_agent: str) -> Grade:
    """What one request shows by itself: HEAD, no user agent or a machine's name is a scanner; else not known yet."""
    if method == "HEAD" or not user_agent.strip() or _SCANNERS.search(user_agent):
        return Grade.SCANNER
    return Grade.UNKNOWN


def grade_user_agent(*, user_agent: str) -> Grade:
    """The same for a click a provider reports, where a missing user agent says nothing."""
    return Grade.SCANNER if _SCANNERS.search(user_agent) else Grade.UNKNOWN


@dataclass(frozen=True, slots=True)
class Way:
    """How a message came to its reader. `is_looked_through`: a gateway or the phone may open its links by itself."""

    is_looked_through: bool = True
    accepted_at: datetime | None = None
    delivered_at: Sequence[datetime] = ()


def grade_clicks(*, clicks: Sequence[Click], way: Way) -> dict[int, Grade]:
    """HUMAN, SCANNER or UNKNOWN for every click of one message.

    A scanner is who was already taken for one, who clicks before a delivery (a gateway looks before it says that it
    takes the mail) or within 10 seconds after it, or who opens three or more different links within 2 seconds.
    Where no delivery is known, a person is only who clicks an hour after the provider took the message.
    """
    bursts = _in_bursts(clicks)
    return {
        click.id: Grade.SCANNER if click.grade == Grade.SCANNER or click.id in bursts else _by_time(click.at, way)
        for click in clicks
    }


def _by_time(at: datetime, way: Way) -> Grade:
    if not way.is_looked_through:
        return Grade.HUMAN
    if not way.delivered_at:
        is_late = way.accepted_at is not None and at - way.accepted_at >= WITHOUT_DELIVERY
        return Grade.HUMAN if is_late else Grade.UNKNOWN
    return Grade.HUMAN if at - max(way.delivered_at) > TOO_SOON else Grade.SCANNER


def _in_bursts(clicks: Sequence[Click]) -> set[int]:
    ordered = sorted(clicks, key=lambda click: (click.at, click.id))
    found: set[int] = set()
    for index, first in enumerate(ordered):
        together = [click for click in ordered[index:] if click.at - first.at <= BURST]
        if len({click.url for click in together}) >= BURST_LINKS:
            found.update(click.id for click in together)
    return found
