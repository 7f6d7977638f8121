"""Israel. Communications Law (Telecommunications and Broadcasting) 1982, s. 30A; no quiet hours by statute.

The hours are those of the trade: nothing from 21:00 to 07:00, nothing on Shabbat and feasts
(docs.mapp.com/docs/israel). Candles are lit from 15:55 in winter, and in summer Shabbat ends towards 20:30: hours
that end at 14:00 on the eve and begin again on the morning after hold on every date, without a table of sunsets.

By s. 30A an advertisement begins with the word "פרסומת", in an e-mail in its subject, and names who sends it; in a
text message the name and a way to refuse suffice.
"""

from __future__ import annotations

from orchestrator.engine.country_packs import hebrew_year
from orchestrator.engine.country_packs.pack import CountryPack, Hours, every_day

MARK = "פרסומת"

PACK = CountryPack(
    code="IL",
    hours={
        "email": Hours(every_day(7, 21), rests_on=hebrew_year.is_rest_day, ends_early=hebrew_year.is_eve),
        "sms": Hours(every_day(9, 20), rests_on=hebrew_year.is_rest_day, ends_early=hebrew_year.is_eve),
    },
    mark=MARK,
    names_sender=True,
)
