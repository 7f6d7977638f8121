"""What axe finds on a page, asked for in the quickest way that still tells every breach."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Which rules run on what is axe's own choice: left out are only the elements' selectors and the details of what passed.
_RUN = """([runOnly, iframes]) => axe
    .run(document, {runOnly, iframes, selectors: false, resultTypes: ['violations']})
    .then(found => found.violations.map(
        one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 200)).join(' | ')}`))"""
# What follows a change of the width is drawn in the frame after it.
_DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
_WIDE = "document.documentElement.scrollWidth > window.innerWidth"


def breaches(page: Any, *, iframes: bool = False) -> list[str]:
    """Each broken rule with the elements that break it, on the page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    found: list[str] = page.evaluate(_RUN, [_STANDARDS, iframes])
    return found


def breaches_at(page: Any, *, widths: tuple[int, ...], height: int, iframes: bool = False) -> dict[int, list[str]]:
    """Per width what is broken there, "scrolls sideways" too. The page is loaded by now and is only resized."""
    found = {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(_DRAWN)
        problems = breaches(page, iframes=iframes) + (["scrolls sideways"] if page.evaluate(_WIDE) else [])
        if problems:
            found[width] = problems
    return found


@functools.cache
def _source() -> str:
    return (Path(__file__).parent / "vendor" / "axe.min.js").read_text() + ";0"
