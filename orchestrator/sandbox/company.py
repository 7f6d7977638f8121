"""The demo company: its customers, their people, subscriptions and usage. Pure and seeded.

The same arguments give the same company to the byte. A company id is the account's external id
everywhere: in the CRM, as the usage client's groupId, and in billing's customer metadata.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from orchestrator.sandbox import crm_objects, names, people, support, usage_story
from orchestrator.sandbox.billing_objects import billing_objects
from orchestrator.sandbox.catalogue import PRICE_OF, Price, catalog
from orchestrator.sandbox.usage_story import UsageStory

FIRST_COMPANY_ID = 70_100_000_001
PLAN_SHARES = (("basic", 46), ("team", 36), ("pro", 13), ("enterprise", 5))
LADDER_PLANS = ("basic", "team")
HOT_SHARE = 0.54
LATER_SHARE = 0.05
RECENT_CROSSING_SHARE = 0.75
YEARLY_SHARE = 0.35
CONTACTS_PER_ACCOUNT = 3
GATED_FEATURES = ("sso", "audit_log", "sso", "api_export")
GATED_PLAN = "team"
KEEN_ATTEMPTS_PER_DAY = 0.2
GROWING_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Account:
    """A customer of the demo company. `is_hot`: its seats run short before or soon after `until`.

    `seats` are those in use on that day, `quantity` is what billing charges for.
    """

    external_id: str
    number: int
    name: str
    domain: str
    country: str
    industry: str
    employees: int
    seats: int
    language: str
    time_zone: str
    created_on: date
    price: Price
    quantity: int
    status: str
    is_hot: bool
    story: UsageStory

    @property
    def plan(self) -> str:
        return self.price.plan

    @property
    def is_growing(self) -> bool:
        """Its API calls double in the last four weeks of history."""
        return self.story.api_grows_from is not None

    @property
    def wants_sso(self) -> bool:
        """Tries single sign-on, which its plan does not have and the next one has, several times a week."""
        return not self.is_hot and self.plan == GATED_PLAN and wants_sso(self.number, self.story)


@dataclass(frozen=True, slots=True)
class Company:
    """All of it. `until` is the last day of history; `usage_events` also tells days after it."""

    seed: int
    days: int
    until: date
    accounts: tuple[Account, ...]
    contacts: tuple[people.Contact, ...]
    tickets: tuple[support.Ticket, ...]

    @property
    def first_day(self) -> date:
        return self.until - timedelta(days=self.days - 1)

    @property
    def snapshot_at(self) -> datetime:
        """The moment the CRM and billing objects describe: the first instant after `until`."""
        return datetime.combine(self.until + timedelta(days=1), time(0), UTC)

    def catalog(self) -> dict[str, Any]:
        return catalog()

    def history(self) -> Iterator[date]:
        """Every day of history, the oldest first."""
        for offset in range(self.days):
            yield self.first_day + timedelta(days=offset)

    def hubspot_companies(self) -> list[dict[str, Any]]:
        return [crm_objects.company_object(account, until=self.snapshot_at) for account in self.accounts]

    def hubspot_contacts(self) -> list[dict[str, Any]]:
        return [crm_objects.contact_object(contact, until=self.snapshot_at) for contact in self.contacts]

    def hubspot_tickets(self) -> list[dict[str, Any]]:
        return [crm_objects.ticket_object(ticket) for ticket in self.tickets]

    def stripe_objects(self) -> dict[str, list[dict[str, Any]]]:
        """`products`, `prices`, `customers`, `subscriptions` in the billing service's shapes."""
        return billing_objects(self.accounts, now=self.snapshot_at)

    def usage_events(self, day: date) -> Iterator[dict[str, Any]]:
        """Keyword arguments for the usage client's `track`: one report per account, then feature attempts.

        Stamped 03:00 to 03:59 UTC of that day; message ids depend on seed, account and day alone.
        """
        members = self._contacts_of
        for account in self.accounts:
            team = members[account.external_id]
            sender = team[(day.toordinal() + account.number) % len(team)]
            at = datetime.combine(day, time(3, account.number % 60), UTC)
            stem = f"{self.seed}-{account.external_id}-{day.isoformat()}"
            values = usage_story.usage_on(story=account.story, plan=account.plan, day=day)
            yield _track(sender.external_id, account, "usage_reported", dict(values), at, f"{stem}-usage")
            for number in range(usage_story.attempts_on(story=account.story, day=day)):
                feature = GATED_FEATURES[(account.number + number) % len(GATED_FEATURES)]
                at_attempt = at + timedelta(seconds=number + 1)
                detail = {"feature": feature}
                yield _track(
                    sender.external_id, account, "premium_feature_attempted", detail, at_attempt, f"{stem}-try{number}"
                )

    @property
    def _contacts_of(self) -> dict[str, list[people.Contact]]:
        grouped: dict[str, list[people.Contact]] = {}
        for contact in self.contacts:
            grouped.setdefault(contact.account_id, []).append(contact)
        return grouped


def generate(*, seed: int, accounts: int = 1000, contacts: int | None = None, days: int = 90, until: date) -> Company:
    """`contacts` defaults to three per account; every account has at least one. Raises ValueError."""
    total = accounts * CONTACTS_PER_ACCOUNT if contacts is None else contacts
    if accounts < 1 or days < 1:
        raise ValueError("A company needs at least one account and one day.")
    if total < accounts:
        raise ValueError(f"{accounts} accounts need at least as many contacts, not {total}.")
    rng = random.Random(f"company:{seed}")  # noqa: S311 - a simulation, not a secret
    made = tuple(_account(number, rng=rng, days=days, until=until) for number in range(accounts))
    team_sizes = _team_sizes(accounts, total, rng=rng)
    staff = tuple(people.contacts_of(made, team_sizes, rng=rng, until=until))
    return Company(
        seed=seed,
        days=days,
        until=until,
        accounts=made,
        contacts=staff,
        tickets=tuple(support.tickets_of(made, staff, seed=seed, until=until)),
    )


def _attempts(plan: str, *, rng: random.Random, is_hot: bool) -> float:
    """Who runs out of seats is busy with that: so no account is meant by two of the demo's campaigns."""
    drawn = rng.choice((0.0, 0.0, 0.02, 0.25, 0.35)) if plan in LADDER_PLANS else 0.0
    return min(drawn, 0.02) if is_hot else drawn


def wants_sso(number: int, story: UsageStory) -> bool:
    is_keen = story.feature_attempts_per_day >= KEEN_ATTEMPTS_PER_DAY
    return is_keen and GATED_FEATURES[number % len(GATED_FEATURES)] == "sso"


def _track(
    user_id: str, account: Account, event: str, properties: dict[str, Any], at: datetime, message_id: str
) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "event": event,
        "properties": properties,
        "context": {"groupId": account.external_id},
        "timestamp": at,
        "message_id": message_id,
    }


def _account(number: int, *, rng: random.Random, days: int, until: date) -> Account:
    region = rng.choices(names.REGIONS, [each.share for each in names.REGIONS])[0]
    language = region.language if rng.random() < 0.85 else "en"
    name, domain = _name(number, language, rng=rng)
    industry = rng.choice(list(names.INDUSTRIES))
    plan = _weighted(PLAN_SHARES, rng=rng)
    currency = _weighted(region.currencies, rng=rng)
    interval = "YEAR" if rng.random() < YEARLY_SHARE else "MONTH"
    story, is_hot = _story(number, plan, rng=rng, days=days, until=until)
    seats = usage_story.usage_on(story=story, plan=plan, day=until)["seats_used"]
    price = PRICE_OF[plan, currency, interval]
    troubled = 0.0 if is_hot else rng.random()
    tail = names.INDUSTRIES[industry][names.TAIL_OF_LANGUAGE[language]][0]
    return Account(
        external_id=str(FIRST_COMPANY_ID + number),
        number=number,
        name=f"{name} {tail}",
        domain=domain,
        country=region.code,
        industry=industry,
        employees=int(seats * rng.uniform(1.2, 4)) + 1,
        seats=seats,
        language=language,
        time_zone=rng.choice(region.time_zones),
        created_on=until - timedelta(days=rng.randint(days + 10, days + 1000)),
        price=price,
        quantity=seats if price.model == "PER_SEAT" else 1,
        status="past_due" if troubled > 0.97 else "trialing" if troubled > 0.93 else "active",
        is_hot=is_hot,
        story=story,
    )


def _story(number: int, plan: str, *, rng: random.Random, days: int, until: date) -> tuple[UsageStory, bool]:
    draw = rng.random() if plan in LADDER_PLANS else 1.0
    crosses_on = None
    if draw < HOT_SHARE:
        recent = rng.random() < RECENT_CROSSING_SHARE
        crosses_on = until - timedelta(days=rng.randint(0, 9) if recent else rng.randint(10, 40))
    elif draw < HOT_SHARE + LATER_SHARE:
        crosses_on = until + timedelta(days=rng.randint(1, 15))
    story = UsageStory(
        begins_on=until - timedelta(days=days - 1),
        seats_at_start=rng.uniform(0.3, 0.6) if crosses_on else rng.uniform(0.2, 0.7),
        crosses_on=crosses_on,
        activity=rng.uniform(0.55, 0.9),
        storage_share=rng.uniform(0.1, 0.7),
        api_share=rng.uniform(0.05, 0.55),
        projects_share=rng.uniform(0.2, 0.7),
        feature_attempts_per_day=_attempts(plan, rng=rng, is_hot=crosses_on is not None),
        noise=rng.getrandbits(31),
    )
    is_calm = crosses_on is None and plan in LADDER_PLANS and not wants_sso(number, story)
    if is_calm and usage_story.jitter(story.noise, until, 5) < GROWING_SHARE:
        story = replace(story, api_grows_from=until - timedelta(days=usage_story.DAYS_OF_GROWTH - 1))
    return story, crosses_on is not None


def _name(number: int, language: str, *, rng: random.Random) -> tuple[str, str]:
    head, latin = rng.choice(names.COMPANY_HEADS[language])
    return f"{head} {number + 1}", f"{latin}{number + 1}.example"


def _team_sizes(accounts: int, contacts: int, *, rng: random.Random) -> list[int]:
    """About the same for each, never none, and exactly `contacts` in all."""
    base, rest = divmod(contacts, accounts)
    sizes = [base + (1 if number < rest else 0) for number in range(accounts)]
    for _ in range(accounts // 2):
        giver, taker = rng.randrange(accounts), rng.randrange(accounts)
        if sizes[giver] > 1:
            sizes[giver] -= 1
            sizes[taker] += 1
    return sizes


def _weighted(options: tuple[tuple[str, int], ...], *, rng: random.Random) -> str:
    return rng.choices([value for value, _ in options], [weight for _, weight in options])[0]
