"""What brought an account into a campaign's audience, read from its definition: a line crossed, usage, growth, events.

The definition is read as a person reads it, from top to bottom. What stands under a `not` brings nobody in. A segment
that the definition names is read as if it stood there.
"""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.segments import nodes, parse
from campaigns.segments.models import Segment

type Trigger = nodes.Crossing | nodes.Usage | nodes.Event


def find_triggers(*, segment: Segment | None) -> list[Trigger]:
    """All of them, in the order of the definition."""
    if segment is None or segment.live_version is None:
        return []
    root = parse.read_definition(segment.live_version.definition).root
    return list(_walk(root, frozenset({segment.slug})))


def meter_of(*, segment: Segment | None) -> str | None:
    """The meter that the audience is about: the first one its definition names."""
    named = [one.meter for one in find_triggers(segment=segment) if isinstance(one, nodes.Crossing | nodes.Usage)]
    return named[0] if named else None


def family_of(trigger: Trigger) -> str:
    """`use` (crossed lines too), `growth` or `events`: a message quotes one of each."""
    if isinstance(trigger, nodes.Event):
        return "events"
    return "growth" if isinstance(trigger, nodes.Usage) and trigger.per == "previous" else "use"


def _walk(node: nodes.Node, seen: frozenset[str]) -> Iterator[Trigger]:
    if isinstance(node, nodes.Crossing | nodes.Usage | nodes.Event):
        yield node
    elif isinstance(node, nodes.SegmentRef) and node.slug not in seen:
        named = Segment.objects.filter(slug=node.slug).select_related("live_version").first()
        if named is not None and named.live_version is not None:
            yield from _walk(parse.read_definition(named.live_version.definition).root, seen | {node.slug})
    elif not isinstance(node, nodes.Not):
        for child in nodes.children_of(node):
            yield from _walk(child, seen)
