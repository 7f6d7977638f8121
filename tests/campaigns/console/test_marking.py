"""Lines of texts as pages show them: filled in, whoever lacks a word."""

from __future__ import annotations

import pytest

from campaigns.console import marking

FACTS = {"contact": {"first_name": "Dana"}, "evidence": {"value": 9, "quota": None}}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ contact.first_name }}, {{ evidence.value }} used", "Dana, 9 used"),
        ("{{ evidence.value }} of {{ evidence.quota }}, {{ offer.plan_to }}", "9 of 30, Team"),
        ("{{ evidence.value | nope }}", "{{ evidence.value | nope }}"),
    ],
)
@pytest.mark.django_db
def test_a_line_is_shown_with_samples_for_what_somebody_lacks(source, shown):
    assert marking.words_of(source=source, facts=FACTS, locale="en") == shown
