from __future__ import annotations

import pytest

from orchestrator.templating import word_lists


@pytest.mark.parametrize(
    ("words", "language", "told"),
    [
        (["e-mail", "SMS"], "en", "e-mail and SMS"),
        (["דוא״ל", "SMS"], "he", "דוא״ל ו־SMS"),
        (["SMS", "דוא״ל"], "he", "SMS ודוא״ל"),
        (["דוא״ל", "שיחות", "SMS"], "he", "דוא״ל, שיחות ו־SMS"),
        (["SMS"], "he", "SMS"),
        (["e-mail", "SMS"], "ro", "e-mail și SMS"),
        ([], "he", ""),
    ],
)
def test_words_are_joined_as_the_language_does_it(words, language, told):
    assert word_lists.join(words, language=language) == told


def test_an_or_stands_by_itself_in_hebrew():
    assert word_lists.join(["דוא״ל", "SMS"], language="he", style="or") == "דוא״ל או SMS"
