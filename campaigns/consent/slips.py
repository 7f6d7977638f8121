"""A one-word reply that was meant to be a word for STOP: mistyped, or written with something between its letters."""

from __future__ import annotations

from campaigns.consent import free_text_hints as hints
from campaigns.consent import free_text_rules as rules
from campaigns.consent import keywords

LONGEST = 30
# Shorter words are too near to others: only letters that changed places or came twice are a slip in them.
_LONG_ENOUGH = 7
_SHORTEST = 4
_MUCH_ENOUGH = 10


def is_slip_of_stop(*, word: str) -> bool:
    """`word` is normalised. Never for more than one word: "s t o p" is one, "stop by" is not."""
    words = word.split()
    if len(words) > 1:
        return all(len(one) == 1 for one in words) and _is_stop("".join(words))
    if not words or word in rules.NO_SLIPS or keywords.meaning_of(text=word) is not None:
        return False
    return any(_is_near(word, meant) for meant in keywords.words_for(keywords.Meaning.STOP) if " " not in meant)


def mend(*, clause: str) -> str:
    """`clause` is normalised. Each word that is one letter from what a no is often said with is replaced by that.

    Good enough for what a person will read, not for an opt-out."""
    return " ".join(_meant(word) for word in clause.split())


def _meant(word: str) -> str:
    if word in hints.OTHERS or len(word) < _SHORTEST or not word.isalpha():
        return word
    near = (meant for meant in hints.MEANT if _may_be_near(word, meant) and _is_one_slip(word, meant))
    return next(near, word)


def _may_be_near(word: str, meant: str) -> bool:
    return word[0] == meant[0] and abs(len(word) - len(meant)) <= (2 if len(meant) >= _MUCH_ENOUGH else 1)


def _is_one_slip(word: str, meant: str) -> bool:
    return (
        _without_doubles(word) == _without_doubles(meant)
        or _is_swapped(word, meant)
        or _distance(word, meant) <= (2 if len(meant) >= _MUCH_ENOUGH else 1)
    )


def _is_stop(word: str) -> bool:
    return keywords.meaning_of(text=word) is keywords.Meaning.STOP


def _is_near(word: str, meant: str) -> bool:
    if len(meant) < _SHORTEST or abs(len(word) - len(meant)) > len(meant):
        return False
    if _without_doubles(word) == _without_doubles(meant) or _is_swapped(word, meant):
        return True
    return len(meant) >= _LONG_ENOUGH and _distance(word, meant) <= (2 if len(meant) >= _MUCH_ENOUGH else 1)


def _without_doubles(word: str) -> str:
    return "".join(letter for place, letter in enumerate(word) if place == 0 or letter != word[place - 1])


def _is_swapped(word: str, meant: str) -> bool:
    """Two letters beside each other changed places."""
    if len(word) != len(meant):
        return False
    wrong = [place for place, (one, other) in enumerate(zip(word, meant, strict=True)) if one != other]
    if len(wrong) != 2 or wrong[1] != wrong[0] + 1:
        return False
    return word[wrong[0]] == meant[wrong[1]] and word[wrong[1]] == meant[wrong[0]]


def _distance(word: str, meant: str) -> int:
    """Letters to add, drop or change (Levenshtein)."""
    row = list(range(len(meant) + 1))
    for at, letter in enumerate(word, start=1):
        before, row[0] = row[0], at
        for place, other in enumerate(meant, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
    return row[-1]
