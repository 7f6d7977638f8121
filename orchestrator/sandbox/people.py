"""The people of the demo company's customers: names, roles, addresses and what they consented to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from orchestrator.sandbox import names

FIRST_CONTACT_ID = 50_200_000_001
ROLES_BY_SEAT = ("OWNER", "ADMIN", "MEMBER", "BILLING")
NO_EMAIL_SHARE = 0.02
NO_PHONE_SHARE = 0.15
WITHDRAWN_SHARE = 0.04
NO_RECORD_SHARE = 0.06
EXPLICIT_SHARE = 0.2


class Employer(Protocol):
    """What a person takes over from the account."""

    @property
    def external_id(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def created_on(self) -> date: ...


@dataclass(frozen=True, slots=True)
class Contact:
    """A person. `consent` is granted, withdrawn or None (never asked); `consent_at` goes with it."""

    external_id: str
    account_id: str
    role: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    language: str
    time_zone: str
    created_on: date
    consent: str | None
    consent_basis: str | None
    consent_source: str | None
    consent_at: datetime | None


def contacts_of(
    accounts: Sequence[Employer], team_sizes: Sequence[int], *, rng: random.Random, until: date
) -> Iterator[Contact]:
    number = 0
    for account, size in zip(accounts, team_sizes, strict=True):
        taken: set[str] = set()
        for seat in range(size):
            yield _contact(number, seat, account, rng=rng, until=until, taken=taken)
            number += 1


def _contact(number: int, seat: int, account: Employer, *, rng: random.Random, until: date, taken: set[str]) -> Contact:
    language = account.language if rng.random() < 0.9 else "en"
    first, first_latin = rng.choice(names.FIRST_NAMES[language])
    last, last_latin = rng.choice(names.LAST_NAMES[language])
    local = f"{first_latin}.{last_latin}"
    while local in taken:
        local += str(seat)
    taken.add(local)
    created_on = min(until, account.created_on + timedelta(days=rng.randint(0, 60)))
    consent, basis, source = _consent(rng=rng)
    consent_at = datetime.combine(created_on, time(9, number % 60), UTC) if consent else None
    return Contact(
        external_id=str(FIRST_CONTACT_ID + number),
        account_id=account.external_id,
        role=ROLES_BY_SEAT[seat % len(ROLES_BY_SEAT)] if seat < len(ROLES_BY_SEAT) else "MEMBER",
        first_name=first,
        last_name=last,
        email=None if rng.random() < NO_EMAIL_SHARE else f"{local}@{account.domain}",
        phone=None if rng.random() < NO_PHONE_SHARE else _phone(account.country, number),
        language=language,
        time_zone=account.time_zone,
        created_on=created_on,
        consent=consent,
        consent_basis=basis,
        consent_source=source,
        consent_at=consent_at,
    )


def _consent(*, rng: random.Random) -> tuple[str | None, str | None, str | None]:
    draw = rng.random()
    if draw < NO_RECORD_SHARE:
        return None, None, None
    if draw < NO_RECORD_SHARE + WITHDRAWN_SHARE:
        return "withdrawn", "soft_opt_in", "preference centre"
    if rng.random() < EXPLICIT_SHARE:
        return "granted", "explicit", "newsletter form"
    return "granted", "soft_opt_in", "order form"


def _phone(country: str, number: int) -> str:
    """Different numbers for different people: 7919 shares no factor with a power of ten."""
    pattern = next(region.phone for region in names.REGIONS if region.code == country)
    digits = pattern.count("#")
    filled = str((number * 7919 + 1234) % 10**digits).zfill(digits)
    return pattern.rstrip("#") + filled
