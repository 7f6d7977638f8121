"""What a whole text message means when it is one of the words for it. No guessing: a sentence is a reply."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class Meaning(StrEnum):
    STOP = "STOP"
    START = "START"
    HELP = "HELP"


# English: the carriers' words (CTIA, 47 CFR 64.1200(a)(10)). Hebrew: the customary words of removal under s. 30A of
# the Communications Law. Romanian: the words that Twilio's localised opt-out and Romanian senders use.
_WORDS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.STOP: (
        "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "remove",
        "הסר", "הסירו", "הסרה", "להסרה", "להסיר", "תסירו", "הסר אותי", "תפסיקו", "די", "לא מעוניין", "לא מעוניינת",
        "dezabonare", "dezabonati", "dezaboneaza", "ma dezabonez", "opreste", "opriti", "renunt", "anulare",
    ),
    Meaning.START: ("start", "yes", "unstop", "התחל", "חידוש", "reabonare", "aboneaza"),
    Meaning.HELP: ("help", "info", "עזרה", "מידע", "ajutor", "informatii"),
}  # fmt: skip
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words}
# Longer than the longest word with room for punctuation: nothing beyond is looked at.
_LONGEST = 60
_NOISE = re.compile(r"[^\w]+|_+")


def meaning_of(*, text: str) -> Meaning | None:
    """STOP, START or HELP when the whole text is a word for it, in any case, with or without accents, vowel
    points and punctuation; None for everything else."""
    return _MEANINGS.get(normalise(text=text))


def words_for(meaning: Meaning) -> tuple[str, ...]:
    return _WORDS[meaning]


def normalise(*, text: str) -> str:
    """The text as it is looked up: lower case, no marks above or below letters, single spaces."""
    if len(text) > _LONGEST:
        return ""
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return _NOISE.sub(" ", letters).strip()
