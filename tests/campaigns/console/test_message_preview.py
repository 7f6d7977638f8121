from __future__ import annotations

import pytest
from django.utils import translation

from campaigns.console import message_preview
from campaigns.sequences import cast
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "first", "account", "shown"),
    [
        ("en", "Dana", "Galil", "Dana Levi, Galil"),
        ("en", "דנה", "Galil", "\u2068דנה Levi\u2069, Galil"),
        ("he", "Dana", "גליל", "\u2068Dana Levi\u2069, גליל"),
    ],
)
def test_a_name_that_runs_against_the_page_is_set_apart(language, first, account, shown):
    make.market()
    make.reader(make.account_near_limit(name=account), first_name=first, last_name="Levi")
    [person] = cast.find_people(campaign=make.drafted(), now=make.NOW, limit=1)
    with translation.override(language):
        assert message_preview.label_of(person).startswith(shown)
