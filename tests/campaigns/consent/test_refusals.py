from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.consent import free_text
from campaigns.consent.free_text import Grade


def said(name):
    """One reply a line: the noes of a language, what is `ordinary`, who is `staying`."""
    return (Path(__file__).parent / "said" / f"{name}.txt").read_text().splitlines()


def graded(name, grade):
    return [text for text in said(name) if free_text.grade(text=text).grade is grade]


@pytest.mark.parametrize("language", ["en", "he", "ro"])
def test_who_refuses_in_any_words_gets_nothing_until_a_person_has_read_it(language):
    assert graded(language, Grade.NONE) == []


def test_what_customers_write_opts_nobody_out_and_seldom_waits_for_a_person():
    assert graded("ordinary", Grade.OPT_OUT) == []
    assert len(graded("ordinary", Grade.UNSURE)) < len(said("ordinary")) * 0.05


def test_nobody_who_wishes_to_stay_is_opted_out():
    assert graded("staying", Grade.OPT_OUT) == []


def test_a_no_at_the_end_of_many_words_without_a_full_stop_is_read():
    assert free_text.grade(text="we talked " * 30 + "unsubscribe me").grade is not Grade.NONE


def test_who_subscribes_is_not_opted_out_as_a_slip_of_the_pen():
    assert free_text.grade(text="subscribe").grade is Grade.NONE


def test_a_picture_of_stop_holds_and_takes_nothing_from_a_clear_no():
    assert free_text.grade(text="\U0001f6d1 my inbox").grade is Grade.UNSURE
    assert free_text.grade(text="\U0001f6d1 stop texting me").grade is Grade.OPT_OUT
