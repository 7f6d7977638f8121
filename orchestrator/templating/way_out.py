"""The way out of marketing by text message: every one must tell how to get no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.templating import liquid
from orchestrator.templating.message import CompiledContent

LINKS = frozenset({"links.unsubscribe", "links.preferences"})
_WORD = r"(?<!\w)(?:STOP|STOPALL|UNSUBSCRIBE|DEZABONARE|הסרה?|להסרה)(?!\w)"
_SEND = (
    r"(?<!\w)(?:reply|text|send|txt|answer|respond|r[aă]spunde\w*|trimite\w*|scrie\w*|"
    r"הש[יב]\w*|להשיב|שלח\w*|לשלוח|ענו|ענה|כתבו|כתוב)"
)
# What may stand between the two: "with the word", "back", "to 12345".
_BETWEEN = r"(?:\s+(?:with|back|the|word|us|to|cu|cuv[aâ]ntul|la|את|המילה|במילה|ב|\+?\d[\d-]*))*\s*:?\s*[\"'“„]?"
_LEAVE = r"(?:opt|unsub\w*|end|cancel|quit|stop|leave|remov\w*|dez\w*|renun\w*|הסר\w*|להסר\w*)"
_TO = r"[\"'”]?\s*(?:to|2|for|=|:|-|–|pentru|ca\s+s[aă]|כדי)\s*"
# A word that the text tells to answer with, not one that it merely says.
_INSTRUCTION = re.compile(
    rf"(?:(?i:{_SEND}{_BETWEEN}){_WORD})"  # Reply STOP
    rf"|(?:{_WORD}(?i:{_TO}{_LEAVE})(?!\w))"  # STOP to end
    rf"|(?:(?i:(?<!\w){_LEAVE}[.-]?\s*(?:out)?\s*[:=]\s*[\"'“]?){_WORD})"  # Opt out: STOP
    rf"|(?:להסרה\s+(?:הסר|STOP)(?!\w))"
)
# Romanian without its diacritics: one of them would turn the whole message into parts of 67 characters.
_REPLY = {"en": "Reply STOP to opt out", "he": "להסרה השיבו הסר", "ro": "Raspundeti STOP pentru dezabonare"}
_FOLLOW = {"en": "Opt out", "he": "להסרה", "ro": "Dezabonare"}


def has_way_out(text: str, *, can_answer: bool) -> bool:
    """Whether the Liquid source tells it: by a link, or by a word where people can answer."""
    if LINKS & set(liquid.used_variables(text)):
        return True
    return can_answer and offers_word(text)


def offers_word(text: str) -> bool:
    """Whether it tells to answer with a word: "Reply STOP to opt out", not "STOP paying too much!"."""
    return bool(_INSTRUCTION.search(text))


def complete_text(text: str, *, urls: Mapping[str, str], locale: str, can_answer: bool) -> str:
    """The finished text with the last line where its own way out did not come out of its conditions and filters."""
    if any(urls[name.removeprefix("links.")] in text for name in LINKS) or (can_answer and offers_word(text)):
        return text
    line = _line(locale, can_answer=can_answer).replace("{{ links.unsubscribe }}", urls["unsubscribe"])
    return f"{text}\n{line}".strip()


def add_way_out(content: CompiledContent, *, can_answer: bool) -> CompiledContent:
    """The text with a short last line where it tells no way out; locales without words of their own get English."""
    if has_way_out(content.text, can_answer=can_answer):
        return content
    return replace(content, text=f"{content.text}\n{_line(content.locale, can_answer=can_answer)}")


def _line(locale: str, *, can_answer: bool) -> str:
    tongue = locale.replace("_", "-").partition("-")[0].lower()
    tongue = {"iw": "he"}.get(tongue, tongue)
    if can_answer:
        return _REPLY.get(tongue, _REPLY["en"])
    return f"{_FOLLOW.get(tongue, _FOLLOW['en'])}: {{{{ links.unsubscribe }}}}"
