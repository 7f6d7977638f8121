"""The European Union.

No law of the Union sets hours for marketing by e-mail or text message. The hours kept are the shipped ones: mail from
07:00 to 21:00, text messages from 09:00 to 20:00, where the reader is.

ePrivacy Directive 2002/58, art. 13: consent before marketing by e-mail or text message, or an own customer, something
similar and a chance to refuse in every message; no hiding of who sends it. GDPR art. 7(1): whoever relies on consent
can show it.
"""

from __future__ import annotations

from orchestrator.engine.country_packs.pack import (
    BLOCKER,
    WARNING,
    ContentRule,
    CountryPack,
    Demand,
    Hours,
    every_day,
)

_BOTH = ("email", "sms")
_LAW = "Directive 2002/58, art. 13"

HOURS = {"email": Hours(every_day(7, 21)), "sms": Hours(every_day(9, 20))}
BASES = frozenset({"EXPLICIT", "SOFT_OPT_IN"})

PACK = CountryPack(
    code="EU",
    hours=HOURS,
    rules=(
        ContentRule(Demand.SENDER_NAME, _BOTH, WARNING, f"{_LAW}(4)"),
        ContentRule(Demand.WAY_OUT, _BOTH, BLOCKER, f"{_LAW}(2)"),
        ContentRule(Demand.WAY_OUT_TONGUE, ("sms",), WARNING, f"{_LAW}(2)"),
        ContentRule(Demand.HONEST_SUBJECT, ("email",), BLOCKER, f"{_LAW}(4)"),
        ContentRule(Demand.REPLY_ADDRESS, ("email",), WARNING, f"{_LAW}(4)"),
        ContentRule(Demand.LEGAL_BASIS, _BOTH, BLOCKER, f"{_LAW}(1), (2); GDPR art. 7(1)", bases=BASES),
    ),
)

MEMBERS = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
# Where a picture that reports an opening asks for a yes as in the Union: the rest of the EEA (ePrivacy Directive art.
# 5(3)), the United Kingdom (PECR reg. 6) and Switzerland (Telecommunications Act art. 45c).
LIKE_THE_UNION = MEMBERS | {"IS", "LI", "NO", "GB", "CH"}
