"""Read a page the way a browser does: its words, and what a form would send."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse

_VOID = {"input", "br", "hr", "img", "link", "meta"}


class _Form(HTMLParser):
    """The successful controls of one form, in the order of the page."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.fields: list[tuple[str, str]] = []
        self.inside = False
        self.select = ""
        self.options: list[tuple[str, bool]] = []
        self.textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        if not self.inside:
            return
        if tag == "input" and given.get("name"):
            self.fields.append((str(given["name"]), given.get("value") or ""))
        elif tag == "select":
            self.select, self.options = str(given.get("name")), []
        elif tag == "option" and self.select:
            self.options.append((given.get("value") or "", "selected" in given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        if tag == "select" and self.inside and self.options:
            chosen = [value for value, is_selected in self.options if is_selected]
            self.fields.append((self.select, chosen[0] if chosen else self.options[0][0]))
            self.select = ""


def fields_of(response: HttpResponse, form_id: str = "rules") -> dict[str, list[str]]:
    """As the client's `data`: names with all their values, in order."""
    parser = _Form(form_id)
    parser.feed(response.content.decode())
    found: dict[str, list[str]] = {}
    for name, value in parser.fields:
        found.setdefault(name, []).append(value)
    return found


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("script", "style", "option", "template", "title"):
            self.silent += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "option", "template", "title"):
            self.silent -= 1

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def words_of(response: HttpResponse) -> str:
    """What stands on the page, without what lists offer, white space folded."""
    parser = _Words()
    parser.feed(response.content.decode())
    return re.sub(r"\s+", " ", " ".join(parser.parts).replace("\u00a0", " ")).strip()
