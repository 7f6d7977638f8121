"""What is wrong with a template, said in the reader's language."""

from __future__ import annotations

import pytest

from campaigns.sequences import problem_words, wording
from orchestrator.templating import lint


def _problem(text: str) -> str:
    allowed = wording.variables(has_offer=True)
    return lint.check_content(kind="csm_task", content={"text": text}, allowed=allowed, locale="en")[0].message


def test_a_word_that_there_is_not_gets_no_advice_for_one_that_somebody_lacks():
    advice = 'has no value here. Give it a fallback: {{{{ {0} | default: "…" }}}}.'
    for name, said in (
        ("contact.frist_name", "There is no variable contact.frist_name. Did you mean contact.first_name?"),
        ("contact.first_name", f"contact.first_name {advice.format('contact.first_name')}"),
    ):
        assert problem_words.in_readers_words(f"{name} {advice.format(name)}") == said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ contact.first_nam }}", "There is no variable contact.first_nam. Did you mean contact.first_name?"),
        ("{{ zzz }}", "There is no variable zzz."),
        ("{{ contact }}", "contact is a group of variables: name one of them, such as contact.…"),
        ("{{ contact.first_name", "A {{ is never closed with }}."),
        (
            "{% if contact.first_name %}",
            "A placeholder is not written right: expected tag endif, found end of expression. "
            "Check its signs, {{ }} or {% %}.",
        ),
        (
            "{% for one in (1..100000000) %}x{% endfor %}",
            "The text asks for too much work: the loops run too often.",
        ),
        ("{{ 1 | divided_by: 0 }}", "The text can’t be filled in: a number cannot be divided by 0."),
        ("", "The message is empty."),
    ],
)
def test_each_common_mistake_is_said_in_plain_words(text, words):
    assert problem_words.in_readers_words(_problem(text)) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<mj-foo></mj-foo>", "There is no MJML element <mj-foo>."),
        ("<mj-text>Hello", "<mj-text> of line 1 is not closed before here."),
    ],
)
def test_a_mistake_in_mjml_is_told_with_the_element(body, words):
    source = f"<mjml><mj-body><mj-section><mj-column>{body}</mj-column></mj-section></mj-body></mjml>"
    content = {"subject": "Hello", "mjml": source}
    [problem] = [
        one
        for one in lint.check_content(kind="email", content=content, allowed={}, locale="en")
        if one.level == "error"
    ]
    assert problem_words.in_readers_words(problem.message) == words


def test_the_language_that_a_message_begins_with_is_left_out():
    assert problem_words.in_readers_words("he: The mail is empty.", locale="he") == "The mail is empty."


def test_a_sentence_that_is_not_known_stays_as_it_is():
    assert problem_words.in_readers_words("Something new: 100 %.") == "Something new: 100 %."


def test_a_text_message_that_is_too_long_is_said_in_plain_words():
    [problem] = lint.check_content(kind="sms", content={"text": "x" * 1700}, allowed={}, locale="en")

    words = "With sample values this has 1700 characters; a text message has at most 1600."
    assert problem_words.in_readers_words(problem.message) == words
