"""A wording as readers see it, tried out before anybody gets it: once by one of whom everything is known, once by one
of whom nothing more than the text needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.delivery import render, samples
from orchestrator.engine.country_packs.content import Shown
from orchestrator.templating import lint, visible
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered

# A text uses fewer values than this without guarding them.
_MOST_VALUES = 40
# So many readers it is tried as.
WAYS = 2


def try_both(*, channel: str, compiled: CompiledContent, urls: Mapping[str, str], has_offer: bool) -> list[Rendered]:
    """`urls` by the name of the link. What can't be made is left out: the launch review says so elsewhere."""
    values = {**samples.variables(has_offer=has_offer), **{f"links.{name}": url for name, url in urls.items()}}
    tried = (_render(channel, compiled, values), _render_barely(channel, compiled, values))
    return [one for one in tried if one is not None]


def as_seen(*, channel: str, language: str, rendered: Rendered) -> Shown:
    fields = {"text": visible.look_at_text(rendered.text)}
    if rendered.html:
        fields["mjml"] = visible.look_at(rendered.html)
    return Shown(
        channel=channel,
        language=language,
        subject=rendered.subject,
        words={name: seen.words for name, seen in sorted(fields.items())},
        links={name: frozenset(seen.links) for name, seen in fields.items()},
    )


def _render(channel: str, compiled: CompiledContent, values: Mapping[str, Any]) -> Rendered | None:
    try:
        return render.fill_in(channel=channel, compiled=compiled, facts=lint.sample_context(values))
    except (TemplateError, TypeError):
        return None


def _render_barely(channel: str, compiled: CompiledContent, known: Mapping[str, Any]) -> Rendered | None:
    """With the links and those values alone without which nobody gets it."""
    values = {name: value for name, value in known.items() if name.startswith("links.")}
    values |= {"evidence": {}, "offer": {}, "contact": {"first_name": "", "last_name": ""}, "account": {"name": ""}}
    facts = lint.sample_context(values)
    for _try in range(_MOST_VALUES):
        try:
            return render.fill_in(channel=channel, compiled=compiled, facts=facts)
        except TemplateError as error:
            lacking = error.variable or ""
            if lacking not in known:
                return None
            group, _dot, name = lacking.partition(".")
            facts[group][name] = known[lacking]
        except TypeError:
            return None
    return None
