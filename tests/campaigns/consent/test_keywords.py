from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.consent import keywords
from campaigns.consent.keywords import Meaning


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop. ", "STOP!!", "StopAll", "stop all", "UNSUBSCRIBE", "cancel", "End", "quit", "REVOKE",
        "opt-out", "OptOut", "הסר", "הסר!", "הָסֵר", "הסרה", "להסרה", "הסירו", "תפסיקו", "די", "לא מעוניין",
        "\u200fהסר\u200f", "DEZABONARE", "dezabonați", "Mă dezabonez", "opriți", "ＳＴＯＰ",
    ],
)  # fmt: skip
def test_a_word_for_stop_is_a_stop(text):
    assert keywords.meaning_of(text=text) is Meaning.STOP


@pytest.mark.parametrize("text", ["START", "Yes", "unstop", "התחל"])
def test_a_word_for_start_is_a_start(text):
    assert keywords.meaning_of(text=text) is Meaning.START


@pytest.mark.parametrize("text", ["HELP", "info", "עזרה", "Ajutor"])
def test_a_word_for_help_is_help(text):
    assert keywords.meaning_of(text=text) is Meaning.HELP


@pytest.mark.parametrize(
    "text", ["", "👍", "don't stop", "Stop by on Monday", "yes please call me", "מתי זה נגמר?", "stopp", "x" * 5000]
)
def test_a_sentence_is_a_reply(text):
    assert keywords.meaning_of(text=text) is None


@given(st.text(max_size=80))
def test_no_text_breaks_it(text):
    assert keywords.meaning_of(text=text) in (None, *Meaning)
