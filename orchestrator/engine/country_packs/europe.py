"""The European Union and Romania, and everybody without a pack of their own.

No law of the Union or of Romania sets hours for marketing by e-mail or text message (ePrivacy Directive 2002/58,
art. 13; Romanian Law 506/2004, art. 12, and Law 365/2002, art. 6, ask for consent and for a sender that can be known).
The hours kept are the shipped ones: mail from 07:00 to 21:00, text messages from 09:00 to 20:00, where the reader is.
"""

from __future__ import annotations

from orchestrator.engine.country_packs.pack import CountryPack, Hours, every_day

_HOURS = {"email": Hours(every_day(7, 21)), "sms": Hours(every_day(9, 20))}

ROMANIA = CountryPack(code="RO", hours=_HOURS)
UNION = CountryPack(code="EU", hours=_HOURS)
ELSEWHERE = CountryPack(code="", hours=_HOURS)

MEMBERS = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
