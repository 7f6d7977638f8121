from __future__ import annotations

import pytest

from orchestrator.engine.country_packs import content, europe, israel


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


def test_elsewhere_no_word_is_asked_for():
    assert content.begins_with_mark(pack=europe.ROMANIA, text="Loc pentru mai mulți")


@pytest.mark.parametrize(
    ("names", "is_named"), [(("Acme Cloud", ""), True), (("", "acme"), True), (("Other", ""), False), (("",), False)]
)
def test_an_israeli_text_message_names_its_sender(names, is_named):
    assert content.names_sender(pack=israel.PACK, text="פרסומת: Acme Cloud מציעה", names=names) is is_named
