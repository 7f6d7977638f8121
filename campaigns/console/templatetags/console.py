"""Icons, figures and left-to-right islands for the studio's templates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_bidi, ngettext

register = template.Library()

# Icons that point along the line of reading and so turn round in Hebrew (design.md, Right to left).
MIRRORED = {"brand", "undo", "redo", "chevron-end", "trend-up", "trend-down", "arrow-end", "arrow-start"}


@register.simple_tag
@cache
def icon(name: str, classes: str = "") -> SafeString:
    """One symbol of static/icons.svg, hidden from assistive technology: the words beside it speak."""
    flip = " icon-flip" if name in MIRRORED else ""
    return format_html(
        '<svg class="icon{} {}" aria-hidden="true"><use href="{}#{}"/></svg>', flip, classes, static("icons.svg"), name
    )


@register.filter
def ltr(value: object) -> SafeString:
    """An island for ids, addresses, money and signed numbers inside right-to-left text."""
    return format_html('<bdi dir="ltr">{}</bdi>', value)


@register.filter
def money(value: Decimal | float | None, currency: str) -> SafeString:
    """Money in the reader's way of writing it, rounded to whole units from 100 up."""
    if value is None:
        return format_html("{}", "–")
    return format_html('<bdi dir="ltr">{}</bdi>', _money_text(value, currency))


def money_words(value: Decimal | float, currency: str) -> str:
    """The same inside a sentence, an island without markup."""
    text = _money_text(value, currency)
    return f"\u2066{text}\u2069" if get_language_bidi() else text


def _money_text(value: Decimal | float, currency: str) -> str:
    digits, locale = "#,##0" if abs(float(value)) >= 100 else "#,##0.00", get_language() or "en"
    # A sign stands at its figure, letters stand off from it: $99, RON 449.
    gap = "\u00a0" if get_currency_symbol(currency, locale=locale)[-1:].isalpha() else ""
    text = format_currency(value, currency, format=f"¤{gap}{digits}", locale=locale, currency_digits=False)
    return str(text).replace("-", "−")


@register.filter
def percent(share: float | None, decimals: int = 1) -> str:
    """0.084 → “8.4 %” (no space in Hebrew); nobody and everybody are 0 % and 100 % sharp; None → a dash."""
    if share is None:
        return "–"
    if share in (0, 1):
        decimals = 0
    space = "" if (get_language() or "").startswith("he") else "\u00a0"
    return f"{number_format(round(share * 100, decimals), decimals)}{space}%"


_WEEKDAY = {"en": "EEEE, d MMMM", "he": "EEEE, d בMMMM", "ro": "EEEE, d MMMM"}


@register.filter
def weekday(moment: datetime) -> str:
    """“Sunday, 22 November” in the reader's language and time zone."""
    language = get_language() or "en"
    return format_date(timezone.localtime(moment), _WEEKDAY.get(language, "full"), locale=language)


@register.simple_tag
def moment(then: datetime | None, now: datetime) -> str:
    """“14:02” for today, “18 Nov” for another day of the year, “18 Nov 2025” before; in the reader's time zone."""
    if then is None:
        return "–"
    local, today = timezone.localtime(then), timezone.localtime(now).date()
    return f"{local:%H:%M}" if local.date() == today else calendar_day(local.date(), today)


def calendar_day(then: date, today: date) -> str:
    """“18 Nov” for a day of this year, “18 Nov 2025” before."""
    language = get_language() or "en"
    if language == "en":
        return format_date(then, "d MMM" if then.year == today.year else "d MMM y", locale="en")
    return format_skeleton("MMMd" if then.year == today.year else "yMMMd", then, locale=language)


@register.simple_tag
def on_day(then: date, now: datetime) -> str:
    return calendar_day(then, timezone.localtime(now).date())


@register.filter
def count(value: int | None) -> str:
    """A whole number with its thousands apart; None → a dash."""
    return "–" if value is None else str(format_decimal(value, locale=get_language() or "en"))


@register.simple_tag
def bar_width(share: float | None) -> str:
    """The width attribute of a bar: “86.2%”, with a point in every language."""
    return f"{min(max(share or 0.0, 0.0), 1.0) * 100:.1f}%"


@register.simple_tag
def age(then: datetime | None, now: datetime) -> str:
    """How old something is, in words: “2 minutes old”."""
    if then is None:
        return "–"
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 1:
        return ngettext("less than a minute old", "less than a minute old", 1)
    if minutes < 120:
        return ngettext("%(n)d minute old", "%(n)d minutes old", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(n)d hour old", "%(n)d hours old", hours) % {"n": hours}
    return ngettext("%(n)d day old", "%(n)d days old", hours // 24) % {"n": hours // 24}
