"""Rules of a segment in the template: their sentences, and the words around a group's choice."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.rules import Row, Tree
from campaigns.console.forms.sentence import Option, Part

register = template.Library()


@register.simple_tag
def rule_sentence(row: Row, catalogue: Catalogue) -> list[list[Part]]:
    """The phrases behind the fact; each is a list of words and fields."""
    return catalogue.get(row.fact).sentence(row.values)


@register.simple_tag
def group_head(group: Tree | Row, subject: str) -> tuple[str, str]:
    """The words before and after the choice of all, any or none."""
    if isinstance(group, Row):
        whole = _("{mode} of these is true") if group.mode == "any" else _("{mode} of these are true")
    elif subject == "contact":
        whole = _("Contacts where {mode} of these are true")
    else:
        whole = _("Accounts where {mode} of these are true")
    before, _hole, after = whole.partition("{mode}")
    return before.strip(), after.strip()


@register.simple_tag
def modes() -> list[Option]:
    return [("all", _("all")), ("any", _("any")), ("none", _("none"))]
