"""Where in the host application an in-app message shows: `kind`, `page`, `feature` and `anchor` of its text."""

from __future__ import annotations

import re

from campaigns.sequences.reading import CampaignFileError, Node

KINDS = ("banner", "tooltip", "modal")
# All that a place is made of: the same in every language of a wording.
KEYS = ("kind", "page", "feature", "anchor")
LONGEST_PAGE, LONGEST_FEATURE, LONGEST_ANCHOR = 200, 60, 200
ANY_FEATURE = "*"
PAGE = re.compile(r"/[^\s*]*\*?")
FEATURE = re.compile(r"\*|[A-Za-z0-9][A-Za-z0-9_.:-]*")


def read_place(node: Node) -> dict[str, str]:
    """`kind` always, the others as they are written. Raises CampaignFileError."""
    place = {"kind": node.choice("kind", KINDS, default=KINDS[0])}
    if node.has("page"):
        place["page"] = _page(node)
    if node.has("feature"):
        place["feature"] = _feature(node)
    if place["kind"] == "tooltip":
        place["anchor"] = node.text("anchor", longest=LONGEST_ANCHOR)
    elif node.has("anchor"):
        words = "Only a tooltip points at something: leave `anchor` out, or make the kind `tooltip`."
        raise CampaignFileError(node.at("anchor"), words)
    return place


def _page(node: Node) -> str:
    page = node.text("page", longest=LONGEST_PAGE)
    if not PAGE.fullmatch(page):
        words = "A page is a path that begins with `/`; a `*` at its end stands for everything below."
        raise CampaignFileError(node.at("page"), words)
    return page


def _feature(node: Node) -> str:
    feature = node.text("feature", longest=LONGEST_FEATURE)
    if not FEATURE.fullmatch(feature):
        words = "A feature is its code in the host application, as in `sso`; `*` stands for any."
        raise CampaignFileError(node.at("feature"), words)
    return feature
