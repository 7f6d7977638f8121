"""Where the links of a message lead, once its values are in it: nowhere that runs something."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape

from orchestrator.templating.errors import TemplateError

_ADDRESS = re.compile(r"""\b(?:href|src|background|poster)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
# A link of ours by itself, and what may follow it should there be none: nothing that begins with a scheme.
_PLAIN = re.compile(r"\{\{-?\s*links\.\w+\s*-?\}\}(?=[?#&/]|$)")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_SAFE = frozenset({"https", "http", "mailto", "tel"})
# Browsers read past these.
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
# In a product's page relative addresses are the host's own: /logout.
_IN_APP = {
    "href": re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE),
    "src": re.compile("https://", re.IGNORECASE),
}


@lru_cache(maxsize=256)
def depends_on_values(html: str) -> bool:
    """Whether in this Liquid source a value decides how an address begins."""
    return any(value.startswith("{") and not _PLAIN.match(value) for value in _values(html))


def check_rendered(html: str) -> None:
    """Raises TemplateError for an address with a scheme that no mail needs. What it says holds no value."""
    for value in _values(html):
        scheme = _SCHEME.match(_BLANKS.sub("", unescape(value)))
        if scheme and scheme[1].lower() not in _SAFE:
            raise TemplateError(
                "With this contact's values a link does not start with https://, mailto: or tel:.", code="BAD_ADDRESS"
            )


def is_for_a_page(attribute: str, value: str) -> bool:
    """Whether an in-app message may have the address: a whole one, and pictures by https alone."""
    return bool(_IN_APP[attribute].match(value))


def shows(html: str, link: str) -> bool:
    """Whether a reader sees the link: as words or a picture that lead there, or written out."""
    place = html.find(link)
    while place >= 0:
        tag = html.rfind("<", 0, place)
        if html.rfind(">", 0, place) > tag:
            return True
        if _leads_somewhere(html[tag : html.find("</a>", place) + 1]):
            return True
        place = html.find(link, place + len(link))
    return False


def _leads_somewhere(element: str) -> bool:
    """An `<a href=…>` up to its end tag, with something in it."""
    head, _, inside = element.partition(">")
    if not re.match(r"<a\s", head, re.IGNORECASE) or re.search(r"display\s*:\s*none", head, re.IGNORECASE):
        return False
    return "<img" in inside or bool(re.sub(r"<[^>]*>?|&nbsp;|\s", "", inside))


def _values(html: str) -> list[str]:
    return [(one[1] or one[2] or one[3] or "").strip() for one in _ADDRESS.finditer(html)]
