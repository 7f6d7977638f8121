"""The campaign file: JSON in, frozen dataclasses out. Strict: unknown keys are errors with their path.

The published form is docs/campaign.schema.json; a test holds the two against each other. What a file means
against this database (does the segment exist, can each wording be sent) is judged by `apply` and `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from typing import Any

from campaigns.profiles.models import Membership
from campaigns.sequences import step_file, step_kinds, tracking
from campaigns.sequences.reading import CampaignFileError, Node, check_slug
from campaigns.sequences.step_file import StepSpec
from campaigns.sequences.tracking import TrackingSpec

__all__ = ["CampaignFileError", "CampaignSpec", "parse"]

LONGEST_SLUG = 60
PURPOSES = ("MARKETING", "TRANSACTIONAL")
NEVER, AFTER_COOLDOWN, ALWAYS = "NEVER", "AFTER_COOLDOWN", "ALWAYS"
GOAL_DAYS = 14
BY_SEGMENT, BY_EVENT, BY_HAND = "SEGMENT", "EVENT", "HAND"
EXITS = ("CONVERTED", "OPTED_OUT", "LEFT_SEGMENT", "REFUSED", "GATE_CLOSED")
ROLES = tuple(role.value for role in Membership.Role)
_KEYS = (
    "$schema", "slug", "name", "purpose", "topic", "audience", "entry", "recipients", "exit_on", "goal",
    "holdout_percent", "offer", "limits", "tracking", "steps",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AudienceSpec:
    """Exactly one of the three: a stored segment's slug, a definition, external ids of contacts."""

    segment_slug: str = ""
    definition: Mapping[str, Any] | None = None
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """`by`: what brings people in. SEGMENT: coming into the audience. EVENT: `event`, a segment's condition on one
    event, happening to somebody in the audience. HAND: nothing but being named, which the others allow too.

    `cooldown_days` count from the exit, `at_most` counts the entries of an account in all; None: no limit.
    """

    reentry: str
    cooldown_days: int
    at_most: int | None = None
    by: str = BY_SEGMENT
    event: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RecipientsSpec:
    """`roles` empty: any role."""

    roles: tuple[str, ...]
    per_account: int


@dataclass(frozen=True, slots=True)
class GoalSpec:
    kind: str
    window_days: int


@dataclass(frozen=True, slots=True)
class OfferSpec:
    """`name` given: the offer is made when it does not exist. `target_plan` empty: the next plan up."""

    slug: str
    name: str = ""
    target_plan: str = ""


@dataclass(frozen=True, slots=True)
class LimitsSpec:
    """The window is in the contact's own time; without one any hour will do."""

    window_from: time | None
    window_to: time | None
    send_by_hours: int
    priority: int


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    slug: str
    name: str
    purpose: str
    topic: str
    audience: AudienceSpec
    entry: EntrySpec
    recipients: RecipientsSpec
    exit_on: tuple[str, ...]
    goal: GoalSpec | None
    holdout_percent: Decimal
    offer: OfferSpec | None
    limits: LimitsSpec
    steps: tuple[StepSpec, ...]
    tracking: TrackingSpec = field(default_factory=TrackingSpec)

    def message_steps(self) -> tuple[StepSpec, ...]:
        return tuple(step for step in self.steps if step.kind == "MESSAGE")

    def arms(self) -> tuple[tuple[str, int], ...]:
        """(variant key, weight) of the comparison: those of the first step that compares anything."""
        steps = self.message_steps()
        compared = next((step for step in steps if len(step.variants) > 1), steps[0])
        return tuple((variant.key, variant.weight) for variant in compared.variants)


def parse(document: object) -> CampaignSpec:
    """Raises CampaignFileError with the path and the reason of the first thing that is wrong."""
    root = Node.of(document, "")
    root.allow_only(_KEYS)
    return CampaignSpec(
        slug=root.slug("slug", longest=LONGEST_SLUG),
        name=root.text("name"),
        purpose=root.choice("purpose", PURPOSES, default="MARKETING"),
        topic=check_slug(root.text("topic", default="offers", longest=60), "topic", longest=60),
        audience=_audience(root.child("audience")),
        entry=_entry(root.child_or_empty("entry")),
        recipients=_recipients(root.child_or_empty("recipients")),
        exit_on=root.choices("exit_on", EXITS, default=EXITS),
        goal=_goal(root),
        holdout_percent=_percent(root),
        offer=_offer(root),
        limits=_limits(root.child_or_empty("limits")),
        steps=step_file.parse_steps(root.required("steps")),
        tracking=tracking.read_tracking(root),
    )


def read_entry(document: Mapping[str, Any]) -> EntrySpec:
    """Of a stored version, without reading the rest."""
    return _entry(Node.of(document, "").child_or_empty("entry"))


def _audience(node: Node) -> AudienceSpec:
    node.allow_only(("segment", "contacts"))
    if node.has("segment") == node.has("contacts"):
        raise CampaignFileError(node.path, "Name either a segment or contacts.")
    if node.has("contacts"):
        return AudienceSpec(contacts=_contacts(node))
    segment = node.required("segment")
    if isinstance(segment, str):
        return AudienceSpec(segment_slug=check_slug(segment, node.at("segment"), longest=80))
    return AudienceSpec(definition=Node.of(segment, node.at("segment")).value)


def _contacts(node: Node) -> tuple[str, ...]:
    values, path = node.required("contacts"), node.at("contacts")
    if not isinstance(values, list) or not values:
        raise CampaignFileError(path, "This must be a list of external ids that is not empty.")
    for place, value in enumerate(values):
        if not isinstance(value, str) or not value:
            raise CampaignFileError(f"{path}[{place}]", "This must be a contact's external id.")
    return tuple(dict.fromkeys(values))


def _entry(node: Node) -> EntrySpec:
    node.allow_only(("reentry", "cooldown_days", "at_most", "by", "event"))
    event = _event(node.child("event")) if node.has("event") else None
    by = node.choice("by", (BY_SEGMENT, BY_EVENT, BY_HAND), default=BY_EVENT if event else BY_SEGMENT)
    if (by == BY_EVENT) != (event is not None):
        raise CampaignFileError(node.at("event"), "Name the event, and only where an event brings people in.")
    return EntrySpec(
        reentry=node.choice("reentry", (NEVER, AFTER_COOLDOWN, ALWAYS), default=NEVER),
        cooldown_days=node.whole("cooldown_days", low=0, high=3650, default=90),
        at_most=node.whole("at_most", low=1, high=1000) if node.has("at_most") else None,
        by=by,
        event=event,
    )


def _event(node: Node) -> dict[str, Any]:
    """As a segment's condition; whether `where` is well-formed is the grammar's business."""
    node.allow_only(("name", "where"))
    condition: dict[str, Any] = {"event": node.text("name")}
    return condition | ({"where": node.value["where"]} if node.has("where") else {})


def _recipients(node: Node) -> RecipientsSpec:
    node.allow_only(("roles", "per_account"))
    return RecipientsSpec(
        roles=node.choices("roles", ROLES, default=()),
        per_account=node.whole("per_account", low=1, high=100, default=1),
    )


def _goal(root: Node) -> GoalSpec | None:
    if not root.has("goal"):
        return None
    node = root.child("goal")
    node.allow_only(("kind", "window_days"))
    return GoalSpec(
        kind=node.choice("kind", ("UPGRADE",), default="UPGRADE"),
        window_days=node.whole("window_days", low=1, high=365, default=GOAL_DAYS),
    )


def _percent(root: Node) -> Decimal:
    value = root.value.get("holdout_percent", 0)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 100
    if not good or Decimal(str(value)) != Decimal(str(value)).quantize(Decimal("0.01")):
        raise CampaignFileError("holdout_percent", "This must be a number from 0 to below 100, two decimals at most.")
    return Decimal(str(value))


def _offer(root: Node) -> OfferSpec | None:
    value = root.value.get("offer")
    if value is None:
        return None
    if isinstance(value, str):
        return OfferSpec(check_slug(value, "offer", longest=80))
    node = Node.of(value, "offer")
    node.allow_only(("slug", "name", "target_plan"))
    return OfferSpec(
        slug=node.slug("slug", longest=80),
        name=node.text("name"),
        target_plan=node.slug("target_plan", longest=60) if node.has("target_plan") else "",
    )


def _limits(node: Node) -> LimitsSpec:
    node.allow_only(("window", "send_by_hours", "priority"))
    opens, closes = _window(node)
    return LimitsSpec(
        window_from=opens,
        window_to=closes,
        send_by_hours=node.whole("send_by_hours", low=1, high=24 * 90, default=48),
        priority=node.whole("priority", low=0, high=100, default=50),
    )


def _window(node: Node) -> tuple[time | None, time | None]:
    if not node.has("window"):
        return None, None
    window = node.child("window")
    window.allow_only(("from", "to"))
    opens, closes = step_kinds.read_time(window, "from"), step_kinds.read_time(window, "to")
    if opens >= closes:
        raise CampaignFileError(window.path, "The window must open before it closes, on the same day.")
    return opens, closes
