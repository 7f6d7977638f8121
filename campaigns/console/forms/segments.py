"""The segment form as a whole: its name on creation, its rules, and whether it can be saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms import catalogue as catalogues
from campaigns.console.forms import rule_moves, rules
from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.rules import Tree
from campaigns.segments import parse, store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentVersion


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        error_messages={"required": gettext_lazy("Give the segment a name.")},
    )
    slug = forms.SlugField(
        label=gettext_lazy("Short name for links and files"),
        max_length=80,
        required=False,
        error_messages={
            "invalid": gettext_lazy("Use small letters, digits and hyphens, for example “close-to-the-limit”.")
        },
        help_text=gettext_lazy(
            "Small letters, digits and hyphens. Made from the name when left empty; it can’t be changed later."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        slug = cleaned.get("slug") or slugify(cleaned.get("name", ""))[:80].strip("-_") or _free_slug()
        is_taken = slug in RESERVED or Segment.objects.filter(slug=slug).exists()
        if "name" in cleaned and "slug" not in self.errors and is_taken:
            self.add_error("slug", _("“%(slug)s” is taken. Choose another short name.") % {"slug": slug})
        return {**cleaned, "slug": slug}


# Words that stand in the pages' own addresses.
RESERVED = frozenset({"new", "count"})


def _free_slug() -> str:
    """For a name of which no Latin letter is left: segment, segment-2 …"""
    taken = set(Segment.objects.filter(slug__startswith="segment").values_list("slug", flat=True))
    number, slug = 2, "segment"
    while slug in taken:
        slug, number = f"segment-{number}", number + 1
    return slug


class RenameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)


# Errors that get a place beside their line; with more of them, nobody reads the last ones.
ERRORS_PLACED = 250


@dataclass(slots=True)
class Draft:
    """`definition` leaves out the lines with errors. `problem` is what is wrong with the whole."""

    tree: Tree
    catalogue: Catalogue
    definition: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    is_saved: bool = False

    @property
    def errors(self) -> list[rules.Row]:
        return self.tree.errors()

    @property
    def can_save(self) -> bool:
        return not self.errors and not self.problem


def from_segment(segment: Segment) -> Draft:
    catalogue = catalogues.load(own_slug=segment.slug)
    draft = Draft(rules.from_definition(live_definition(segment), catalogue), catalogue)
    return check(draft, own_slug=segment.slug, segment=segment)


def from_post(data: QueryDict, *, segment: Segment | None, action: str = "") -> tuple[Draft, rule_moves.Change]:
    own_slug = segment.slug if segment else ""
    catalogue = catalogues.load(own_slug=own_slug)
    draft = Draft(rules.from_post(data, catalogue), catalogue)
    change = rule_moves.act(draft.tree, action, catalogue)
    return check(draft, own_slug=own_slug, segment=segment), change


def blank(definition: dict[str, Any] | None = None) -> Draft:
    """`definition` None: one rule that waits for its value."""
    catalogue = catalogues.load()
    if definition is None:
        tree = Tree()
        rule_moves.act(tree, "add", catalogue)
    else:
        tree = rules.from_definition(definition, catalogue)
    return check(Draft(tree, catalogue), own_slug="", segment=None)


def check(draft: Draft, *, own_slug: str, segment: Segment | None) -> Draft:
    settle(draft, own_slug=own_slug or None)
    draft.is_saved = segment is not None and draft.can_save and draft.definition == _as_form(segment, draft.catalogue)
    return draft


def settle(draft: Draft, *, in_branch: bool = False, own_slug: str | None = None) -> None:
    """Hold the rules against the grammar and the names that exist. Lines that it refuses are left out of the
    definition, so that the others can still be counted."""
    for _attempt in range(ERRORS_PLACED):
        draft.definition = rules.to_definition(draft.tree, draft.catalogue)
        try:
            parse.parse_definition(draft.definition, in_branch=in_branch, own_slug=own_slug)
        except DefinitionError as error:
            draft.problem = error.message
            if not rules.place_error(draft.tree, error):
                return
        else:
            draft.problem = ""
            return


def _as_form(segment: Segment, catalogue: Catalogue) -> dict[str, Any]:
    """The live definition in the form's own spelling, which may differ from what was stored and means the same."""
    return rules.to_definition(rules.from_definition(live_definition(segment), catalogue), catalogue)


def save(draft: Draft, *, slug: str, name: str, by: str, now: datetime) -> SegmentVersion:
    """Raises DefinitionError when another change made the rules impossible in between."""
    return store.save_segment(slug=slug, name=name, definition=draft.definition, by=by, now=now)


def live_definition(segment: Segment) -> dict[str, Any]:
    return segment.live_version.definition if segment.live_version else {"all": []}
