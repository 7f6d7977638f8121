"""How much an account of the demo company uses on a given day. Pure: the same arguments, the same number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from orchestrator.sandbox.catalogue import PLAN_OF_CODE

WARNING_SHARE = 0.8
FULL_SHARE = 1.1
DAYS_FROM_WARNING_TO_FULL = 45
UNLIMITED_SEATS = 400
SATURDAY = 5
GROWTH = 1.0
DAYS_OF_GROWTH = 28
STICKY_METERS = ("seats_used", "storage_gb", "projects")


@dataclass(frozen=True, slots=True)
class UsageStory:
    """The account's course. `crosses_on` is the first day at 80 % of the seats; None: never. From `api_grows_from` on
    its API calls double within four weeks.

    Shares are of the plan's quota (of 400 seats where the plan has none); `noise` makes
    accounts of the same course differ from day to day.
    """

    begins_on: date
    seats_at_start: float
    crosses_on: date | None
    activity: float
    storage_share: float
    api_share: float
    projects_share: float
    feature_attempts_per_day: float
    noise: int
    api_grows_from: date | None = None


def usage_on(*, story: UsageStory, plan: str, day: date) -> dict[str, int]:
    """The value of each meter on that UTC day; also days to come, the course simply goes on."""
    quotas = PLAN_OF_CODE[plan].quotas
    seats = max(1, int(seat_share(story=story, day=day) * (quotas["seats_used"] or UNLIMITED_SEATS) + 1e-6))
    calm = 0.35 if day.weekday() >= SATURDAY else 1.0
    age = (day - story.begins_on).days / 90
    active = round(seats * story.activity * calm * (0.9 + 0.2 * jitter(story.noise, day, 1)))
    api_quota = (quotas["api_calls"] or 8_000_000) * api_growth(story=story, day=day)
    return {
        "seats_used": seats,
        "active_users": max(1, min(seats, active)),
        "storage_gb": max(1, int((quotas["storage_gb"] or 3_000) * story.storage_share * (0.7 + 0.3 * age))),
        "api_calls": int(api_quota / 30 * story.api_share * calm * (0.7 + 0.6 * jitter(story.noise, day, 2))),
        "projects": max(1, int((quotas["projects"] or 300) * story.projects_share * (0.6 + 0.4 * age))),
    }


def seat_share(*, story: UsageStory, day: date) -> float:
    if story.crosses_on is None:
        drift = 0.04 * (jitter(story.noise, day - timedelta(days=day.weekday()), 3) - 0.5)
        return max(0.05, min(WARNING_SHARE - 0.06, story.seats_at_start + drift))
    if day < story.crosses_on:
        whole = max(1, (story.crosses_on - story.begins_on).days)
        done = max(0.0, (day - story.begins_on).days / whole)
        return story.seats_at_start + (WARNING_SHARE - 0.05 - story.seats_at_start) * done
    past = min(1.0, (day - story.crosses_on).days / DAYS_FROM_WARNING_TO_FULL)
    return WARNING_SHARE + (FULL_SHARE - WARNING_SHARE) * past


def api_growth(*, story: UsageStory, day: date) -> float:
    """By how much the account's API calls have grown by that day: 1.0 before, 2.0 four weeks after the start."""
    if story.api_grows_from is None or day < story.api_grows_from:
        return 1.0
    return 1.0 + GROWTH * min(1.0, (day - story.api_grows_from).days / DAYS_OF_GROWTH)


def attempts_on(*, story: UsageStory, day: date) -> int:
    """How often the account ran into a feature its plan does not have."""
    draw = jitter(story.noise, day, 4)
    if draw < story.feature_attempts_per_day / 4:
        return 2
    return 1 if draw < story.feature_attempts_per_day else 0


def jitter(noise: int, day: date, stream: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    mixed = (noise * 0x9E3779B1 + day.toordinal() * 0x85EBCA77 + stream * 0xC2B2AE3D) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    mixed = (mixed * 0x2C1B3C6D) & 0xFFFFFFFF
    mixed ^= mixed >> 12
    mixed = (mixed * 0x297A2D39) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    return mixed / 2**32
