from __future__ import annotations

from itertools import count
from typing import Any

from campaigns.segments import store
from campaigns.segments.models import Segment
from tests.factories.usage import NOW

_numbers = count(1)


def make_segment(definition: dict[str, Any] | None = None, *, slug: str = "") -> Segment:
    """A live segment with one version, made the way the product makes it; everyone when nothing is said."""
    slug = slug or f"segment-{next(_numbers)}"
    version = store.save_segment(
        slug=slug, name=slug.capitalize(), definition=definition or {"all": []}, by="factory", now=NOW
    )
    return version.segment


def live_definition(slug: str) -> Any:
    """The JSON that a stored segment goes by."""
    version = Segment.objects.select_related("live_version").get(slug=slug).live_version
    assert version is not None
    return version.definition
