from __future__ import annotations

import re
import time

import pytest

from campaigns.consent import free_text, keywords, slips
from campaigns.consent import free_text_rules as rules
from campaigns.consent.free_text import Grade
from campaigns.consent.keywords import Meaning
from tests.campaigns.consent import phrases


def each(by_language):
    return [pytest.param(text, id=f"{language}: {text}") for language, texts in by_language.items() for text in texts]


def grade(text):
    """As `feedback_inbound` asks: first for the words, then for what is said in others."""
    return Grade.OPT_OUT if keywords.meaning_of(text=text) is Meaning.STOP else free_text.grade(text=text).grade


@pytest.mark.parametrize("text", each(phrases.OUT))
def test_who_wants_out_is_out(text):
    assert grade(text) is Grade.OPT_OUT


@pytest.mark.parametrize("text", each(phrases.NO_OUT))
def test_who_does_not_ask_for_it_stays(text):
    assert grade(text) is Grade.NONE


@pytest.mark.parametrize("text", each(phrases.UNSURE))
def test_what_could_be_either_is_for_a_person(text):
    assert grade(text) is Grade.UNSURE


@pytest.mark.parametrize("language", ["en", "he", "ro"])
def test_each_language_is_asked_for_many(language):
    assert len({*phrases.OUT[language], *phrases.NO_OUT[language], *phrases.UNSURE[language]}) >= 100


@pytest.mark.parametrize(
    "word", ["stopp", "sttop", "stpo", "tsop", "unsubscrbe", "unsubscribee", "dezabonre", "תפסיוק"]
)
def test_a_slip_of_the_pen_in_a_single_word_is_seen(word):
    assert slips.is_slip_of_stop(word=word)


@pytest.mark.parametrize("word", ["shop", "step", "top", "spot", "remote", "cancer", "start", "ends", "din", "הרס", ""])
def test_another_word_is_no_slip(word):
    assert not slips.is_slip_of_stop(word=word)


@pytest.mark.parametrize("text", ["the stopp is near", "unsubcribe from SSO", "we go to the shop and stpo there"])
def test_a_slip_in_a_longer_sentence_does_not_opt_out(text):
    assert grade(text) is not Grade.OPT_OUT


PATTERNS = {
    **{f"{name}.{rule}": pattern for name in ("NO_WISH", "NEGATED", "INSISTING", "SEARCHING", "CLEAR", "HINT")
       for rule, pattern in getattr(rules, name)},
    **{name: one for name, one in vars(rules).items() if isinstance(one, re.Pattern)},
    **{name: one for name, one in vars(free_text).items() if isinstance(one, re.Pattern)},
    **{f"keywords{name}": one for name, one in vars(keywords).items() if isinstance(one, re.Pattern)},
}  # fmt: skip
PUMPS = (
    "a", "a ", " ", "\n", " \n", "\t", "-", "_", ">", "'", "stop ", "dont ", "do not want ", "i want to ", "no ",
    "how ", "how to ", "if ", "why ", "dont you ", "never want it to ", "stop all the ", "dont send any ", "want your ",
    "get no ", "no more a ", "take me off ", "remove me of the ", "on a wrote", "pe a ", "from", "לא ", "לא רוצה ",
    "את ", "יותר ", "אל תשלחו לי ", "די כבר ", "נא ", "לא לקבל את ", "nu ", "nu mai ", "nu va sa ", "cum ma ",
    "nu vreau sa ", "opriti cu va ",
)  # fmt: skip
SHORT, TIMES, LEAST_S = 1_000, 4, 0.02


def cpu_of(search, text):
    began = time.thread_time()
    search(text)
    return time.thread_time() - began


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_four_times_as_long_for_four_times_the_text(name):
    """Twice that is allowed for noise; the square would be four times that."""
    search = PATTERNS[name].search
    for pump in PUMPS:
        short, long = (pump * (size // len(pump)) for size in (SHORT, SHORT * TIMES))
        taken = cpu_of(search, long)
        if taken > LEAST_S:
            assert taken < 2 * TIMES * min(cpu_of(search, short) for _ in range(3)), f"{name} for {pump!r}"


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("read", [lambda text: free_text.grade(text=text), lambda text: free_text.own_words(mail=text)])
def test_a_mail_of_a_megabyte_is_read_in_no_time(read, pump):
    assert cpu_of(read, pump * (1_000_000 // len(pump))) < 1
