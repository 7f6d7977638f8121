"""The filters a template may use. Bounded: numbers, sizes and formats cannot be made to explode.

Text goes in and comes out unescaped (the environment escapes at output); only `escape` and `isolate` make markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from babel.dates import format_date, format_datetime
from liquid.builtin.filters.misc import default
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_environment
from markupsafe import Markup, escape

from orchestrator.templating.numbers import locale_of, write_money, write_number

if TYPE_CHECKING:
    from orchestrator.templating.liquid import MarketerEnvironment

LARGEST = Decimal(10) ** 15
_LONGEST_LIST = 1_000
_LONGEST_TEXT = 512 * 1024
_LONGEST_FORM = 1_000
_SIX_PLACES = Decimal("0.000001")
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,24}(\.[0-9]{1,12})?\s*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIRECTIVES = {
    "%Y": "yyyy", "%y": "yy", "%m": "MM", "%-m": "M", "%d": "dd", "%-d": "d", "%e": "d", "%B": "MMMM", "%b": "MMM",
    "%A": "EEEE", "%a": "EEE", "%H": "HH", "%I": "hh", "%M": "mm", "%S": "ss", "%p": "a",
}  # fmt: skip
_PLURAL_ORDER = ("zero", "one", "two", "few", "many", "other")
_FORMATS = {"short", "medium", "long", "full"}


def _wrong(message: str) -> FilterArgumentError:
    return FilterArgumentError(message, token=None)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or value is None:
        raise _wrong("a number is needed here")
    number: Decimal | None
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value)) if -LARGEST <= value <= LARGEST else None
    else:
        text = str(value)
        number = Decimal(text.strip()) if _NUMBER.fullmatch(text) else None
    if number is None or not number.is_finite() or abs(number) > LARGEST:
        raise _wrong(f"{str(value)[:40]!r} is not a number up to 10^15")
    return number


def _tidy(number: Decimal) -> int | Decimal:
    """At most six decimals, no trailing zeros, never in exponent notation, never beyond the limit."""
    if abs(number) > LARGEST:
        raise _wrong("the result is beyond 10^15")
    text = f"{number.quantize(_SIX_PLACES, rounding=ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
    return Decimal(text) if "." in text else int(text or 0)


def plus(value: Any, other: Any) -> int | Decimal:
    return _tidy(_number(value) + _number(other))


def minus(value: Any, other: Any) -> int | Decimal:
    return _tidy(_number(value) - _number(other))


def times(value: Any, other: Any) -> int | Decimal:
    return _tidy(_number(value) * _number(other))


def divided_by(value: Any, other: Any) -> int | Decimal:
    """As in Liquid: two whole numbers divide to a whole number, rounded down."""
    above, below = _number(value), _number(other)
    if below == 0:
        raise _wrong("a number cannot be divided by 0")
    if isinstance(value, int) and isinstance(other, int):
        return value // other
    return _tidy(above / below)


def round_(value: Any, digits: Any = 0) -> int | Decimal:
    """Half away from zero; with digits the zeros stay: `3.50`."""
    places = min(max(int(_number(digits)), 0), 6)
    rounded = _number(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return rounded if places else int(rounded)


def upcase(value: Any) -> str:
    return str(value).upper()


def downcase(value: Any) -> str:
    return str(value).lower()


def capitalize(value: Any) -> str:
    return str(value).capitalize()


def size(value: Any) -> int:
    return 0 if isinstance(value, int | float | Decimal) else len(value)


def first(value: Any) -> Any:
    return _listed(value)[0] if len(value) else None


def last(value: Any) -> Any:
    return _listed(value)[-1] if len(value) else None


def join(value: Any, separator: Any = ", ") -> str:
    if len(value) > _LONGEST_LIST:
        raise _wrong(f"a list of more than {_LONGEST_LIST} entries cannot be joined")
    between, texts = str(separator), [str(one) for one in _listed(value)]
    if sum(map(len, texts)) + len(between) * len(texts) > _LONGEST_TEXT:
        raise _wrong("the joined list is too long")
    return between.join(texts)


def escape_(value: Any) -> Markup:
    return escape(str(value))


def _listed(value: Any) -> Any:
    if not isinstance(value, list | tuple | range):
        raise _wrong("a list is needed here")
    return value


@with_environment
def isolate(value: Any, *, environment: MarketerEnvironment) -> str:
    """Keeps a phone number, e-mail, URL or amount readable inside right-to-left text."""
    if environment.autoescape:
        return Markup('<bdi dir="ltr">{}</bdi>').format(value)
    return f"\u2066{value}\u2069"


@with_environment
def money(value: Any, currency: Any = "", *, environment: MarketerEnvironment) -> str:
    """`{{ offer.new_monthly | money: offer.currency }}` in the content's locale."""
    code = str(currency).upper()
    if not _CURRENCY.fullmatch(code):
        raise _wrong(f"{code[:10]!r} is not a currency code such as USD")
    return write_money(_number(value), currency=code, locale=environment.locale)


@with_environment
def number(value: Any, digits: Any = None, *, environment: MarketerEnvironment) -> str:
    """Grouped in the content's locale; with digits exactly that many decimals (at most 6)."""
    amount = _number(value)
    if digits is None:
        return write_number(amount, locale=environment.locale)
    places = min(max(int(_number(digits)), 0), 6)
    pattern = "#,##0." + "0" * places if places else "#,##0"
    return write_number(amount, locale=environment.locale, pattern=pattern)


@with_environment
def plural(value: Any, *forms: Any, environment: MarketerEnvironment) -> str:
    """`{{ evidence.quota | plural: "# seat", "# seats" }}`: the form that goes with the number, # the number itself.

    As many forms as the content's language has, the last one for all others. English: one, other. Hebrew: one, two,
    other. Romanian: one, few, other (from 20 up most numbers take "de": "# loc", "# locuri", "# de locuri").
    """
    amount, locale = _number(value), locale_of(environment.locale)
    kinds = [kind for kind in _PLURAL_ORDER if kind in locale.plural_form.tags or kind == "other"]
    if len(forms) != len(kinds):
        raise _wrong(f"plural takes {len(kinds)} forms in this language ({', '.join(kinds)}), not {len(forms)}")
    form = str(forms[kinds.index(locale.plural_form(abs(amount)))])
    if len(form) > _LONGEST_FORM:
        raise _wrong(f"a form of plural has at most {_LONGEST_FORM} characters")
    return form.replace("#", write_number(amount, locale=environment.locale))


def form_of(value: Any, *, locale: str) -> str:
    """Which form `plural` picks (CLDR's name of it); empty for what is no number."""
    try:
        return str(locale_of(locale).plural_form(abs(_number(value))))
    except FilterArgumentError:
        return ""


@with_environment
def date_(value: Any, pattern: Any = "medium", *, environment: MarketerEnvironment) -> str:
    """ISO 8601 text or a date, as `short`, `medium`, `long`, `full` or with directives such as `%d.%m.%Y`.

    Month and day names are in the content's locale. `now` and `today` are no dates: a message is rendered again at
    any time and must say the same.
    """
    moment, locale, wanted = _moment(value), locale_of(environment.locale), str(pattern)
    if wanted in _FORMATS:
        return str(format_date(moment, format=wanted, locale=locale))
    return str(format_datetime(moment, format=_babel_pattern(wanted), locale=locale))


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a calendar day, no instant
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise _wrong(f"{str(value)[:40]!r} is not a date such as 2026-03-01") from None


@lru_cache(maxsize=256)
def _babel_pattern(directives: str) -> str:
    if len(directives) > 60:
        raise _wrong("this date format is too long")
    made: list[str] = []
    literal = ""
    for part in re.split(r"(%-?[A-Za-z%])", directives):
        if part == "%%" or not part.startswith("%"):
            literal += part.replace("%%", "%")
            continue
        if part not in _DIRECTIVES:
            raise _wrong(f"{part!r} is not a known part of a date format")
        made += [_literal(literal), _DIRECTIVES[part]]
        literal = ""
    return "".join([*made, _literal(literal)])


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'" if text else ""


FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": capitalize,
    "date": date_,
    "default": default,
    "divided_by": divided_by,
    "downcase": downcase,
    "escape": escape_,
    "first": first,
    "isolate": isolate,
    "join": join,
    "last": last,
    "minus": minus,
    "money": money,
    "number": number,
    "plural": plural,
    "plus": plus,
    "round": round_,
    "size": size,
    "times": times,
    "upcase": upcase,
}
