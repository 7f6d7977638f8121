"""Who clicked: a person, or a mail gateway that opens every link before it lets the mail through.

The grade of a click is decided from the set of reports about its message, in whatever order they
came, and more reports can only turn a person's click into a scanner's, never back.
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


def grade_clicks(*, clicks: Sequence[Click], delivered_at: Sequence[datetime]) -> dict[int, Grade]:
    """HUMAN or SCANNER for every click of one message.

    A scanner is who was already taken for one, who clicks within 10 seconds of a delivery, or who
    opens three or more different links within 2 seconds.
    """
    bursts = _in_bursts(clicks)
    return {
        click.id: Grade.SCANNER
        if click.grade == Grade.SCANNER
        or click.id in bursts
        or any(timedelta(0) <= click.at - arrived <= TOO_SOON for arrived in delivered_at)
        else Grade.HUMAN
        for click in clicks
    }


def _in_bursts(clicks: Sequence[Click]) -> set[int]:
    ordered = sorted(clicks, key=lambda click: (click.at, click.id))
    found: set[int] = set()
    for index, first in enumerate(ordered):
        together = [click for click in ordered[index:] if click.at - first.at <= BURST]
        if len({click.url for click in together}) >= BURST_LINKS:
            found.update(click.id for click in together)
    return found
