from __future__ import annotations

import pytest

from campaigns.consent import free_text, keywords
from campaigns.consent.free_text import Grade
from campaigns.consent.keywords import Meaning
from tests.campaigns.consent import unpunctuated

LANGUAGES = ("en", "he", "ro")


def graded(texts, *, as_):
    """Those that are graded so, each with the rule that says it."""
    return [
        (text, answer.rule)
        for text in texts
        if (answer := free_text.grade(text=text)).grade is as_ and keywords.meaning_of(text=text) is not Meaning.STOP
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_and_an_end_are_at_least_for_a_person(language):
    texts = list(unpunctuated.noes(language))
    assert len(set(texts)) >= 300
    assert graded(texts, as_=Grade.NONE) == []


def test_what_says_no_by_its_sense_is_at_least_for_a_person():
    assert graded(unpunctuated.COMPLAINTS, as_=Grade.NONE) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_denial_that_governs_the_end_changes_nothing(language):
    assert graded(unpunctuated.DENIALS[language], as_=Grade.UNSURE) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_taken_off_the_list_by_harmless_words(language):
    assert graded(unpunctuated.HARMLESS[language], as_=Grade.OPT_OUT) == []
