"""Input as nobody should send it: valid documents with hostile values in any of their places, and plain rubbish."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, -(10**400), 1e308, float("nan"), float("inf"), "", " ", "\x00", "a\x00b",
    "\ud800", "\u202e", "שלום", "x" * 70_000, "' OR 1=1 --", "{{ 7 | times: 7 }}", "{% raw %}", "<script>", "../../etc",
    "9999-12-31T23:59:59.999999Z", "0001-01-01", "0000-00-00", "2026-02-30", "NaN", "1e999", "-0", "https://[::1",
    "\r\nBcc: x@example.test", [], {}, [[]], {"": ""}, [None] * 50, {"$ref": "#"}, {"\x00": 1},
)  # fmt: skip
RAW: tuple[bytes, ...] = (
    b"", b"{", b"[" * 3000, b'{"a":' * 3000, b"\xff\xfe\x00", b"null", b'"\\ud800"', b"NaN", b"1" * 5000,
    b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b"\x1f\x8b\x08\x00broken", b"a=1&b=%00&c=%ff%fe", b"0" * 200_000,
)  # fmt: skip

# What keeps a pattern or a parser busy that looks ahead or back: each by itself, and many thousand times.
PUMPS = (
    "<style", "<!--", "<a b='", "<div>", "</", "&", "&#", "\n", " \n", "-", "_", "(", '"', "<", ">", "stop ", "dont ",
    "dont want to ", "no more ", "how to ", "לא ", "לא רוצה את ", "אל תשלחו לי יותר ", "nu mai ", "nu va sa ",
    "a:\n", "=?",
)  # fmt: skip
pumped = st.builds(
    lambda one, size: (one * size)[:size], st.sampled_from(PUMPS), st.sampled_from([100, 10_000, 300_000])
)

leaves = st.one_of(
    st.sampled_from(LEAVES), st.text(max_size=30), st.integers(), st.floats(), st.datetimes().map(str), st.booleans()
)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
raw_bodies = st.sampled_from(RAW) | st.binary(max_size=300)


@st.composite
def spoilt(draw: st.DrawFn, documents: tuple[Any, ...]) -> Any:
    """One of the documents with one to three of its places replaced, removed or doubled."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 3))):
        holders = list(_holders(document))
        if not holders:
            return copy.deepcopy(draw(trees))
        holder, place = draw(st.sampled_from(holders))
        if draw(st.integers(0, 4)) == 0:
            del holder[place]
        else:
            holder[place] = copy.deepcopy(draw(trees))  # the same list twice would come to hold itself
        if isinstance(holder, dict) and draw(st.integers(0, 3)) == 0:
            holder[draw(st.text(max_size=10))] = copy.deepcopy(draw(leaves))
    return document


def _holders(node: Any) -> Any:
    """(container, key or index) of every place in a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for place, child in children:
        yield node, place
        yield from _holders(child)


def as_json(document: Any) -> bytes:
    """As other languages write it too: NaN and lone surrogates stand as they are."""
    return json.dumps(document).encode()


def bodies(documents: tuple[Any, ...]) -> st.SearchStrategy[bytes]:
    return spoilt(documents).map(as_json) | raw_bodies
