"""Israel's days of rest, from the arithmetic of the fixed Hebrew calendar.

The new year is the day of the mean conjunction (molad) of Tishri moved by the four postponements; source: Reingold
and Dershowitz, Calendrical Calculations, "The Hebrew Calendar". Every other feast stands at a fixed distance from a
new year, because the months from Nisan to Tishri never change their length. The days themselves: Law and
Administration Ordinance 1948, s. 18A (the feasts), Independence Day Law 1949, Fallen Soldiers Remembrance Day Law
1963; all begin on the evening before.
"""

from __future__ import annotations

import functools
from datetime import date, timedelta
from enum import StrEnum

_EPOCH = -1373427  # the day before 1 Tishri of the year 1, as date.toordinal() counts
_PASSOVER_TO_NEW_YEAR = 163
_MONDAY, _THURSDAY, _FRIDAY, _SATURDAY = 0, 3, 4, 5


class Rest(StrEnum):
    """Why a day is one of rest; pages put it into the reader's words."""

    SHABBAT = "shabbat"
    PASSOVER = "passover"
    REMEMBRANCE = "remembrance"
    INDEPENDENCE = "independence"
    SHAVUOT = "shavuot"
    ROSH_HASHANAH = "rosh_hashanah"
    YOM_KIPPUR = "yom_kippur"
    SUKKOT = "sukkot"
    SIMCHAT_TORAH = "simchat_torah"


def new_year(gregorian_year: int) -> date:
    """The first day of Rosh Hashanah that falls in the year."""
    year = gregorian_year + 3761
    before, this, after = (_elapsed_days(one) for one in (year - 1, year, year + 1))
    if after - this == 356:
        this += 2
    elif this - before == 382:
        this += 1
    return date.fromordinal(_EPOCH + this)


@functools.lru_cache(maxsize=32)
def rest_days(gregorian_year: int) -> dict[date, Rest]:
    """Days without work by law (no Saturdays but those that are feasts), and the two days of remembrance and joy."""
    rosh_hashanah = new_year(gregorian_year)
    passover = rosh_hashanah - timedelta(days=_PASSOVER_TO_NEW_YEAR)
    independence = _independence_day(passover + timedelta(days=20))
    # The first and the seventh day of Passover; both days of the new year.
    spring = {0: Rest.PASSOVER, 6: Rest.PASSOVER, 50: Rest.SHAVUOT}
    autumn = {
        0: Rest.ROSH_HASHANAH, 1: Rest.ROSH_HASHANAH, 9: Rest.YOM_KIPPUR, 14: Rest.SUKKOT, 21: Rest.SIMCHAT_TORAH
    }  # fmt: skip
    return {
        **{passover + timedelta(days=days): rest for days, rest in spring.items()},
        independence - timedelta(days=1): Rest.REMEMBRANCE,
        independence: Rest.INDEPENDENCE,
        **{rosh_hashanah + timedelta(days=days): rest for days, rest in autumn.items()},
    }


def is_rest_day(day: date) -> bool:
    return day.weekday() == _SATURDAY or day in rest_days(day.year)


def name_rest(day: date) -> str:
    """One of Rest, a feast before Shabbat; empty for a day of work."""
    feast = rest_days(day.year).get(day)
    return feast or (Rest.SHABBAT if day.weekday() == _SATURDAY else "")


def is_eve(day: date) -> bool:
    """The rest begins on its evening."""
    return is_rest_day(day + timedelta(days=1))


def _elapsed_days(year: int) -> int:
    months = (235 * year - 234) // 19
    parts = 12084 + 13753 * months
    days = 29 * months + parts // 25920
    return days + 1 if 3 * (days + 1) % 7 < 3 else days


def _independence_day(fifth_of_iyar: date) -> date:
    """Never beside Shabbat: a Friday or Saturday moves back to Thursday, a Monday on to Tuesday."""
    weekday = fifth_of_iyar.weekday()
    if weekday in (_FRIDAY, _SATURDAY):
        return fifth_of_iyar - timedelta(days=weekday - _THURSDAY)
    return fifth_of_iyar + timedelta(days=weekday == _MONDAY)
