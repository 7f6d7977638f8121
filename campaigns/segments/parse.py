"""From a document to a definition that can be compiled: the grammar, then the names."""

from __future__ import annotations

from typing import Any

from campaigns.segments import grammar, names, nodes, reading


def parse_definition(document: Any, *, in_branch: bool = False, own_slug: str | None = None) -> nodes.Definition:
    """`document` is JSON as text or bytes, or parsed JSON. Raises DefinitionError with the path of what is wrong.

    `in_branch`: an engagement's `step` may stand without `campaign`. `own_slug`: the segment that this is
    going to be, which it may not lead back to. Repeated keys can be told in text only.
    """
    definition = read_definition(document, in_branch=in_branch)
    names.look_up(definition, own_slug=own_slug)
    return definition


def read_definition(document: Any, *, in_branch: bool = False) -> nodes.Definition:
    """The grammar alone; names are not looked up."""
    if isinstance(document, str | bytes):
        document = reading.read_json(document)
    return grammar.read_definition(document, in_branch=in_branch)


def as_definition(document: Any) -> nodes.Definition:
    return document if isinstance(document, nodes.Definition) else read_definition(document)
