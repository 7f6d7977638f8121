from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from campaigns.cli import translations

HEADER = """msgid ""
msgstr ""
"Language: ro\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : (n==0 || (n%100>0 && n%100<20)) ? 1 : 2);\\n"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "campaigns" / "views.py").write_text(
        'TITLE = _("Segments")\nWORDS = ngettext("%(n)s person", "%(n)s people", n)\nMENU = pgettext("menu", "Home")\n'
    )
    (tmp_path / "templates" / "page.html").write_text(
        '{% load i18n %}<h1>{% translate "Campaigns (all)" %}</h1>\n'
        "{% blocktranslate with name=x %}Hello {{ name }}{% endblocktranslate %}\n"
    )
    return tmp_path


def catalogue(root: Path, body: str) -> Path:
    po = root / "locale" / "ro" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text(HEADER + body, encoding="utf-8")
    return po


def test_marked_strings_of_code_and_templates_are_found(root):
    found = {(item.text, item.plural, item.context) for item in translations.marked_strings(root)}

    assert found == {
        ("Segments", None, None),
        ("%(n)s person", "%(n)s people", None),
        ("Home", None, "menu"),
        ("Campaigns (all)", None, None),
        ("Hello %(name)s", None, None),
    }


def test_what_is_missing_empty_or_fuzzy_is_named(root):
    po = catalogue(root, '\nmsgid "Segments"\nmsgstr ""\n\n#, fuzzy\nmsgid "Old"\nmsgstr "Vechi"\n')

    faults = translations.faults(po=po, root=root)

    assert "'Segments' is not translated" in faults
    assert "'Old' is fuzzy" in faults
    assert "templates/page.html:1: 'Campaigns (all)' is not in the catalogue" in faults


def test_a_translation_that_loses_a_placeholder_is_named(root):
    po = catalogue(root, '\nmsgid "Hello %(name)s"\nmsgstr "Salut"\n')

    assert "'Hello %(name)s': the translation's placeholders differ" in translations.faults(po=po, root=root)


def test_an_update_adds_what_is_new_and_keeps_what_was_translated(root):
    po = catalogue(root, '\nmsgid "Segments"\nmsgstr "Segmente"\n')

    translations.update(po=po, root=root)

    assert 'msgstr "Segmente"' in po.read_text(encoding="utf-8")
    assert 'msgid "Campaigns (all)"' in po.read_text(encoding="utf-8")


def test_a_compiled_catalogue_is_read_by_gettext(root):
    po = catalogue(root, '\nmsgid "Segments"\nmsgstr "Segmente"\n')

    with translations.compile_catalog(po=po).open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Segments") == "Segmente"
