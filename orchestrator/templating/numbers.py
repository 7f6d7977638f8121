"""Numbers and amounts as the reader's language writes them: one way for mails, pages of offers and notes."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal

_CODE_BEFORE_DIGIT = re.compile(r"(?<=[A-Z])(?=[0-9])")


@lru_cache(maxsize=32)
def locale_of(tag: str) -> Locale:
    """Babel's locale of a BCP 47 tag; English for one nobody knows."""
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")


def write_number(value: Decimal | int, *, locale: str, pattern: str | None = None) -> str:
    """Grouped: 50,000 in English and Hebrew, 50.000 in Romanian. `pattern` is CLDR's, where decimals are asked for."""
    return str(format_decimal(value, format=pattern, locale=locale_of(locale)))


@lru_cache(maxsize=4096)
def write_money(amount: Decimal, *, currency: str, locale: str) -> str:
    """Prices repeat over a batch, and writing one costs as much as the rest of a small mail."""
    written = str(format_currency(amount, currency, locale=locale_of(locale)))
    return _CODE_BEFORE_DIGIT.sub("\xa0", written)
