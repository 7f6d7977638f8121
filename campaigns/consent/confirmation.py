"""Whether a reported yes has to be confirmed by the person: see `confirm`."""

from __future__ import annotations

from campaigns.consent.models import ConsentTopic
from campaigns.profiles.models import Contact
from orchestrator.engine.country_packs import places

EVERYWHERE = "*"
# Only these channels reach a mailbox of the person's own.
CHANNELS = ("email", "sms")


def is_asked(*, topic: ConsentTopic, contact: Contact, channel: str, basis: str) -> bool:
    """Whether a reported yes waits for the person. An unknown country is one that asks, where any does."""
    if not topic.is_marketing or channel not in CHANNELS or basis.lower() != "explicit":
        return False
    wanted = set(topic.confirmed_in)
    country = places.read_country(contact.country)
    return EVERYWHERE in wanted or country in wanted or (bool(wanted) and not country)
