"""What a text shows, judged by the packs: each rule with a text that keeps it and one that breaks it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from orchestrator.engine.country_packs import content, elsewhere, europe, israel, quiet_hours, romania, united_states
from orchestrator.engine.country_packs.content import Sender, Shown
from orchestrator.engine.country_packs.pack import BLOCKER, WARNING, Demand

PACKS = {pack.code: pack for pack in (israel.PACK, romania.PACK, europe.PACK, united_states.PACK, elsewhere.PACK)}
OUT = "https://example.com/u/1"
SENDER = Sender(("Acme Cloud", ""), "1 Test Street, Haifa", frozenset({OUT}), True)
LINE = "Acme Cloud, 1 Test Street, Haifa"
DOCS = Path(__file__).parents[4] / "docs" / "country-packs.md"


def mail(*, subject: str = "Hello", language: str = "en", html: str = LINE, plain: str = LINE, out: str = OUT) -> Shown:
    links = {"mjml": frozenset({out}), "text": frozenset({out})}
    return Shown("email", language, subject, {"mjml": html, "text": plain}, links)


def texting(words: str, language: str = "en", *links: str) -> Shown:
    return Shown("sms", language, "", {"text": words}, {"text": frozenset(links)})


def broken(code: str, shown: Shown, sender: Sender = SENDER) -> set[tuple[str, str, str]]:
    breaches = content.find_breaches(pack=PACKS[code], shown=shown, sender=sender)
    return {(one.rule.demand.value, one.field, one.level) for one in breaches}


@pytest.mark.parametrize(
    ("text", "is_marked"),
    [
        ("פרסומת: מושבים", True),
        ("[פרסומת] מושבים", True),
        ("\u200fפרסומת מושבים", True),
        ("  פרסומת", True),
        ("מושבים (פרסומת)", False),
        ("פרסומתית", False),
        ("{{ account.name }} פרסומת", False),
        ("Room for more", False),
        ("", False),
    ],
)
def test_an_israeli_advertisement_begins_with_the_word(text, is_marked):
    assert content.begins_with_mark(pack=israel.PACK, text=text) is is_marked


@pytest.mark.parametrize("code", PACKS)
def test_a_mail_that_shows_everything_breaks_nothing(code):
    assert broken(code, mail(subject="פרסומת: מושבים", language="he")) == set()


@pytest.mark.parametrize("code", PACKS)
@pytest.mark.parametrize(("language", "word"), [("en", "STOP"), ("he", "הסר"), ("ro", "DEZABONARE")])
def test_a_text_message_that_shows_everything_breaks_nothing(code, language, word):
    assert broken(code, texting(f"פרסומת, Acme Cloud: x {word}", language)) == set()


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (mail(subject="x", language="he"), ("mark", "subject", BLOCKER)),
        (mail(subject="x", language="en"), ("mark", "subject", WARNING)),
        (texting("x Acme Cloud הסר", "he"), ("mark", "text", BLOCKER)),
        (mail(html="1 Test Street, Haifa"), ("sender_name", "mjml", WARNING)),
        (mail(plain="1 Test Street, Haifa"), ("sender_name", "text", WARNING)),
        (mail(html="Acme Cloud"), ("postal_address", "mjml", BLOCKER)),
        (mail(out="https://example.com/other"), ("way_out", "mjml", BLOCKER)),
        (texting("Acme Cloud"), ("way_out", "text", BLOCKER)),
        (texting("Acme Cloud STOP", "he"), ("way_out_tongue", "text", WARNING)),
    ],
)
def test_what_israel_asks_for_is_found(shown, found):
    assert found in broken("IL", shown)


@pytest.mark.parametrize("code", ["US", "RO", "EU", ""])
@pytest.mark.parametrize("subject", ["Re: x", "RE[2]: x", "fw:x", "Fwd : x", "השב: x", "Răsp: x", "\u200fהועבר: x"])
def test_a_subject_that_looks_like_an_answer_is_found(code, subject):
    level = BLOCKER if code else WARNING
    assert broken(code, mail(subject=subject)) == {("honest_subject", "subject", level)}


@pytest.mark.parametrize("subject", ["Reports: all of May", "Refresh", "Forward: the new plan", "Re", ""])
def test_other_subjects_are_none(subject):
    assert broken("US", mail(subject=subject)) == set()


def test_an_address_in_several_lines_is_the_same():
    assert broken("US", mail(html="Acme Cloud 1 Test  Street — HAIFA")) == set()


def test_a_word_to_answer_with_is_none_where_nobody_can_answer():
    named = dataclasses.replace(SENDER, can_be_answered=False)
    assert ("way_out", "text", BLOCKER) in broken("IL", texting("פרסומת, Acme Cloud: הסר", "he"), named)
    assert broken("IL", texting("פרסומת, Acme Cloud: x", "he", OUT), named) == set()


@pytest.mark.parametrize("word", ["לא להסיר", "unSTOPpable", "stop", "הסרטון"])
def test_a_word_in_another_word_is_no_way_out(word):
    assert ("way_out", "text", BLOCKER) in broken("US", texting(f"Acme Cloud {word}"))


@pytest.mark.parametrize(
    ("address", "is_read"),
    [
        ("hello@acme.example", True), ("noreply@acme.example", False), ("No-Reply@acme.example", False),
        ("do_not.reply+5@acme.example", False), ("nora@acme.example", True), ("", False),
    ],
)  # fmt: skip
def test_an_address_that_takes_no_answers_says_so_in_its_name(address, is_read):
    assert content.takes_answers(address) is is_read


def test_every_country_has_a_pack_and_every_rule_a_source_that_the_document_names():
    told = DOCS.read_text(encoding="utf-8")
    for pack in PACKS.values():
        demands = {rule.demand for rule in pack.rules}
        assert {Demand.WAY_OUT, Demand.SENDER_NAME, Demand.HONEST_SUBJECT} & demands
        for rule in pack.rules:
            assert rule.source in told, rule
            assert rule.level in (BLOCKER, WARNING)
            assert rule.channels and set(rule.channels) <= set(pack.hours)


def test_a_pack_without_a_word_asks_for_none():
    assert content.begins_with_mark(pack=romania.PACK, text="Loc pentru mai mulți")
    assert [code for code, pack in PACKS.items() if pack.mark] == ["IL"]


@pytest.mark.parametrize(
    ("country", "code"), [("IL", "IL"), ("RO", "RO"), ("DE", "EU"), ("US", "US"), ("JP", ""), ("", "")]
)
def test_the_pack_of_a_country(country, code):
    assert quiet_hours.pack_of(country).code == code
