from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F

from campaigns.delivery.models import Message
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import advance, apply, approval, awaited, launch
from campaigns.sequences.models import Campaign
from campaigns.usage.models import Meter, UsageDaily
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.offers import OfferFactory, basic_subscription, ladder
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SEATS = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
MJML = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
GREETING = "Hello {{ contact.first_name }}, {{ offer.plan_to }} is {{ offer.new_monthly }}. {{ links.unsubscribe }}"
DOCUMENT: dict[str, Any] = {
    "slug": "seats-80",
    "name": "Seats at 80 %",
    "audience": {"segment": SEATS},
    "recipients": {"roles": ["OWNER", "ADMIN", "BILLING"], "per_account": 1},
    "goal": {"kind": "UPGRADE", "window_days": 14},
    "holdout_percent": 20,
    "offer": "next-plan-up",
    "steps": [
        {
            "key": "mail-1",
            "kind": "MESSAGE",
            "channel": "email",
            "variants": {
                "a": {"weight": 50, "content": {"en": {"subject": "Room for more", "mjml": MJML.format(GREETING)}}},
                "b": {"weight": 50, "content": {"en": {"subject": "Seats run out", "mjml": MJML.format(GREETING)}}},
            },
        },
        {"key": "wait-1", "kind": "WAIT", "for": "3d"},
        {
            "key": "reacted",
            "kind": "BRANCH",
            "if": {"engagement": "clicked", "step": "mail-1"},
            "then": "end",
            "else": "banner",
        },
        {
            "key": "banner",
            "kind": "MESSAGE",
            "channel": "in_app",
            "variants": {
                "a": {
                    "content": {"en": {"title": "Seats run out", "body": "See {{ offer.plan_to }}.", "button": "See"}}
                }
            },
        },
        {"key": "end", "kind": "EXIT"},
    ],
}


def document(**changes: Any) -> dict[str, Any]:
    """The campaign file of the tests; a change to None takes the key out."""
    made = copy.deepcopy(DOCUMENT) | changes
    return {key: value for key, value in made.items() if value is not None}


def market() -> None:
    """What a campaign needs to exist: plans, the offer, the topic, the seats meter."""
    ladder()
    OfferFactory()
    ConsentTopicFactory()
    Meter.objects.get_or_create(code="seats_used", defaults={"name": "Seats used", "kind": "REPORTED"})


def account_near_limit(*, seats: int = 9, subscription: dict[str, Any] | None = None, **fields: Any) -> Account:
    """On Basic with its 10 seats, nine taken; without contacts."""
    account = AccountFactory(**fields)
    basic_subscription(account=account, **(subscription or {}))
    meter = Meter.objects.get(code="seats_used")
    UsageDaily.objects.create(account=account, meter=meter, day=NOW.date(), value=Decimal(seats), last_at=NOW)
    return account


def reader(account: Account, *, role: str = "OWNER", topics: dict[str, str] | None = None, **fields: Any) -> Contact:
    """A contact of the account who said yes to offers by mail (or what `topics` says)."""
    contact = ContactFactory(**fields)
    MembershipFactory(account=account, contact=contact, role=role)
    if contact.email:
        ContactPointFactory(contact=contact, topics={"offers": "GRANTED"} if topics is None else topics)
    return contact


def ready_account(**fields: Any) -> Account:
    """Near its limit, with one contact who may be written to."""
    account = account_near_limit(**fields)
    reader(account)
    return account


def launched(*, now: datetime = NOW, salt: str = "tests", **changes: Any) -> Campaign:
    campaign = drafted(now=now, **changes)
    launch.launch(campaign=campaign, by="tests", now=now, salt=salt)
    campaign.refresh_from_db()
    return campaign


def drafted(*, now: datetime = NOW, **changes: Any) -> Campaign:
    market()
    return apply.apply_campaign(document=document(**changes), by="tests", now=now).campaign


def looked_at(campaign: Campaign) -> dict[str, str]:
    """What the launch form brings back of the draft as it stands now."""
    campaign.refresh_from_db()
    seen = approval.of_draft(campaign=campaign)
    return {"version": str(seen.version), "digest": seen.digest}


def days(number: float) -> timedelta:
    return timedelta(days=number)


def go_on(*, now: datetime) -> advance.Advanced:
    """What falls due until `now` goes when it is due, and everybody is moved as far as that leads. What is planned for
    `now` on the way is not sent yet."""
    total = advance.Advanced()
    until = now
    while True:
        due = Message.objects.filter(state__in=[Message.State.PLANNED, Message.State.READY], due_at__lte=until)
        until = now - timedelta.resolution
        sent = due.update(state=Message.State.ACCEPTED, accepted_at=F("due_at"), ended_at=F("due_at"))
        awaited.release_awaited(now=now)
        done = advance.advance_due(now=now)
        total.add(done)
        if not sent and not done.looked_at:
            return total
