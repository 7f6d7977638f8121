"""What a definition names, held against the database: meters, topics, campaigns, channels, other segments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any as AnyValue

from django.conf import settings

from campaigns.consent.models import ConsentTopic
from campaigns.delivery.models import SendGate
from campaigns.segments import grammar, nodes
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.usage.models import Meter

# Beside those that have an adapter: the messages of the product's own making.
CHANNELS = frozenset({"email", "sms", "in_app", "csm_task", "webhook"})


@dataclass(frozen=True, slots=True)
class Names:
    """`segments` holds the live definition of every segment that is reached, however indirectly."""

    meters: Mapping[str, int]
    topics: Mapping[str, bool]
    segments: Mapping[str, nodes.Definition]


def look_up(definition: nodes.Definition, *, own_slug: str | None = None) -> Names:
    """Raises DefinitionError for the first name that does not exist and for segments that lead back to
    themselves (or to `own_slug`, the segment that this definition is going to be)."""
    segments = _load_segments(definition)
    reached = [*nodes.walk(definition.root), *(node for other in segments.values() for node in nodes.walk(other.root))]
    check = _Check(
        meters=dict(Meter.objects.values_list("code", "pk")),
        topics=dict(ConsentTopic.objects.values_list("slug", "is_marketing")),
        campaigns=_known_campaigns(reached),
        segments=segments,
    )
    for node in nodes.walk(definition.root):
        check.node(node)
        if isinstance(node, nodes.SegmentRef):
            check.reference(node, [own_slug] if own_slug else [])
    return Names(check.meters, check.topics, segments)


def live_versions(*, segment: Segment | None, conditions: Iterable[AnyValue] = ()) -> dict[str, int]:
    """{slug: id of the live version} of the segment, of those that the conditions name, and of every one that these
    reach. What can't be read reaches none."""
    documents = [segment.live_version.definition] if segment is not None and segment.live_version is not None else []
    wanted = {segment.slug} if segment is not None else set()
    for document in (*documents, *conditions):
        try:
            definition = grammar.read_definition(document, in_branch=True)
            wanted |= {*_named_segments(definition), *_load_segments(definition)}
        except DefinitionError:
            continue
    rows = Segment.objects.filter(slug__in=wanted, live_version__isnull=False)
    return dict(rows.values_list("slug", "live_version"))


@dataclass(slots=True)
class _Check:
    meters: Mapping[str, int]
    topics: Mapping[str, bool]
    campaigns: Collection[str]
    segments: Mapping[str, nodes.Definition]
    passed: set[str] = field(default_factory=set)

    def node(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Usage) and node.meter not in self.meters:
            raise _error(node, "usage", f"There is no meter {node.meter}.")
        if isinstance(node, nodes.Crossing) and node.meter not in self.meters:
            raise _error(node, "crossing", f"There is no meter {node.meter}.")
        if isinstance(node, nodes.Consent) and node.topic not in self.topics:
            raise _error(node, "topic", f"There is no consent topic {node.topic}.")
        if isinstance(node, nodes.Engagement):
            if node.campaign and node.campaign not in self.campaigns:
                raise _error(node, "campaign", f"There is no campaign {node.campaign}.")
            if node.channel and node.channel not in CHANNELS | set(settings.CHANNELS):
                raise _error(node, "channel", f"There is no channel {node.channel}.")

    def reference(self, root: nodes.SegmentRef, trail: list[str], slug: str | None = None) -> None:
        """Follows every chain from `root` to its end; what is wrong far down is told where the chain begins."""
        slug = slug or root.slug
        if slug in trail:
            raise _error(root, "segment", f"Segments lead in a circle: {' → '.join([*trail, slug])}.")
        if slug not in self.segments:
            via = f", which {trail[-1]} names" if slug != root.slug else ""
            raise _error(root, "segment", f"There is no segment {slug}{via}.")
        if slug in self.passed:
            return
        for node in nodes.walk(self.segments[slug].root):
            try:
                self.node(node)
            except DefinitionError as error:
                raise _error(root, "segment", f"The segment {slug} can't be used: {error.message}") from error
            if isinstance(node, nodes.SegmentRef):
                self.reference(root, [*trail, slug], node.slug)
        self.passed.add(slug)


def _error(node: nodes.Condition, key: str, message: str) -> DefinitionError:
    return DefinitionError(f"{node.path}.{key}" if node.path else key, message)


def _known_campaigns(reached: Iterable[nodes.Node]) -> set[str]:
    named = {node.campaign for node in reached if isinstance(node, nodes.Engagement) and node.campaign}
    return set(SendGate.objects.filter(slug__in=named).values_list("slug", flat=True)) if named else set()


def _load_segments(definition: nodes.Definition) -> dict[str, nodes.Definition]:
    """Every segment that is reached, level by level with one query each; those that do not exist are absent."""
    known: dict[str, nodes.Definition] = {}
    asked: set[str] = set()
    wanted = _named_segments(definition)
    while wanted:
        asked |= wanted
        rows = Segment.objects.filter(slug__in=wanted, live_version__isnull=False, archived_at__isnull=True)
        for segment in rows.select_related("live_version"):
            assert segment.live_version is not None
            known[segment.slug] = grammar.read_definition(segment.live_version.definition)
        wanted = {slug for other in known.values() for slug in _named_segments(other)} - asked
    return known


def _named_segments(definition: nodes.Definition) -> set[str]:
    return {node.slug for node in nodes.walk(definition.root) if isinstance(node, nodes.SegmentRef)}
