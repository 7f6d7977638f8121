"""The words from data that a text may use, named for people, with a sample value."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency
from django.utils.translation import get_language

from campaigns.console import marking
from campaigns.sequences import part_words, snippets, wording
from campaigns.sequences.models import Snippet

_DAYS = (
    "evidence.projected_hit_date", "evidence.day", "evidence.since", "evidence.renews_on", "evidence.trial_ends_on",
    "evidence.added_since", "evidence.first_at", "offer.valid_until",
)  # fmt: skip

_PRICES = (
    "offer.new_monthly", "offer.old_monthly", "offer.difference", "offer.extra_seats_cost", "offer.extra_seat_price",
    "offer.saves_against_extra_seats",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variable:
    """`insert` is what the picker puts into the text; `lack` says who has none, empty where everybody has."""

    name: str
    title: str
    insert: str
    sample: str
    lack: str = ""


def list_variables(*, has_offer: bool, facts: Mapping[str, Any]) -> list[Variable]:
    """Samples are those of the person shown in the preview where there are any."""
    titles = part_words.variable_names()
    found = []
    for name, sample in wording.variables(has_offer=has_offer).items():
        if name not in titles:
            continue
        group, _dot, key = name.partition(".")
        value = (facts.get(group) or {}).get(key, sample)
        found.append(Variable(name, titles[name], _insert(name), _shown(name, value, _currency(group, facts))))
    return found


def list_snippets(*, locale: str, facts: Mapping[str, Any]) -> list[Variable]:
    """Named texts, each with what it says in the language to the person shown."""
    names = dict(Snippet.objects.order_by("name", "pk").values_list("slug", "name"))
    texts = snippets.load(slugs=names)
    return [
        Variable(slug, name, f"{{% include '{slug}' %}}", _said(texts[slug], locale, facts))
        for slug, name in names.items()
        if slug in texts
    ]


def _said(texts: Mapping[str, str], locale: str, facts: Mapping[str, Any]) -> str:
    spoken = locale if texts.get(locale) else "en"
    return marking.words_of(source=texts.get(spoken, ""), facts=facts, locale=spoken)


def _currency(group: str, facts: Mapping[str, Any]) -> str:
    told = (facts.get(group) or {}).get("currency")
    return str(told or wording.variables(has_offer=True).get(f"{group}.currency", ""))


def _shown(name: str, value: Any, currency: str) -> str:
    """As a reader would see it, near enough: money with its currency, a day without its hour, several as a list."""
    if name in (*_PRICES, "evidence.monthly"):
        with contextlib.suppress(ArithmeticError, ValueError):
            return str(format_currency(Decimal(str(value)), currency, locale=get_language() or "en"))
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    if name in _DAYS:
        with contextlib.suppress(ValueError):
            day = datetime.fromisoformat(str(value)).date()
            return str(format_date(day, "long", locale=get_language() or "en"))
    return str(value)


def _insert(name: str) -> str:
    if name == "contact.first_name":
        return "{{ contact.first_name | default: '' }}"
    if name in _PRICES:
        return f"{{{{ {name} | money: offer.currency }}}}"
    if name == "evidence.monthly":
        return "{{ evidence.monthly | money: evidence.currency }}"
    if name in _DAYS:
        return f"{{{{ {name} | date: 'long' }}}}"
    return f"{{{{ {name} }}}}"
