"""What the demo company's customers ask its support for. Pure; its seeded stream is its own, so no other draw moves."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

FIRST_TICKET_ID = 60_400_000_001
# How many tickets an account has in the days told of.
TICKETS = ((0, 62), (1, 24), (2, 10), (3, 4))
PRIORITIES = (("LOW", 30), ("MEDIUM", 45), ("HIGH", 18), ("URGENT", 7))
DAYS = 60
# Of the tickets of the last two weeks; older ones are all answered.
OPEN_SHARE = 0.35
OPEN_DAYS = 14
LONGEST_ANSWER_HOURS = 96
SUBJECTS = {
    "en": ("The export stops half way", "A board does not load", "Wrong total on the invoice", "How do I add a guest?"),
    "he": ("הייצוא נעצר באמצע", "לוח לא נטען", "סכום שגוי בחשבונית", "איך מוסיפים אורח?"),
    "ro": (
        "Exportul se oprește la jumătate",
        "Un panou nu se încarcă",
        "Total greșit pe factură",
        "Cum adaug un invitat?",
    ),
}


class Customer(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def language(self) -> str: ...


class Colleague(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def account_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """`priority` in HubSpot's words: LOW, MEDIUM, HIGH, URGENT. `closed_at` None: still open."""

    external_id: str
    account_id: str
    contact_id: str | None
    subject: str
    priority: str
    opened_at: datetime
    closed_at: datetime | None


def tickets_of(
    accounts: Sequence[Customer], contacts: Sequence[Colleague], *, seed: int, until: date
) -> Iterator[Ticket]:
    """Tickets opened in the `DAYS` days up to the end of `until`, in the order of their accounts."""
    rng = random.Random(f"tickets:{seed}")  # noqa: S311 - a simulation, not a secret
    end = datetime.combine(until + timedelta(days=1), time(0), UTC)
    people: dict[str, list[str]] = {}
    for contact in contacts:
        people.setdefault(contact.account_id, []).append(contact.external_id)
    number = FIRST_TICKET_ID
    for account in accounts:
        for _ in range(_weighted(TICKETS, rng=rng)):
            yield _ticket(str(number), account, people.get(account.external_id, []), rng=rng, end=end)
            number += 1


def _ticket(external_id: str, account: Customer, people: Sequence[str], *, rng: random.Random, end: datetime) -> Ticket:
    opened_at = end - timedelta(minutes=rng.randint(60, DAYS * 24 * 60))
    answered_at = opened_at + timedelta(minutes=rng.randint(30, LONGEST_ANSWER_HOURS * 60))
    is_recent = end - opened_at < timedelta(days=OPEN_DAYS)
    is_open = (rng.random() < OPEN_SHARE and is_recent) or answered_at >= end
    return Ticket(
        external_id=external_id,
        account_id=account.external_id,
        contact_id=rng.choice(people) if people else None,
        subject=rng.choice(SUBJECTS.get(account.language, SUBJECTS["en"])),
        priority=_weighted(PRIORITIES, rng=rng),
        opened_at=opened_at,
        closed_at=None if is_open else answered_at,
    )


def _weighted[Value](options: Sequence[tuple[Value, int]], *, rng: random.Random) -> Value:
    return rng.choices([value for value, _ in options], [weight for _, weight in options])[0]
