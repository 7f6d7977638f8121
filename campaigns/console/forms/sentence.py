"""A rule as a sentence with fields in it. Phrases are translated as a whole, so that a language may
put the field where it wants: "in {days} days"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

Values = dict[str, list[str]]
"""What stands in a rule's fields, by field name: as posted."""

Option = tuple[str, str]

# Powers of ten: the grammar takes numbers up to 1e15, and below the smallest a number is 0 for every purpose here.
LARGEST, SMALLEST = 14, -12

_HOLE = re.compile(r"\{(\w+)\}")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([dw])\Z")


class RuleError(ValueError):
    """A field of a rule holds nothing usable. `is_missing`: it is only not filled in yet."""

    def __init__(self, field: str, message: str, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.is_missing = is_missing


@dataclass(frozen=True, slots=True)
class Widget:
    """`kind`: choice, tokens, text or number. `redraws`: choosing anew changes the sentence itself."""

    kind: str
    label: str
    options: Sequence[Option] = ()
    suggestions: str = ""
    redraws: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Words, or a field with what stands in it."""

    text: str = ""
    name: str = ""
    widget: Widget | None = None
    values: Sequence[str] = ()

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def chosen(self) -> list[Option]:
        """Of tokens: those chosen, with their names; a code that is no option any more stays visible."""
        names = dict(self.widget.options) if self.widget else {}
        return [(value, names.get(value, value)) for value in self.values]

    @property
    def left(self) -> list[Option]:
        return [option for option in self.widget.options if option[0] not in self.values] if self.widget else []


def compose(phrases: Sequence[str], widgets: Mapping[str, Widget], values: Values) -> list[list[Part]]:
    """One list of parts per phrase; a phrase wraps as a unit."""
    return [_parts(phrase, widgets, values) for phrase in phrases]


def _parts(phrase: str, widgets: Mapping[str, Widget], values: Values) -> list[Part]:
    parts = []
    for index, piece in enumerate(_HOLE.split(phrase)):
        if index % 2:
            parts.append(Part(name=piece, widget=widgets[piece], values=filled(values, piece)))
        elif piece.strip():
            parts.append(Part(text=piece.strip()))
    return parts


def filled(values: Values, name: str) -> list[str]:
    """Trimmed, without empty ones and repetitions."""
    return list(dict.fromkeys(value.strip() for value in values.get(name, []) if value.strip()))


def one(values: Values, name: str, default: str = "") -> str:
    return next(iter(filled(values, name)), default)


def need_text(values: Values, name: str, message: str) -> str:
    text = one(values, name)
    if not text:
        raise RuleError(name, message, is_missing=True)
    return text


def need_number(values: Values, name: str) -> Decimal:
    """A decimal comma is understood where there is no decimal point."""
    text = need_text(values, name, _("Fill in a number."))
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        number = Decimal(plain)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise RuleError(name, _("“%(text)s” is not a number.") % {"text": text})
    # The exponent first: to write out 1e999999 would take minutes.
    if number and number.adjusted() > LARGEST:
        raise RuleError(name, _("“%(text)s” is too large a number.") % {"text": text[:20]})
    return number if number.adjusted() > SMALLEST else Decimal(0)


def need_days(values: Values, name: str = "days") -> str:
    """As a duration of the grammar: `14d`."""
    number = need_number(values, name)
    if number != number.to_integral_value() or not 1 <= number < 1_000_000:
        raise RuleError(name, _("Days are a whole number, 1 or more."))
    return f"{int(number)}d"


def days_of(duration: Any) -> str | None:
    """“14” for `14d` and `2w`; None for hours and for what is no duration."""
    match = _DURATION.match(duration) if isinstance(duration, str) else None
    return str(int(match[1]) * (7 if match[2] == "w" else 1)) if match else None


def as_json_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def number_text(value: Any) -> str | None:
    """None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return format(Decimal(str(value)).normalize(), "f")
