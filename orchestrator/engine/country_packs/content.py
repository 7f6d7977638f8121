"""Whether a text shows what a country wants marketing to show. Judges what a reader would see, never the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.engine.country_packs.pack import WARNING, ContentRule, CountryPack, Demand

# How each language's mail programs begin the subject of an answer and of a mail that is passed on.
_ANSWERS = re.compile(r"\W*(?:re|fw|fwd|aw|wg|r(?:ă|a)sp|redir|השב|הועבר|העבר|תשובה)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
# What one may answer with, by language. Carriers take the English words everywhere.
WORDS_OUT: Mapping[str, tuple[str, ...]] = {
    "en": ("STOP", "UNSUBSCRIBE", "END", "QUIT", "CANCEL"),
    "he": ("הסר", "הסרה", "להסרה"),
    "ro": ("STOP", "DEZABONARE"),
}
_ANY_WORD = tuple(dict.fromkeys(word for words in WORDS_OUT.values() for word in words))


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as somebody sees it. `words` by field (a mail's `mjml` and `text`, a text message's `text`), without
    what is hidden; `links`: where those lead that can be seen, by field."""

    channel: str
    language: str
    subject: str
    words: Mapping[str, str]
    links: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends it, by any of these names. `ways_out`: the addresses at which somebody gets out of marketing."""

    names: tuple[str, ...]
    postal_address: str
    ways_out: frozenset[str] = field(repr=False)
    can_be_answered: bool
    """Whether an answer to a text message reaches us."""


@dataclass(frozen=True, slots=True)
class Breach:
    rule: ContentRule
    field: str
    level: str


def find_breaches(*, pack: CountryPack, shown: Shown, sender: Sender) -> Iterator[Breach]:
    """The rules of the pack that a text breaks, each with the first field that does."""
    for rule in pack.rules:
        judge = _JUDGES.get(rule.demand)
        if judge is None or shown.channel not in rule.channels:
            continue
        wrong = judge(pack, shown, sender)
        if wrong:
            is_meant = not rule.tongue or rule.tongue == shown.language
            yield Breach(rule, wrong, rule.level if is_meant else WARNING)


def takes_answers(address: str) -> bool:
    """Whether an address looks as if somebody read what comes there."""
    name = re.sub(r"[^a-z]", "", address.partition("@")[0].casefold())
    return bool(name) and not re.match(r"(?:do)?no(?:t)?reply", name)


def begins_with_mark(*, pack: CountryPack, text: str) -> bool:
    """Whether the first word is the pack's mark; brackets, quotes and signs of direction before it do not count.

    A pack without a mark asks for nothing. Word for word: a longer word that begins with it is another word.
    """
    return not pack.mark or bool(re.match(rf"[\W_]*{re.escape(pack.mark)}(?!\w)", text))


def _mark(pack: CountryPack, shown: Shown, _sender: Sender) -> str:
    name = "subject" if shown.channel == "email" else "text"
    text = shown.subject if shown.channel == "email" else shown.words[name]
    return "" if begins_with_mark(pack=pack, text=text) else name


def _sender_name(_pack: CountryPack, shown: Shown, sender: Sender) -> str:
    """Nothing to look for without a name: that is said once, not of every text."""
    names = [_bare(name) for name in sender.names if _bare(name)]
    lacking = (where for where, words in shown.words.items() if not any(name in _bare(words) for name in names))
    return next(lacking, "") if names else ""


def _postal_address(_pack: CountryPack, shown: Shown, sender: Sender) -> str:
    address = _bare(sender.postal_address)
    return next((where for where, words in shown.words.items() if address not in _bare(words)), "")


def _way_out(_pack: CountryPack, shown: Shown, sender: Sender) -> str:
    return next((where for where in shown.words if not _has_way_out(shown, where, sender)), "")


def _way_out_tongue(_pack: CountryPack, shown: Shown, sender: Sender) -> str:
    """A link is understood in every language."""
    text = shown.words["text"]
    if shown.links["text"] & sender.ways_out or not _says(text, _ANY_WORD):
        return ""
    return "" if _says(text, WORDS_OUT.get(shown.language, WORDS_OUT["en"])) else "text"


def _honest_subject(_pack: CountryPack, shown: Shown, _sender: Sender) -> str:
    return "subject" if _ANSWERS.match(shown.subject) else ""


def _has_way_out(shown: Shown, where: str, sender: Sender) -> bool:
    if shown.links[where] & sender.ways_out:
        return True
    return shown.channel == "sms" and sender.can_be_answered and _says(shown.words[where], _ANY_WORD)


def _says(text: str, words: tuple[str, ...]) -> bool:
    return bool(re.search(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", text))


def _bare(text: str) -> str:
    """Letters and digits alone: however it is broken into lines and set apart."""
    return re.sub(r"[\W_]+", "", text).casefold()


_JUDGES: Mapping[Demand, Callable[[CountryPack, Shown, Sender], str]] = {
    Demand.MARK: _mark,
    Demand.SENDER_NAME: _sender_name,
    Demand.POSTAL_ADDRESS: _postal_address,
    Demand.WAY_OUT: _way_out,
    Demand.WAY_OUT_TONGUE: _way_out_tongue,
    Demand.HONEST_SUBJECT: _honest_subject,
}
