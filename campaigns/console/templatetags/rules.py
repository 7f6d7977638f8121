"""Rules of a segment in the template: their sentences, and the words around a group's choice."""

from __future__ import annotations

import re

from django import template
from django.utils.translation import gettext as _

from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.rules import Row, Tree
from campaigns.console.forms.sentence import Option, Part
from campaigns.segments import figures

register = template.Library()

_HOLES = re.compile(r"(\{mode\}|\{bond\})")


@register.simple_tag
def rule_sentence(row: Row, catalogue: Catalogue) -> list[list[Part]]:
    """The phrases behind the fact; each is a list of words and fields."""
    return catalogue.get(row.fact).sentence(row.values)


@register.simple_tag
def group_head(group: Tree | Row, subject: str) -> list[str]:
    """The words around the choices of a group, which stand as `{mode}` and `{bond}`."""
    if group.bond:
        whole = _("For {bond} {mode} of these are true")
    elif isinstance(group, Row):
        whole = _("{mode} of these is true") if group.mode == "any" else _("{mode} of these are true")
    elif subject == "branch":
        whole = _("Yes, if {mode} of these are true")
    elif subject == "contact":
        whole = _("Contacts where {mode} of these are true")
    else:
        whole = _("Accounts where {mode} of these are true")
    return [piece.strip() for piece in _HOLES.split(whole) if piece.strip()]


@register.simple_tag
def group_name(row: Row) -> str:
    """A group's choices in words, for those who hear the page."""
    modes = {
        "all": _("All of these are true"),
        "any": _("Any of these is true"),
        "none": _("None of these are true"),
        "not_all": _("Not all of these are true"),
    }
    chosen = dict(bonds(row.bond)).get(row.bond, "")
    return f"{chosen}: {modes[row.mode]}" if row.bond else modes[row.mode]


@register.simple_tag
def modes(chosen: str) -> list[Option]:
    """“Not all” is rare enough to be offered only where it is in use."""
    made = [("all", _("all")), ("any", _("any")), ("none", _("none"))]
    return [*made, ("not_all", _("not all"))] if chosen == "not_all" else made


@register.simple_tag
def bonds(chosen: str) -> list[Option]:
    """Whether the lines of a group are about one and the same; for the side that it holds to."""
    if chosen.endswith("account"):
        return [
            ("account", _("one and the same account")),
            ("no_account", _("no account at all")),
            ("", _("any accounts, each line by itself")),
        ]
    return [
        ("contact", _("one and the same contact")),
        ("no_contact", _("no contact at all")),
        ("", _("any contacts, each line by itself")),
    ]


@register.filter
def country(code: str) -> str:
    """The country's name in the reader's language; empty stays empty."""
    return figures.country_name(code) if code else ""
