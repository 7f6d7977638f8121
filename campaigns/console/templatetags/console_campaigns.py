"""What the templates of campaigns and tests look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import template

from orchestrator.templating.errors import Problem

register = template.Library()


@register.simple_tag
def problems_of(problems: Mapping[str, Sequence[Problem]], field: str) -> Sequence[Problem]:
    """The mistakes of one field's text."""
    return problems.get(field, ()) if problems else ()
