"""What a reply in somebody's own words says about being written to. Pure: nothing is stored, nothing is sent.

An opt-out is graded for precision, a doubt for recall: it is for a person to read. A clear no counts whatever stands
around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from campaigns.consent import free_text_hints as hints
from campaigns.consent import free_text_rules as rules
from campaigns.consent import keywords, slips
from campaigns.consent.free_text_rules import Rules


class Grade(StrEnum):
    OPT_OUT = "OPT_OUT"
    UNSURE = "UNSURE"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Answer:
    """`rule` names what matched (`en.stop.sending`), never what was written; empty for NONE without a rule."""

    grade: Grade
    rule: str = ""


NOTHING = Answer(Grade.NONE)
# A reply that means no says so at once. Longer ones are read so far.
_READ = 1_000
_LONGEST_CLAUSE = 200
_OVERLAP = 60
_ENDS = re.compile(r"([.!?;,:\n\r()\u2026\u05c3\u061f]+|\s[-\u2013\u2014]\s)")
_APOSTROPHES = re.compile(r"['\u2019\u2018`\u00b4\u05f3]")
_NOISE = re.compile(r"[^\w]+|_+")
_LONGEST_MAIL = 20_000
_LONGEST_LINE = 200
_LONGEST_SIGN = 6
_SIGNS = frozenset({"\U0001f6d1", "\u26d4", "\U0001f6ab", "\u270b"})
# The first line that is not the writer's own. Looked for line by line, at the beginning of each.
_QUOTED = re.compile(
    r"^[ \t]*(?:>|--+[ \t]*$|---.*(?:original|forwarded)|_____|from:|sent:|on .{4,120} wrote:|בתאריך .*כתב|מאת:"
    r"|pe .* a scris|la .* a scris|de la:)",
    re.IGNORECASE,
)


def grade(*, text: str) -> Answer:
    """OPT_OUT where any clause is a clear no, unless another takes it back; UNSURE where a person should read it."""
    whole = _grade_whole(text)
    if whole is not NOTHING:
        return whole
    unsure = taken_back = opted_out = NOTHING
    for clause, is_question in _clauses(text[:_READ]):
        found = _grade_clause(clause, is_question)
        if found.grade is Grade.OPT_OUT and opted_out is NOTHING:
            opted_out = found
        elif found.grade is Grade.UNSURE and unsure is NOTHING:
            unsure = found
        elif found.grade is Grade.NONE and found.rule:
            taken_back = found
    if opted_out is NOTHING and unsure is NOTHING and any(sign in text for sign in hints.SIGNS):
        return Answer(Grade.UNSURE, "sign")
    if opted_out is NOTHING:
        return unsure
    return opted_out if taken_back is NOTHING else Answer(Grade.UNSURE, taken_back.rule)


def own_words(*, mail: str) -> str:
    """A mail's plain text less the signature and what it quotes: our own footer says "unsubscribe" too."""
    kept: list[str] = []
    for line in mail[:_LONGEST_MAIL].splitlines():
        if _QUOTED.match(line[:_LONGEST_LINE]):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def _grade_whole(text: str) -> Answer:
    """A reply that is one word for STOP, whether or not it is spelt as it should be."""
    if text.strip()[:2].rstrip("\ufe0f") in _SIGNS and len(text.strip()) <= _LONGEST_SIGN:
        return Answer(Grade.UNSURE, "sign")
    word = _bare(_normalise(text[: slips.LONGEST]))
    if len(text) > slips.LONGEST or not word:
        return NOTHING
    if keywords.meaning_of(text=word) is keywords.Meaning.STOP:
        return Answer(Grade.UNSURE, "word") if word in rules.OF_OTHER_THINGS else Answer(Grade.OPT_OUT, "word")
    return Answer(Grade.OPT_OUT, "slip") if slips.is_slip_of_stop(word=word) else NOTHING


def _grade_clause(clause: str, is_question: bool) -> Answer:
    """A rule with grade NONE is a no that is expressly none. What denies is looked for before what asks."""
    word = _bare(clause)
    if word in rules.STRONG:
        return Answer(Grade.OPT_OUT, "word")
    insisting = _first(rules.INSISTING, clause)
    if insisting:
        return Answer(Grade.OPT_OUT, insisting)
    unwished = _first(rules.NO_WISH, clause)
    if not unwished and _first(rules.SEARCHING, clause):
        return _unless_denied(rules.SEARCHING, clause)
    negated = unwished or _first(rules.NEGATED, clause)
    if negated:
        return _unless_more_is_said(negated, clause)
    clear = _first(rules.CLEAR, clause)
    if clear:
        asks = is_question and rules.ASKING.search(clause) and not rules.ASKED_FOR.search(clause)
        doubtful = asks or rules.CONDITION.search(clause)
        return Answer(Grade.UNSURE, clear) if doubtful else _unless_denied(rules.CLEAR, clause)
    if keywords.meaning_of(text=word) is keywords.Meaning.STOP:
        return Answer(Grade.UNSURE, "word")
    return _grade_hint(rules.HARMLESS.sub(" ", clause))


def _grade_hint(clause: str) -> Answer:
    """What nothing clear was found in, as it is written and with its slips of the pen mended."""
    hint = _first(hints.HINT, clause)
    if hint:
        return Answer(Grade.UNSURE, hint)
    mended = slips.mend(clause=clause)
    if mended != clause and (hint := _first(rules.CLEAR, mended) or _first(hints.HINT, mended)):
        return Answer(Grade.UNSURE, hint)
    refuses = hints.REFUSAL.search(clause) and not hints.BARE.match(clause) and not hints.ORDINARY.search(clause)
    return Answer(Grade.UNSURE, "refusal") if refuses else NOTHING


def _unless_more_is_said(negated: str, clause: str) -> Answer:
    """Expressly no no, unless it is one by its sense, or what stands beside the denial speaks of an end as well."""
    if rules.COMPLAINT.search(clause):
        return Answer(Grade.UNSURE, "complaint")
    if len(rules.DENIAL.findall(clause)) > 1:
        return Answer(Grade.UNSURE, "denied.twice")
    for _, pattern in (*rules.NO_WISH, *rules.NEGATED):
        clause = pattern.sub(" . ", clause)
    beside = rules.HARMLESS.sub(" . ", clause)
    found = _first(rules.CLEAR, beside) or _first(rules.HINT, beside)
    return Answer(Grade.UNSURE, found) if found else Answer(Grade.NONE, negated)


def _unless_denied(among: Rules, clause: str) -> Answer:
    """A no that a word of denial stands before, with nothing between them that begins anew, is for a person."""
    name, pattern = next((name, pattern) for name, pattern in among if pattern.search(clause))
    found = pattern.search(clause)
    before = clause[: found.start()] if found else ""
    denials = list(rules.DENIAL.finditer(before))
    if denials and not rules.FRESH_START.search(before, denials[-1].end()):
        return Answer(Grade.UNSURE, name)
    return Answer(Grade.OPT_OUT, name)


def _clauses(text: str) -> Iterator[tuple[str, bool]]:
    """Each normalised, and whether a question mark ends it."""
    parts = _ENDS.split(text)
    for place in range(0, len(parts), 2):
        ending = parts[place + 1] if place + 1 < len(parts) else ""
        for one in rules.BUT.split(_normalise(parts[place])):
            for piece in _pieces(one.strip()):
                yield piece, "?" in ending


def _pieces(clause: str) -> Iterator[str]:
    """One of those who write no full stops is read in pieces, each with the end of the one before it."""
    for start in range(0, max(len(clause) - _OVERLAP, min(len(clause), 1)), _LONGEST_CLAUSE - _OVERLAP):
        yield clause[start : start + _LONGEST_CLAUSE]


def _normalise(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return _NOISE.sub(" ", _APOSTROPHES.sub("", letters)).strip()


def _bare(clause: str) -> str:
    """The clause without polite words at its ends."""
    words = clause.split()
    while words and words[0] in rules.POLITE:
        del words[0]
    while words and words[-1] in rules.POLITE:
        del words[-1]
    return " ".join(words)


def _first(among: Rules, clause: str) -> str:
    return next((name for name, pattern in among if pattern.search(clause)), "")
