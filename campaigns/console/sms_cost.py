"""What a text message costs the company for everybody who would get it, where the price of a part is known."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import ngettext

from campaigns.console.templatetags.console import count, money_words
from campaigns.delivery import spend
from campaigns.sequences import compose
from campaigns.sequences.cast import LISTED_ACCOUNTS, Cast


def words(*, segments: int, locale: str, available: Mapping[str, Any], audience: Cast) -> str:
    """Of those listed who have a number and read the language, each at the price of their number. Empty without a
    price, and where nobody would get it."""
    pick = partial(compose.pick_language, channel="sms", available=available)
    numbers = [
        one.contact.phone for one in audience.members if one.contact.phone and pick(contact=one.contact) == locale
    ]
    prices = [price for number in numbers if (price := spend.price_of(number=number)) is not None]
    if not prices:
        return ""
    said = ngettext(
        "At this length it costs at most %(sum)s for the %(n)s person of the audience who would read it.",
        "At this length it costs at most %(sum)s for the %(n)s people of the audience who would read it.",
        len(prices),
    )
    if not audience.is_whole:
        said = ngettext(
            "At this length it costs at most %(sum)s for the %(n)s person of the first %(all)s accounts who read it.",
            "At this length it costs at most %(sum)s for the %(n)s people of the first %(all)s accounts who read it.",
            len(prices),
        )
    total = segments * sum(prices, Decimal(0))
    told = {"n": count(len(prices)), "all": count(LISTED_ACCOUNTS)}
    return said % {"sum": money_words(total, settings.REPORTING_CURRENCY), **told}
