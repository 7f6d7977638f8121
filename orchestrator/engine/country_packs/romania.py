"""Romania: the Union's rules in its own laws, and its hours (no Romanian law sets any).

Law 506/2004, art. 12: consent before marketing by e-mail or text message; (2) an own customer, something similar and a
chance to refuse in every message; an address that takes a refusal. Law 365/2002, art. 6: a commercial message can be
known as one, and who sends it.
"""

from __future__ import annotations

from orchestrator.engine.country_packs import europe
from orchestrator.engine.country_packs.pack import BLOCKER, WARNING, ContentRule, CountryPack, Demand

_BOTH = ("email", "sms")
_CONSENT = "Law 506/2004, art. 12"
_COMMERCE = "Law 365/2002, art. 6"

PACK = CountryPack(
    code="RO",
    hours=europe.HOURS,
    rules=(
        ContentRule(Demand.SENDER_NAME, _BOTH, WARNING, _COMMERCE),
        ContentRule(Demand.WAY_OUT, _BOTH, BLOCKER, f"{_CONSENT}(2)"),
        ContentRule(Demand.WAY_OUT_TONGUE, ("sms",), WARNING, f"{_CONSENT}(2)"),
        ContentRule(Demand.HONEST_SUBJECT, ("email",), BLOCKER, _COMMERCE),
        ContentRule(Demand.REPLY_ADDRESS, ("email",), WARNING, _CONSENT),
        ContentRule(Demand.LEGAL_BASIS, _BOTH, BLOCKER, f"{_CONSENT}(1), (2)", bases=europe.BASES),
    ),
)
