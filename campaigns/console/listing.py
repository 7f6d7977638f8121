"""What every list of the studio shares: search, filters and order in the address, pages, “12 of 48”, CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.console.forms.sentence import Option
from campaigns.console.templatetags.console import count

PAGE_SIZE = 50
# Rows read from the database at a time while a file is written.
CHUNK = 1_000
LONGEST_SEARCH = 200
# A spreadsheet may run a cell that begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")


@dataclass(frozen=True, slots=True)
class Filter:
    """`every` is what stands in the list while nothing is chosen."""

    name: str
    label: str
    every: str
    choices: Sequence[Option]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; values that are none are passed over. `sort` is a key of the list's orders, with a
    minus in front for the other way round; `carried` are values that belong to the page and narrow nothing."""

    words: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    carried: Mapping[str, str] = field(default_factory=dict)
    default_sort: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.words or any(self.chosen.values()))

    def of(self, name: str) -> str:
        return self.chosen.get(name, "")

    def query(self, **instead: str) -> str:
        """As it stands in an address, without what is not said; `instead` replaces parts of it."""
        sort = "" if self.sort == self.default_sort else self.sort
        said = {**self.carried, "q": self.words, **self.chosen, "sort": sort} | instead
        return urlencode({name: value for name, value in said.items() if value})


def read(
    request: HttpRequest,
    *,
    filters: Sequence[Filter] = (),
    sorts: Sequence[str] = (),
    carried: Mapping[str, str] | None = None,
) -> Asked:
    """`sorts`: the orders there are, the usual one first; each can also be asked the other way round."""
    chosen = {}
    for one in filters:
        value = request.GET.get(one.name, "")
        chosen[one.name] = value if value in dict(one.choices) else ""
    usual = sorts[0] if sorts else ""
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in {known.removeprefix("-") for known in sorts} else usual
    words = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]  # PostgreSQL refuses NUL in text
    return Asked(words, chosen, sort, carried or {}, default_sort=usual)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list for its templates. `nouns` says a number of what is listed: “48 contacts”."""

    asked: Asked
    page: Page[Any]
    total: int
    nouns: Callable[[int], str]
    find_label: str
    csv_url: str
    filters: Sequence[Filter] = ()

    @property
    def found(self) -> int:
        return int(self.page.paginator.count)

    @property
    def heading(self) -> str:
        if not self.asked.is_narrowed:
            return self.nouns(self.found)
        return _("%(found)s of %(total)s") % {"found": count(self.found), "total": self.nouns(self.total)}

    @property
    def export_url(self) -> str:
        query = self.asked.query()
        return f"{self.csv_url}?{query}" if query else self.csv_url

    @property
    def clear_query(self) -> str:
        return urlencode(self.asked.carried)

    @property
    def choices(self) -> list[tuple[Filter, str]]:
        return [(one, self.asked.of(one.name)) for one in self.filters]

    @property
    def hidden(self) -> list[Option]:
        sort = "" if self.asked.sort == self.asked.default_sort else self.asked.sort
        return [*self.asked.carried.items(), *([("sort", sort)] if sort else [])]


def make(
    request: HttpRequest,
    *,
    asked: Asked,
    rows: Any,
    total: Callable[[], int],
    nouns: Callable[[int], str],
    find_label: str,
    file: str,
    file_args: Sequence[str] = (),
    filters: Sequence[Filter] = (),
) -> Listing:
    """`rows` is a query or a list of everything that was found; `file` the name of its CSV’s address. `total`
    is asked only where something is narrowed: otherwise everything was found."""
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    everything = total() if asked.is_narrowed else page.paginator.count
    return Listing(asked, page, everything, nouns, find_label, reverse(file, args=file_args), filters)


def export(*, name: str, head: Sequence[str], rows: Iterable[Sequence[object]], now: datetime) -> StreamingHttpResponse:
    """A CSV file `NAME-2026-11-24.csv` that is written while it is read. It begins with the mark by which spreadsheets
    know UTF-8; no cell is run as a formula."""
    response = StreamingHttpResponse(_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{now:%Y-%m-%d}.csv"'
    return response


class _Line:
    """A file that hands back what the CSV writer writes to it."""

    def write(self, text: str) -> str:
        return text


def _lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(head)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def cell(value: object) -> object:
    """A moment as ISO 8601, nothing for None; text that a spreadsheet would run as a formula is marked as text. Numbers
    stay numbers, also below zero."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value
