"""Everybody without a pack of their own, and whose country nobody knows: the shipped hours, and what every law that we
know of asks for, with a second look instead of a no where no law is named. Only a way out is always asked for: mailbox
providers and carriers block those who have none (RFC 8058, CTIA)."""

from __future__ import annotations

from orchestrator.engine.country_packs import europe
from orchestrator.engine.country_packs.pack import BLOCKER, WARNING, ContentRule, CountryPack, Demand

_BOTH = ("email", "sms")

PACK = CountryPack(
    code="",
    hours=europe.HOURS,
    rules=(
        ContentRule(Demand.SENDER_NAME, _BOTH, WARNING, "good practice"),
        ContentRule(Demand.WAY_OUT, _BOTH, BLOCKER, "rules of mailbox providers and carriers"),
        ContentRule(Demand.WAY_OUT_TONGUE, ("sms",), WARNING, "good practice"),
        ContentRule(Demand.HONEST_SUBJECT, ("email",), WARNING, "rules of mailbox providers"),
    ),
)
