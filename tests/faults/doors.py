"""Every address that the URLconf offers, and calls of it as nobody should make them.

The list is made by walking the URLconf, and what a page's forms send is read from the page: what is added later is
here without being named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from tests.faults.hostile import LEAVES, PUMPS, RAW

FORM = "application/x-www-form-urlencoded"
# What pages read from their query, beside the fields of their forms.
ASKED = ("q", "page", "p", "sort", "o", "f", "until", "tab", "part", "screen", "language", "lang", "contact",
         "template", "segment", "start", "edit", "t", "limit", "next", "all", "e", "_popup", "_to_field", "id__in",
         "pk__exact", "_changelist_filters", "term", "app_label", "model_name", "field_name", "queue")  # fmt: skip
METHODS = (*["POST"] * 16, "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")
WORDS = (
    *(str(leaf) if isinstance(leaf, str | int | float) else json.dumps(leaf) for leaf in LEAVES if leaf != -(10**400)),
    "9" * 400, "-" + "9" * 30, "2147483648", "9223372036854775808", "%00", "%", "\\", "../..", "'", "a" * 300,
    "\t", "١",
)  # fmt: skip
WHOLE = ("0", "1", "2147483648", "9223372036854775808", "9" * 60)
SLUGS = ("x", "-", "0", "a" * 300, "None", "_")
TEXTS = ("x", "0", "a:b:c", "\x00", "..", "a" * 2000, "שלום", "%", "'\"<", "\\", "٣", "{{x}}", "\r\n", "-1", "9" * 60)
_FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([^\"]+)\"[^>]*>", re.IGNORECASE)
_VALUE = re.compile(r"\bvalue=\"([^\"]*)\"", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Door:
    """A route as `admin/studio/segments/%(slug)s/`, and its parameters with the name of their converter."""

    template: str
    parameters: tuple[tuple[str, str], ...]

    def stem_of(self, parameter: str) -> str:
        """The word before it: `segments`."""
        return self.template.partition(f"%({parameter})s")[0].rstrip("/").rpartition("/")[2]


@cache
def all_doors() -> tuple[Door, ...]:
    return tuple(_walk(get_resolver(), "", ()))


def _walk(resolver: URLResolver, before: str, outer: tuple[tuple[str, str], ...]) -> Iterator[Door]:
    for one in resolver.url_patterns:
        template, names = normalize(one.pattern.regex.pattern)[0]
        known = getattr(one.pattern, "converters", {})
        kinds = (*outer, *((name, type(known.get(name)).__name__) for name in names))
        if isinstance(one, URLPattern):
            yield Door(before + template, kinds)
        else:
            yield from _walk(one, before + template, kinds)


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    body: bytes
    kind: str

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.kind} {self.body[:500]!r}"

    def make(self, client: Client) -> Any:
        response: Any = client.generic(self.method, self.path, self.body, content_type=self.kind)
        if response.streaming:
            for _piece in response.streaming_content:
                pass
        return response


class Caller:
    """Makes up calls. `known`: real values by the word before a parameter, else by its name."""

    def __init__(self, known: Mapping[str, Sequence[str]]) -> None:
        self.known = known

    def look(self, path: str, random: Random) -> Call:
        return Call("GET", self._asked(path, random), b"", FORM)

    def act(self, path: str, random: Random, fields: Mapping[str, str]) -> Call:
        """By any method, but most often with the fields of the page, some of them spoilt."""
        method = random.choice(METHODS)
        path = self._asked(path, random) if random.random() < 0.3 else path
        if method in {"GET", "HEAD", "TRACE"}:
            return Call(method, path, b"", FORM)
        return Call(method, path, *self._body(random, fields))

    def _asked(self, path: str, random: Random) -> str:
        words = {name: random.choice(WORDS) for name in _some(ASKED, random, 3)}
        return f"{path}?{self._encoded(words)}" if random.random() < 0.5 else path

    def path(self, door: Door, random: Random) -> str:
        values = {name: self._value(door, name, kind, random) for name, kind in door.parameters}
        return "/" + (door.template % {name: _quoted(value) for name, value in values.items()})

    def _value(self, door: Door, name: str, kind: str, random: Random) -> str:
        real = self.known.get(door.stem_of(name)) or self.known.get(name) or ()
        if real and random.random() < 0.8:
            return random.choice(real)
        pool = {"IntConverter": WHOLE, "SlugConverter": SLUGS, "NoneType": SLUGS}.get(kind, TEXTS)
        return random.choice(pool)

    def _body(self, random: Random, fields: Mapping[str, str]) -> tuple[bytes, str]:
        spoilt = dict(fields)
        for name in _some(tuple(fields), random, 3):
            if random.random() < 0.8:
                spoilt[name] = random.choice(WORDS)
            else:
                spoilt.pop(name, None)
        if random.random() < 0.2:
            spoilt[random.choice(WORDS)[:40]] = random.choice(WORDS)
        shape = random.random()
        if shape < 0.6:
            return self._encoded(spoilt).encode(), FORM
        if shape < 0.75:
            pumped = random.choice(PUMPS) * random.choice([1, 1000, 20_000])
            parts = {**spoilt, random.choice(tuple(spoilt) or ("x",)): pumped}
            plain = {_plain(name): _plain(value) for name, value in parts.items()}
            return encode_multipart(BOUNDARY, plain), MULTIPART_CONTENT
        if shape < 0.9:
            return json.dumps(spoilt).encode(), "application/json"
        return random.choice(RAW), random.choice(
            [FORM, MULTIPART_CONTENT, "application/json", "text/x;charset=none", ""]
        )

    def _encoded(self, fields: Mapping[str, str]) -> str:
        return urlencode(
            {name.encode(errors="replace"): value.encode(errors="replace") for name, value in fields.items()}
        )


def fields_of(page: bytes) -> dict[str, str]:
    """What a browser would send back of a page's forms, about."""
    found: dict[str, str] = {}
    for field in _FIELD.finditer(page.decode(errors="replace")):
        value = _VALUE.search(field[0])
        found.setdefault(unescape(field[1]), unescape(value[1]) if value else "")
    return found


def _some(names: Sequence[str], random: Random, most: int) -> list[str]:
    return [random.choice(names) for _ in range(random.randint(1, most))] if names else []


def _plain(text: str) -> str:
    return text.encode(errors="replace").decode()


def _quoted(value: str) -> str:
    return quote(value.encode(errors="replace"), safe="")
