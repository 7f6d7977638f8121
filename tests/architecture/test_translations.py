"""Hebrew and Romanian are filled in, agree on their placeholders, and leave nothing fuzzy."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%[sd%]|\{[a-z_]*\}")


@pytest.mark.parametrize("language", ["he", "ro"])
def test_every_string_is_translated(language):
    catalogue = polib.pofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.po"))
    assert len(catalogue) > 100
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


@pytest.mark.parametrize("language", ["he", "ro"])
def test_placeholders_agree(language):
    catalogue = polib.pofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.po"))
    wrong = [
        entry.msgid
        for entry in catalogue
        if not entry.obsolete and not entry.msgid_plural
        if sorted(PLACEHOLDER.findall(entry.msgid)) != sorted(PLACEHOLDER.findall(entry.msgstr))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", ["he", "ro"])
def test_plurals_have_every_form(language):
    catalogue = polib.pofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.po"))
    [forms] = re.findall(r"nplurals=(\d)", catalogue.metadata["Plural-Forms"])
    plurals = [entry for entry in catalogue if entry.msgid_plural]
    assert [e.msgid for e in plurals if len([form for form in e.msgstr_plural.values() if form]) != int(forms)] == []
