"""The question of a branch as rule rows, the same as a segment's, with the campaign's own messages to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from campaigns.console.forms import catalogue as catalogues
from campaigns.console.forms import rule_moves, rules, segments
from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.facts import Fact
from campaigns.console.forms.reactions import ReactionFact, RefusalFact
from campaigns.console.forms.segments import Draft
from campaigns.console.forms.sentence import Option

# What the words around the rules are about: neither accounts nor contacts, but whoever comes to the branch.
SUBJECT = "branch"


def load_catalogue(*, messages: Sequence[Option]) -> Catalogue:
    """What a segment's rules can be about, after what only a branch can ask. `messages` come before it."""
    group = _("This campaign")
    own: list[Fact] = [ReactionFact(group, messages=messages)] if messages else []
    own.append(RefusalFact(group))
    common = catalogues.load()
    return Catalogue({**{fact.key: fact for fact in own}, **common.facts}, common.suggestions)


def from_step(*, condition: dict[str, Any], catalogue: Catalogue) -> Draft:
    tree = rules.from_definition(condition, catalogue)
    tree.subject = SUBJECT
    return check(Draft(tree, catalogue))


def from_post(*, data: QueryDict, action: str, catalogue: Catalogue) -> tuple[Draft, rule_moves.Change]:
    tree = rules.from_post(data, catalogue)
    tree.subject = SUBJECT
    change = rule_moves.act(tree, action, catalogue)
    return check(Draft(tree, catalogue)), change


def check(draft: Draft) -> Draft:
    """Against the grammar of branches, where a message may be named by its step alone."""
    segments.settle(draft, in_branch=True)
    if not draft.problem and not draft.tree.rows:
        draft.problem = _("Ask something: without a rule everybody would go the way of yes.")
    return draft


def condition_of(draft: Draft) -> dict[str, Any]:
    """As the campaign file has it: one rule stands by itself."""
    made = draft.definition
    for head in ("all", "any"):
        if set(made) == {head} and len(made[head]) == 1:
            return dict(made[head][0])
    return made
