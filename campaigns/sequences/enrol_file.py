"""A CSV of accounts or contacts to take in: columns `account` and `contact`, external ids, either or both."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from campaigns.sequences.enrol_named import MOST, Named, Report

COLUMNS = ("account", "contact")
MOST_BYTES = 5_000_000


class NamesFileError(ValueError):
    """The file can't be read as a whole; the message says why. Single lines that can't be used are in the report."""


def read_names(*, content: bytes | str) -> list[Named]:
    """One for each line that is not empty; `place` is its line number. Other columns are passed over.

    Raises NamesFileError.
    """
    text = _decode(content)
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    try:
        head = [name.strip().lower() for name in next(rows, [])]
        columns = {name: head.index(name) for name in COLUMNS if name in head}
        if not columns:
            raise NamesFileError(_("The first line must name a column “account” or “contact”."))
        filled = (_named(row, columns, rows.line_num) for row in rows if any(cell.strip() for cell in row))
        named = list(islice(filled, MOST + 1))  # what is far too long is not read to its end
    except csv.Error as error:
        words = _("Line %(line)s can’t be read: %(why)s")
        raise NamesFileError(words % {"line": rows.line_num, "why": str(error)}) from error
    if len(named) > MOST:
        raise NamesFileError(_("The file names more than %(most)s.") % {"most": MOST})
    return named


def kept_name(*, name: str) -> str:
    """A file's name as the database takes it; what came with a browser may hold anything. Empty if nothing is left."""
    return "".join(char for char in name if char.isprintable()).strip()


def as_json(*, report: Report, slug: str) -> dict[str, Any]:
    return {
        "slug": slug,
        "dry_run": report.dry_run,
        "named": report.named,
        "enrolled": report.enrolled,
        "joined": report.joined,
        "holdout": report.holdout,
        "not_enrolled": dict(report.not_enrolled),
        "already_in": report.already_in,
        "not_again": report.not_again,
        "unfit": [{"line": int(one.place), "named": one.named, "why": one.why} for one in report.unfit],
    }


def _decode(content: bytes | str) -> str:
    if len(content) > MOST_BYTES:
        raise NamesFileError(_("The file is larger than 5 MB."))
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        raise NamesFileError(_("The file is no text in UTF-8.")) from error
    if "\0" in text:
        raise NamesFileError(_("The file is no text in UTF-8."))
    return text


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return ";" if head.count(";") > head.count(",") else ","


def _named(row: Sequence[str], columns: dict[str, int], line: int) -> Named:
    cells = {name: row[place].strip()[:200] if place < len(row) else "" for name, place in columns.items()}
    return Named(cells.get("account", ""), cells.get("contact", ""), str(line))
