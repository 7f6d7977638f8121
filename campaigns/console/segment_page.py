"""What stands beside the rules: the live count, who can be reached, each line alone, ten of them and why."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.console.forms import rule_moves
from campaigns.console.forms.rules import GROUP, KEPT, Row, Tree
from campaigns.console.forms.segments import Draft
from campaigns.console.templatetags.console import count as show_count
from campaigns.segments import explain, preview, selectors, sessions, words
from campaigns.segments.errors import DefinitionError
from campaigns.segments.explain import Sampled
from campaigns.segments.models import Segment
from campaigns.segments.parse import read_definition
from campaigns.segments.preview import Preview
from campaigns.sequences.models import Campaign

REASONS = ("OPTED_OUT", "NO_CONSENT", "NO_ADDRESS", "BOUNCED")
SAMPLE_SIZE = 10


@dataclass(frozen=True, slots=True)
class Reach:
    channel: str
    label: str
    icon: str
    count: int
    share: float | None
    not_reached: int


@dataclass(slots=True)
class Live:
    """`trouble` says why there is no count; then the figures are not shown. `is_blank`: there are lines, but none is
    filled in yet. `hides_sample`: it would name people to somebody who may not see them."""

    subject: str = "account"
    preview: Preview | None = None
    reach: list[Reach] = field(default_factory=list)
    reasons: list[tuple[str, list[int]]] = field(default_factory=list)
    sample: list[SampleRow] = field(default_factory=list)
    hides_sample: bool = False
    left_out: int = 0
    is_blank: bool = False
    trouble: str = ""

    @property
    def share(self) -> float | None:
        found = self.preview
        return found.count / found.base if found and found.base else None

    @property
    def is_most(self) -> bool:
        return bool(self.share and self.share > 0.5)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """`why` is sentence and figures of the lines that hold and say something about this one."""

    pk: int
    name: str
    contacts: int
    why: list[tuple[str, str]]


def look(draft: Draft, *, now: datetime, draw: str = "", sees_people: bool) -> Live:
    """Count what is filled in rightly, put each line's own count to its row, and draw ten: of contacts only where
    people may be seen. Never raises for a definition: what is wrong stands in `trouble`."""
    live = Live(draft.tree.subject, left_out=len([row for row in draft.errors if not row.is_unfinished]))
    lines = [row for row in draft.tree.all_rows() if row.kind != GROUP]
    live.is_blank = bool(lines) and all(row.is_unfinished for row in lines)
    if draft.problem:
        live.trouble = draft.problem
        return live
    try:
        found = preview.count(document=draft.definition, now=now)
        _count_lines(draft, now)
        drawn = explain.sample(document=draft.definition, now=now, limit=SAMPLE_SIZE, draw=draw or secrets.token_hex(4))
    except (DefinitionError, sessions.SegmentTooSlow) as error:
        live.trouble = error.message if isinstance(error, DefinitionError) else str(error)
        return live
    live.preview = found
    live.reach = _reach(found)
    live.reasons = _reasons(found, [reach.channel for reach in live.reach])
    live.hides_sample = live.subject == "contact" and not sees_people
    live.sample = [] if live.hides_sample else [_sample_row(one) for one in drawn]
    return live


def _count_lines(draft: Draft, now: datetime) -> None:
    counts: dict[str | None, int] = dict(preview.count_lines(document=draft.definition, now=now))
    for row in draft.tree.all_rows():
        row.alone = show_count(counts[row.path]) if row.path in counts else ""


def _reach(found: Preview) -> list[Reach]:
    names = {
        "email": (_("E-mail"), "mail"),
        "in_app": (_("In-app"), "inapp"),
        "sms": (_("SMS"), "sms"),
    }
    people = found.contacts
    return [
        Reach(
            channel, *names[channel], count=reached, share=reached / people if people else None,
            not_reached=people - reached,
        )
        for channel, reached in found.reachable.items()
        if channel in settings.CHANNELS
    ]  # fmt: skip


def _reasons(found: Preview, channels: Sequence[str]) -> list[tuple[str, list[int]]]:
    names = {
        "OPTED_OUT": _("Opted out"),
        "NO_CONSENT": _("No consent"),
        "NO_ADDRESS": _("No address"),
        "BOUNCED": _("Address or number doesn’t work"),
    }
    rows = [
        (names[reason], [found.not_reachable.get(channel, {}).get(reason, 0) for channel in channels])
        for reason in REASONS
    ]
    return [(name, numbers) for name, numbers in rows if any(numbers)]


def _sample_row(one: Sampled) -> SampleRow:
    """Lines with figures say why; a figure that only repeats its sentence says nothing."""
    lines = zip(one.about, one.why, strict=True)
    telling = [(about, figures.replace(" %", "\u00a0%")) for about, (said, figures) in lines if figures not in said]
    return SampleRow(one.pk, one.name, one.contacts, telling or [(said, "") for said, _figures in one.why[:2]])


def dress(tree: Tree) -> None:
    """Where each line may go, and what the form keeps and can't edit, in words."""
    rule_moves.mark_places(tree)
    kept = [row for row in tree.all_rows() if row.kind == KEPT]
    names = words.Names.load() if kept else words.Names()
    for row in kept:
        row.said = _sentence(row, names, tree.subject)


def in_words(draft: Draft) -> str:
    """The whole definition as one sentence; empty while it says nothing yet or can't be used."""
    if draft.problem or not draft.definition or not any(row.path is not None for row in draft.tree.all_rows()):
        return ""
    found = read_definition(draft.definition, in_branch=True)
    return words.sentence(found.root, subject=found.subject)


def _sentence(row: Row, names: words.Names, subject: str) -> str:
    try:
        node = read_definition(row.document, in_branch=True).root
    except DefinitionError as error:
        return error.message
    return words.sentence(node, names=names, subject="contact" if subject == "contact" else "account")


def tell_removed(row: Row, draft: Draft) -> str:
    """Rule “Country is RO” removed."""
    if row.kind == GROUP:
        return _("Group removed")
    try:
        document = row.document if row.kind == KEPT else draft.catalogue.get(row.fact).write(row.values)
        told = words.sentence(read_definition(document).root)
    except (ValueError, DefinitionError):
        return _("Rule removed")
    return _("Rule “%(rule)s” removed") % {"rule": told}


def used_by(segment: Segment) -> dict[str, Any]:
    campaigns = list(Campaign.objects.filter(segment=segment).order_by("name"))
    return {
        "campaigns": campaigns,
        "live": [one for one in campaigns if one.status in (Campaign.Status.LIVE, Campaign.Status.PAUSED)],
        "segments": Segment.objects.filter(slug__in=selectors.segments_naming(slug=segment.slug)).order_by("name"),
    }


def undo_and_redo(definitions: Sequence[Any]) -> tuple[int | None, int | None]:
    """From the definitions of all versions, oldest first: the places of those that Undo and Redo go to.

    Every step back is itself a new version, so the chain is read from the contents: a version that equals the one
    before its forerunner was a step back, one that equals what was last stepped back from a step forth.
    """
    past: list[int] = []
    future: list[int] = []
    for place, definition in enumerate(definitions):
        if len(past) > 1 and definitions[past[-2]] == definition:
            future.append(past.pop())
        elif future and definitions[future[-1]] == definition:
            past.append(future.pop())
        else:
            past.append(place)
            future.clear()
    return (past[-2] if len(past) > 1 else None), (future[-1] if future else None)
