"""Heads of columns that a list can be ordered by, and links to its other pages."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns.console.listing import Listing
from campaigns.console.templatetags.console import icon

register = template.Library()


@register.simple_tag
def turn(listing: Listing, page: int) -> str:
    return listing.asked.query(page=str(page))


@register.simple_tag
def sort_head(listing: Listing, key: str, words: str, classes: str = "") -> SafeString:
    """A column's head as a link that orders by it; once more, the other way round. `key` begins with a minus where
    the first way is downwards."""
    asked, plain = listing.asked, key.removeprefix("-")
    is_current = asked.sort.removeprefix("-") == plain
    following = key if not is_current else plain if asked.sort.startswith("-") else f"-{plain}"
    way = ("descending" if asked.sort.startswith("-") else "ascending") if is_current else "none"
    mark = icon("down" if way == "descending" else "up") if is_current else ""
    query = asked.query(sort="" if following == asked.default_sort else following)
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a class="cr-sort" href="?{}">{}{}</a></th>',
        classes, way, query, words, mark,
    )  # fmt: skip
