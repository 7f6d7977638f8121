"""Who came in with which version and was moved on since: rows keep the version they follow, moves are in the audit.

A contact comes in with the version that runs: the one that had gone live last was theirs. Of several moves that could
have brought them on the first is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.operations.models import AuditEntry
from campaigns.sequences.models import CampaignVersion, Enrolment


@dataclass(frozen=True, slots=True)
class Moved:
    """To the version numbered `version`."""

    at: datetime
    by: str
    version: int


@dataclass(frozen=True, slots=True)
class Way:
    """`version`: the number of the one they came in with; `moves`, the oldest first, lead to the one they follow."""

    enrolment: Enrolment
    version: int
    moves: tuple[Moved, ...] = ()


def read_ways(*, enrolments: Sequence[Enrolment]) -> list[Way]:
    """In the same order, with campaign and version at hand. Two statements."""
    if not enrolments:
        return []
    live = _live_versions({one.campaign_id for one in enrolments})
    moves = _moves({one.campaign.slug for one in enrolments})
    return [_way(one, live[one.campaign_id], moves.get(one.campaign.slug, [])) for one in enrolments]


def _way(enrolment: Enrolment, live: Iterable[tuple[datetime, int]], moves: Iterable[AuditEntry]) -> Way:
    follows = enrolment.version.number
    earlier = [number for at, number in live if at <= enrolment.enrolled_at]
    came_with = earlier[-1] if earlier else follows
    until = enrolment.ended_at
    theirs = [one for one in moves if one.at >= enrolment.enrolled_at and (until is None or one.at <= until)]
    stands_in, led = came_with, []
    for one in theirs:
        before, after = one.before or {}, one.after or {}
        if stands_in != follows and _moves_on(before, after, stands_in, follows):
            stands_in = after["version"]
            led.append(Moved(one.at, one.actor, stands_in))
    # What no move explains is told as it stands: the version they follow.
    return Way(enrolment, came_with, tuple(led)) if stands_in == follows else Way(enrolment, follows)


def _moves_on(before: Mapping[str, Any], after: Mapping[str, Any], stands_in: int, follows: int) -> bool:
    goes = any(one["version"] == stands_in and not one["reason"] for one in before["landings"])
    return goes and bool(after["moved"]) and after["version"] <= follows


def _live_versions(campaign_ids: Iterable[int]) -> Mapping[int, list[tuple[datetime, int]]]:
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    rows = CampaignVersion.objects.filter(campaign_id__in=list(campaign_ids), went_live_at__isnull=False)
    for one in rows.order_by("went_live_at", "number").only("campaign_id", "went_live_at", "number"):
        if one.went_live_at is not None:
            found[one.campaign_id].append((one.went_live_at, one.number))
    return found


def _moves(slugs: Iterable[str]) -> Mapping[str, list[AuditEntry]]:
    found: dict[str, list[AuditEntry]] = defaultdict(list)
    subjects = [f"campaign:{slug}" for slug in slugs]
    for one in AuditEntry.objects.filter(subject__in=subjects, action="campaign.move").order_by("at", "pk"):
        found[one.subject.partition(":")[2]].append(one)
    return found
