"""Mails as blocks: what was made of them comes back as them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.console.mail_blocks import Blocks, build_mjml, excerpt, read_blocks
from orchestrator.templating import message

TABLE = "Plan | A month\nBasic | {{ offer.old_monthly | money: offer.currency }}\nTeam | 90"
WORDS = st.text(alphabet="ab <&>|{}'\"אșț.\n", min_size=1, max_size=30).filter(
    lambda text: text.strip() and "{{" not in text and "{%" not in text
)


@pytest.mark.parametrize("locale", ["en", "he"])
def test_blocks_come_back_as_they_were(locale):
    blocks = Blocks("Hello", f"First.\n\n{TABLE}", "See", "Small", "Under it.\n\nAnd more.")
    assert read_blocks(mjml=build_mjml(blocks=blocks, locale=locale), locale=locale) == blocks


def test_lines_with_a_bar_become_a_table_whose_figures_stand_at_the_end():
    made = build_mjml(blocks=Blocks(body=TABLE), locale="he")
    assert made.count("<tr>") == 3
    assert made.count('<th align="right"') == made.count('<td align="left"') == 3
    assert "{{ offer.old_monthly | money: offer.currency }}</td>" in made


def test_the_bar_of_a_liquid_filter_makes_no_table():
    body = "{{ a | upcase }}\n{{ b | upcase }}"
    assert "<mj-table" not in build_mjml(blocks=Blocks(body=body), locale="en")


def test_one_line_with_a_bar_is_a_sentence():
    assert "<mj-table" not in build_mjml(blocks=Blocks(body="This | that"), locale="en")


def test_what_stands_under_the_button_stands_under_the_button():
    mail = message.compile_email(subject="x", mjml=build_mjml(blocks=Blocks("", "A", "B", "D", "C"), locale="en"))
    order = [mail.html.index(f">{letter}<") for letter in "ABCD"]
    assert order == sorted(order)


def test_text_under_a_button_that_is_not_there_belongs_to_the_text():
    made = build_mjml(blocks=Blocks(body="A", after="B"), locale="en")
    assert read_blocks(mjml=made, locale="en") == Blocks("A", "B")


@given(body=WORDS, after=WORDS, button=WORDS)
def test_whatever_is_written_can_be_opened_again_and_stays_the_same(body, after, button):
    made = build_mjml(blocks=Blocks(body=body, after=after, button=button), locale="en")
    back = read_blocks(mjml=made, locale="en")
    assert back is not None
    assert build_mjml(blocks=back, locale="en") == made


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Nine of ten seats are taken.", "Nine of ten seats are taken."),
        ("Nine of your {{ evidence.quota }} seats are taken.", "Nine of your…"),
        ("Nine seats.{% if evidence.added %} More.{% endif %} The end of it.", "Nine seats…"),
        ("{% if a %}Nine{% endif %} of ten seats are taken.", "{% if a %}Nine{% endif %} of…"),
    ],
)
def test_an_excerpt_is_never_cut_inside_its_liquid(body, words):
    mjml = build_mjml(blocks=Blocks(greeting="Hello", body=body), locale="en")
    assert excerpt(mjml, longest=32) == words


def test_an_excerpt_ends_before_the_button():
    blocks = Blocks("Hello", "Room for more.", "See {{ offer.plan_to }}", "Price without tax.", "Under it.")
    assert excerpt(build_mjml(blocks=blocks, locale="en")) == "Room for more."
