"""What the templates of campaigns and tests look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import template

from campaigns.sequences import problem_words
from orchestrator.templating.errors import Problem

register = template.Library()


@register.simple_tag
def problems_of(problems: Mapping[str, Sequence[Problem]], field: str) -> Sequence[Problem]:
    """The mistakes of one field's text."""
    return problems.get(field, ()) if problems else ()


@register.filter
def in_readers_words(message: str) -> str:
    """What is wrong with a text, in the reader's language."""
    return problem_words.in_readers_words(message)
