"""A move to a new version, on the page of the contact and in the log of the test."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import translation

import campaigns
from campaigns.console import audit_words, experiment_page
from campaigns.operations.models import AuditEntry
from campaigns.sequences import apply, launch, move
from campaigns.sequences.lifecycle import pause
from campaigns.sequences.models import Campaign
from tests.campaigns.console.contacts import page_of
from tests.campaigns.console.reading import words_of
from tests.factories.sequences import account_near_limit, document, launched, market, reader
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]
# What such an entry is about has a page of its own, or none.
ELSEWHERE = (
    "sending.",
    "quote.",
    "rate.",
    "channel.",
    "segment.",
    "consent.",
    "privacy.",
    "key.",
    "topic.",
    "api_key.",
)


@pytest.fixture
def moved_on():
    """Dana came in with version 1; version 2 was launched an hour later, and she was moved to it."""
    market()
    contact = reader(account_near_limit(name="Galil Software"))
    campaign = launched(now=NOW - timedelta(hours=3), holdout_percent=0)
    steps = [step | ({"for": "9d"} if step["key"] == "wait-1" else {}) for step in document()["steps"]]
    at = NOW - timedelta(hours=2)
    apply.apply_campaign(document=document(holdout_percent=0, steps=steps), by="dana", now=at)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="dana", now=at)
    campaign.refresh_from_db()
    digest = move.preview_move(campaign=campaign).digest
    move.move_enrolments(campaign=campaign, by="dana", now=NOW - timedelta(hours=1), digest=digest)
    return contact


def decisions():
    campaign = Campaign.objects.select_related("experiment").get()
    assert campaign.experiment is not None
    return [one.words for one in experiment_page.list_decisions(experiment=campaign.experiment, campaign=campaign)]


def test_the_timeline_says_with_which_version_they_came_and_when_they_were_moved(marketer, moved_on):
    words = words_of(marketer.get(page_of(moved_on)))

    assert "Galil Software entered Seats at 80 % , version 1" in words
    assert "Moved to version 2 by dana Seats at 80 %" in words
    assert words.index("Moved to version 2 by dana") < words.index("Galil Software entered")


def test_a_new_version_and_a_move_are_told_as_what_they_are(moved_on):
    moved, renewed, started = decisions()

    assert moved == "dana moved 1 person to version 2."
    assert renewed.startswith("dana launched version 2 in place of version 1.")
    assert started.startswith("tests started the test. Fixed before the start:")


def test_no_language_shows_the_name_of_an_action(moved_on):
    pause(campaign=Campaign.objects.get(), by="dana", now=NOW)
    with translation.override("he"):
        assert [one for one in decisions() if "campaign." in one] == []


def test_an_action_that_nobody_knows_here_is_told_without_its_name(moved_on):
    AuditEntry.objects.create(at=NOW, actor="dana", action="campaign.zapped", subject="campaign:seats-80")
    assert decisions()[0] == "dana changed something about the campaign."


def test_every_action_that_the_code_writes_down_has_words():
    written = set(_written())
    assert {"campaign.move", "campaign.launch", "messages.sent_again", "goal.recomputed"} <= written
    shown = {action for action in written if not action.startswith(ELSEWHERE)}
    assert shown - audit_words.DECIDES_NOTHING == set(audit_words.WORDS)


def _written():
    """Every text in a module that writes audit entries that looks like an action: `room.what_happened`."""
    states = {f"campaign.{one}" for one in ("paused", "live", "stopped")}
    for file in Path(campaigns.__file__).parent.rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        if "AuditEntry(" not in source and "AuditEntry.objects.create(" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.keyword) and node.arg == "action":
                yield from states if isinstance(node.value, ast.JoinedStr) else _texts(node.value)
            elif isinstance(node, ast.Assign | ast.Call):
                yield from (one for one in _direct(node) if _is_action(one))


def _direct(node):
    values = node.args if isinstance(node, ast.Call) else [node.value]
    return [one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _texts(node):
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _is_action(text):
    room, dot, what = text.partition(".")
    rooms = {"campaign", "experiment", "messages", "goal"}
    return bool(dot) and room in rooms and what.replace("_", "").isalpha()
