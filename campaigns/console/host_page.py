"""The picture of a host application in which previews show in-app messages: as crescendo.js draws them, by its own
style sheet, without running it."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from django.conf import settings

_SCRIPT = "static/inapp/crescendo.js"
_SHEET = re.compile(r"const CSS = `(?P<css>[^`]*)`")
# A link alone in its paragraph is the message's button, as the script has it.
_ALONE = re.compile(r"<p>(<a\b)((?:(?!</?a\b|</p>).)*</a></p>)", re.DOTALL)


def style_sheet() -> str:
    """What the script adopts into its shadow root."""
    path = Path(settings.ROOT) / _SCRIPT
    return _read(path, path.stat().st_mtime_ns)


def with_buttons(html: str) -> str:
    return _ALONE.sub(r'<p>\1 class="button"\2', html)


@functools.lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> str:
    """`changed` makes a new version of the file a new entry."""
    found = _SHEET.search(path.read_text())
    assert found is not None, "crescendo.js keeps its style sheet in `const CSS`."
    return found["css"]
