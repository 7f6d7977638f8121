from __future__ import annotations

import pytest

from orchestrator.templating import message, sms
from orchestrator.templating.way_out import add_way_out, complete_text, has_way_out


def made(text, locale="en", *, can_answer=True):
    return add_way_out(message.compile_text(text=text, locale=locale), can_answer=can_answer).text


@pytest.mark.parametrize(
    ("locale", "line"),
    [
        ("en", "Reply STOP to opt out"),
        ("he", "להסרה השיבו הסר"),
        ("ro", "Raspundeti STOP pentru dezabonare"),
        ("ro-RO", "Raspundeti STOP pentru dezabonare"),
        ("iw", "להסרה השיבו הסר"),
        ("de", "Reply STOP to opt out"),
    ],
)
def test_a_text_without_a_way_out_gets_one_in_its_language(locale, line):
    assert made("Your seats are taken.", locale) == f"Your seats are taken.\n{line}"


@pytest.mark.parametrize(
    "text",
    [
        "Text STOP to stop.",
        "Stop it: {{ links.unsubscribe }}",
        "{{ links.preferences }}",
        "השיבו הסר",
        "Dez.: DEZABONARE",
    ],
)
def test_a_text_that_tells_one_is_left_alone(text):
    assert made(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Reply STOP to opt out", "Reply with the word STOP", "Text STOP to 12345", "STOP to end", "STOP=unsubscribe",
        "Opt-out: STOP", "Txt \"STOP\" 2 quit", "Rates may apply. STOP to cancel", "Răspunde STOP",
        "Trimiteți STOP la 1234", "להסרה: הסר", "לביטול שלחו הסר", "כדי להסיר השב הסר",
    ],
)  # fmt: skip
def test_a_word_to_answer_with_is_a_way_out(text):
    assert has_way_out(text, can_answer=True)


@pytest.mark.parametrize(
    "text", ["STOP paying too much!", "Don't STOP now", "Our text plans never STOP growing", "Send more, STOP less!"]
)
def test_a_word_that_is_merely_said_is_no_way_out(text):
    assert made(text) == f"{text}\nReply STOP to opt out"


URLS = {"unsubscribe": "https://acme.test/u/t", "preferences": "https://acme.test/p/t"}


@pytest.mark.parametrize(
    ("text", "can_answer", "finished"),
    [
        ("Two seats left.", True, "Two seats left.\nReply STOP to opt out"),
        ("Two seats left.", False, "Two seats left.\nOpt out: https://acme.test/u/t"),
        ("Out: https://acme.test/u/t", False, "Out: https://acme.test/u/t"),
        ("Choose: https://acme.test/p/t", True, "Choose: https://acme.test/p/t"),
        ("Reply STOP to end", True, "Reply STOP to end"),
    ],
)
def test_a_finished_text_has_its_way_out_whatever_its_conditions_took_away(text, can_answer, finished):
    assert complete_text(text, urls=URLS, locale="en", can_answer=can_answer) == finished


@pytest.mark.parametrize("text", ["Do not stop now", "NONSTOP service", "הסרט החדש"])
def test_a_word_that_only_looks_like_it_tells_nothing(text):
    assert not has_way_out(text, can_answer=True)


def test_a_name_cannot_be_answered_so_a_link_is_added():
    assert made("Reply STOP to opt out", can_answer=False) == (
        "Reply STOP to opt out\nOpt out: {{ links.unsubscribe }}"
    )


def test_the_romanian_line_keeps_a_message_in_the_cheap_alphabet():
    assert sms.count_segments(made("Mai aveti 2 locuri.", "ro")).encoding == "GSM-7"
