"""The United States. Text messages: 47 CFR 64.1200(c)(1), from 08:00 to 21:00 where the called party is. Since 2025
people sue over it even where they consented, so 09:00 to 20:00 is kept. No law sets hours for e-mail.

States with narrower hours (telephone solicitation acts that count text messages): Florida, Maryland, Oklahoma, New
Jersey and Mississippi 08-20, Connecticut 09-20, Texas 09-21 and on Sunday 12-21, Rhode Island 09-18 and on weekends
10-17 (natlawreview.com and infolawgroup.com on the suits). What each leaves of 09-20 is kept here. Holidays and
caps a day of single states are in none of these sources and not kept here: FREQUENCY_CAPS sets what goes in a day.

CAN-SPAM Act, 15 USC 7704(a): (1), (2) no misleading header or subject; (3), (5) a way out and a postal address in the
body of marketing mail. Text messages: 47 CFR 64.1200(a)(2), (f)(9): consent in writing, an earlier purchase is none;
CTIA: the program's name, and STOP.
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
    weekdays_and,
)

_EASTERN = frozenset({"America/New_York"})
_CENTRAL = frozenset({"America/Chicago"})
_SPAM = "CAN-SPAM, 15 USC 7704(a)"
_TEXTS = "CTIA Messaging Principles"

_NAMES = """
alabama AL, alaska AK, arizona AZ, arkansas AR, california CA, colorado CO, connecticut CT, delaware DE,
district of columbia DC, florida FL, georgia GA, hawaii HI, idaho ID, illinois IL, indiana IN, iowa IA, kansas KS,
kentucky KY, louisiana LA, maine ME, maryland MD, massachusetts MA, michigan MI, minnesota MN, mississippi MS,
missouri MO, montana MT, nebraska NE, nevada NV, new hampshire NH, new jersey NJ, new mexico NM, new york NY,
north carolina NC, north dakota ND, ohio OH, oklahoma OK, oregon OR, pennsylvania PA, rhode island RI,
south carolina SC, south dakota SD, tennessee TN, texas TX, utah UT, vermont VT, virginia VA, washington WA,
west virginia WV, wisconsin WI, wyoming WY
"""

PACK = CountryPack(
    code="US",
    hours={"email": Hours(every_day(7, 21)), "sms": Hours(every_day(9, 20))},
    states={
        **{code: {"sms": Hours(every_day(9, 20))} for code in ("FL", "MD", "OK", "NJ", "MS", "CT")},
        "TX": {"sms": Hours(weekdays_and((9, 20), (9, 20), (12, 20)))},
        "RI": {"sms": Hours(weekdays_and((9, 18), (10, 17), (10, 17)))},
    },
    # Somebody in these zones may live there.
    state_zones={
        **dict.fromkeys(("MD", "NJ", "CT", "RI"), _EASTERN),
        **dict.fromkeys(("OK", "MS"), _CENTRAL),
        "FL": _EASTERN | _CENTRAL,
        "TX": _CENTRAL | {"America/Denver"},
    },
    state_names=dict(name.strip().rsplit(" ", 1) for name in _NAMES.split(",")),
    rules=(
        ContentRule(Demand.HONEST_SUBJECT, ("email",), BLOCKER, f"{_SPAM}(1), (2)"),
        ContentRule(Demand.WAY_OUT, ("email",), BLOCKER, f"{_SPAM}(3), (5)"),
        ContentRule(Demand.POSTAL_ADDRESS, ("email",), BLOCKER, f"{_SPAM}(5)"),
        ContentRule(Demand.SENDER_NAME, ("sms",), WARNING, _TEXTS),
        ContentRule(Demand.WAY_OUT, ("sms",), BLOCKER, _TEXTS),
        ContentRule(Demand.WAY_OUT_TONGUE, ("sms",), WARNING, _TEXTS),
        ContentRule(
            Demand.LEGAL_BASIS, ("sms",), BLOCKER, "47 CFR 64.1200(a)(2), (f)(9)", bases=frozenset({"EXPLICIT"})
        ),
    ),
)
