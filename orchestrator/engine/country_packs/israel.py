"""Israel. Communications Law (Telecommunications and Broadcasting) 1982, s. 30A; no quiet hours by statute.

The hours are those of the trade: nothing from 21:00 to 07:00, nothing on Shabbat and feasts
(docs.mapp.com/docs/israel). Candles are lit from 15:55 in winter, and in summer Shabbat ends towards 20:30: hours
that end at 14:00 on the eve and begin again on the morning after hold on every date, without a table of sunsets.

By s. 30A an advertisement begins with the word "פרסומת", in an e-mail in its subject, and names who sends it, with an
address or another way to reach them; it says how one may refuse, simply, in a mail with an address that takes answers.
In a text message the name and a way to refuse suffice: a link, or the word הסר where the number can be answered. It
takes consent in writing, or a purchase (or talks about one), a chance to refuse and something similar.
"""

from __future__ import annotations

from orchestrator.engine.country_packs import hebrew_year
from orchestrator.engine.country_packs.pack import (
    BLOCKER,
    WARNING,
    ContentRule,
    CountryPack,
    Demand,
    Hours,
    every_day,
)

MARK = "פרסומת"
_LAW = "Communications Law 1982, s. 30A"
_BOTH = ("email", "sms")


def _hours(start: int, end: int) -> Hours:
    return Hours(
        every_day(start, end),
        rests_on=hebrew_year.is_rest_day,
        ends_early=hebrew_year.is_eve,
        name_rest=hebrew_year.name_rest,
    )


PACK = CountryPack(
    code="IL",
    hours={
        "email": _hours(7, 21),
        "sms": _hours(9, 20),
    },
    rules=(
        # Only the Hebrew word is in the law: what a text in another language must begin with, a person decides.
        ContentRule(Demand.MARK, _BOTH, BLOCKER, f"{_LAW}(e)(1)", tongue="he"),
        # Names are spelt in several scripts, so a text that seems to lack ours deserves a look.
        ContentRule(Demand.SENDER_NAME, _BOTH, WARNING, f"{_LAW}(e)(1)"),
        ContentRule(Demand.POSTAL_ADDRESS, ("email",), BLOCKER, f"{_LAW}(e)(1)"),
        ContentRule(Demand.WAY_OUT, _BOTH, BLOCKER, f"{_LAW}(e)(1)"),
        ContentRule(Demand.WAY_OUT_TONGUE, ("sms",), WARNING, f"{_LAW}(e)(1)"),
        ContentRule(Demand.REPLY_ADDRESS, ("email",), BLOCKER, f"{_LAW}(e)(1)"),
        ContentRule(
            Demand.LEGAL_BASIS, _BOTH, BLOCKER, f"{_LAW}(b), (c)", bases=frozenset({"EXPLICIT", "SOFT_OPT_IN"})
        ),
    ),
    mark=MARK,
)
