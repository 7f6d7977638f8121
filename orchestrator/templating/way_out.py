"""The way out of marketing by text message: every one must tell how to get no more."""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.templating import liquid
from orchestrator.templating.message import CompiledContent

LINKS = frozenset({"links.unsubscribe", "links.preferences"})
# A word that the text itself offers to answer with.
_WORD = re.compile(r"(?<!\w)(?:STOP|STOPALL|UNSUBSCRIBE|DEZABONARE|הסר|הסרה|להסרה)(?!\w)")
# Romanian without its diacritics: one of them would turn the whole message into parts of 67 characters.
_REPLY = {"en": "Reply STOP to opt out", "he": "להסרה השיבו הסר", "ro": "Raspundeti STOP pentru dezabonare"}
_FOLLOW = {"en": "Opt out", "he": "להסרה", "ro": "Dezabonare"}


def has_way_out(text: str, *, can_answer: bool) -> bool:
    """Whether the Liquid source tells it: by a link, or by a word where people can answer."""
    if LINKS & set(liquid.used_variables(text)):
        return True
    return can_answer and bool(_WORD.search(text))


def add_way_out(content: CompiledContent, *, can_answer: bool) -> CompiledContent:
    """The text with a short last line where it tells no way out; locales without words of their own get English."""
    if has_way_out(content.text, can_answer=can_answer):
        return content
    tongue = content.locale.replace("_", "-").partition("-")[0].lower()
    tongue = {"iw": "he"}.get(tongue, tongue)
    if can_answer:
        line = _REPLY.get(tongue, _REPLY["en"])
    else:
        line = f"{_FOLLOW.get(tongue, _FOLLOW['en'])}: {{{{ links.unsubscribe }}}}"
    return replace(content, text=f"{content.text}\n{line}")
