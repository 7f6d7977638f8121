"""The other pages of a segment: its members, its versions, its definition as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from campaigns.profiles.models import Account
from campaigns.segments import store
from campaigns.segments.models import Segment
from tests.campaigns.console.conftest import BASIC, SEATS, segment_of_one, two_accounts
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.test_segments import page_of
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]


@pytest.fixture(scope="module")
def scene(shared_rows):
    two_accounts()
    return segment_of_one()


@pytest.fixture
def segment(scene, db):
    return Segment.objects.get(pk=scene.pk)


@pytest.fixture
def market(scene, db):
    return Account.objects.get(name="Galil Software")


def test_members_are_listed_searched_and_exported(marketer, segment):
    assert "1 member Find CSV Name ID Country In since Contacts Galil Software" in words_of(
        marketer.get(f"{page_of(segment)}members/")
    )
    assert "Nothing here matches “zzz”." in words_of(marketer.get(f"{page_of(segment)}members/", {"q": "zzz"}))
    lines = b"".join(marketer.get(f"{page_of(segment)}members.csv")).decode("utf-8-sig").splitlines()
    assert lines[0] == "external_id,name,in_since"
    assert lines[1].split(",")[1:] == ["Galil Software", "2026-11-24T10:00:00+00:00"]


def test_a_name_that_looks_like_a_formula_is_exported_as_text(marketer, segment, market):
    market.name = '=HYPERLINK("http://evil.example")'
    market.save()
    text = b"".join(marketer.get(f"{page_of(segment)}members.csv")).decode()
    assert "'=HYPERLINK" in text


def test_history_tells_each_version_in_words_and_restores_one(marketer, segment, empty_redis):
    store.save_segment(slug="close", name="", definition={"all": [SEATS]}, by="noa", now=NOW + timedelta(minutes=5))
    page = f"{page_of(segment)}history/"
    words = words_of(marketer.get(page))
    assert "2 versions Version 2 Live Seats used is at least 80 % of the quota 10:05 · noa" in words
    response = marketer.post(f"{page_of(segment)}restore/", {"version": "1"}, follow=True)
    assert "Back to version 1, saved as version 3" in words_of(response)
    segment.refresh_from_db()
    assert segment.live_version.definition == {"all": [BASIC, SEATS]}


def test_undo_and_redo_walk_through_the_versions(marketer, segment, empty_redis):
    store.save_segment(slug="close", name="", definition={"all": [SEATS]}, by="noa", now=NOW)
    html = marketer.get(page_of(segment)).content.decode()
    assert 'aria-label="Undo: back to version 1"' in html
    assert 'aria-label="Redo: nothing was undone"' in html
    marketer.post(f"{page_of(segment)}restore/", {"version": "1"})
    html = marketer.get(page_of(segment)).content.decode()
    assert 'aria-label="Undo: there is no version before"' in html
    assert 'aria-label="Redo: forward to version 2"' in html


@pytest.mark.parametrize("version", ["", "9", "x", "99999999999999"])
def test_restoring_a_version_that_is_none_is_not_found(marketer, segment, version):
    assert marketer.post(f"{page_of(segment)}restore/", {"version": version}).status_code == 404


def test_the_definition_is_edited_as_json(marketer, segment, empty_redis):
    page = f"{page_of(segment)}json/"
    assert '"usage": "seats_used"' in words_of(marketer.get(page))
    wanted = {"any": [{"engagement": "clicked", "window": "30d"}]}
    assert marketer.post(page, {"definition": json.dumps(wanted)})["Location"] == page
    segment.refresh_from_db()
    assert segment.live_version.definition == wanted


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "This is not JSON: "),
        ('{"any": [{"field": "account.size", "op": "is_set"}]}', "any[0].field : There is no field account.size."),
        ('{"all": [{"crossing": "water", "level": 80, "window": "7d"}]}', "all[0].crossing : There is no meter water."),
        ('{"segment": "close"}', "segment : Segments lead in a circle"),
    ],
)  # fmt: skip
def test_json_that_is_no_definition_is_refused_with_the_path_and_kept_in_the_box(marketer, segment, text, error):
    response = marketer.post(f"{page_of(segment)}json/", {"definition": text})
    words = words_of(response)
    assert "Not saved." in words
    assert error in words
    assert text in words
    assert segment.versions.count() == 1


def test_json_saved_in_between_is_not_overwritten_unseen(marketer, segment, empty_redis):
    page = f"{page_of(segment)}json/"
    store.save_segment(slug="close", name="", definition={"all": [SEATS]}, by="noa", now=NOW)
    mine = {"definition": json.dumps({"all": [BASIC]}), "base": "1"}
    words = words_of(marketer.post(page, mine))
    assert "Not saved. Version 2 was saved by noa while you were working." in words
    assert '"account.plan"' in words
    assert marketer.post(page, {**mine, "base": "2"})["Location"] == page


def test_sizes_are_told_by_day(marketer, segment):
    words = words_of(marketer.get(f"{page_of(segment)}history/"))
    assert "Size by day Members at the last count of each day. Show as a table Day Members 24 Nov 1" in words


def test_a_segment_is_renamed_without_a_new_version(marketer, segment):
    marketer.post(f"{page_of(segment)}rename/", {"name": "Nearly full"})
    segment.refresh_from_db()
    assert (segment.name, segment.versions.count()) == ("Nearly full", 1)
