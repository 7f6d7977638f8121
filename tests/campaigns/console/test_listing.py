"""What every list has: search and filters in its address, an order, “12 of 48”, a file of exactly what is shown."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from campaigns.console import listing
from campaigns.console.listing import Asked, Filter
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign
from tests.campaigns.console.conftest import segment_of_one, two_accounts
from tests.campaigns.console.reading import words_of
from tests.factories.delivery import CsmTaskFactory
from tests.factories.profiles import ContactFactory
from tests.factories.segments import make_segment
from tests.factories.usage import NOW

STUDIO = "/admin/studio/"
STATE = Filter("state", "State", "Every state", [("on", "On"), ("off", "Off")])
LISTS = [
    ("segments/", "segments/segments.csv"),
    ("campaigns/", "campaigns/campaigns.csv"),
    ("tests/", "tests/tests.csv"),
    ("contacts/", "contacts/contacts.csv"),
    ("tasks/", "tasks/tasks.csv"),
    ("segments/close/members/", "segments/close/members.csv"),
]


def ask(query: str, **said) -> Asked:
    return listing.read(RequestFactory().get(f"/?{query}"), filters=[STATE], sorts=("name", "-size"), **said)


def test_the_address_says_what_is_asked():
    asked = ask("q=+seats%00+&state=on&sort=size")
    assert (asked.words, asked.of("state"), asked.sort, asked.is_narrowed) == ("seats", "on", "size", True)


@pytest.mark.parametrize("query", ["", "q=++", "state=broken", "sort=secret", "page=nine"])
def test_what_is_no_choice_is_passed_over(query):
    asked = ask(query)
    assert (asked.words, asked.of("state"), asked.sort, asked.is_narrowed) == ("", "", "name", False)


def test_a_link_keeps_what_was_asked_and_leaves_out_what_goes_without_saying():
    asked = ask("q=a%26b&state=on&sort=-size", carried={"show": "open"})
    assert asked.query() == "show=open&q=a%26b&state=on&sort=-size"
    assert asked.query(sort="", page="2") == "show=open&q=a%26b&state=on&page=2"
    assert ask("sort=name").query() == ""


@given(
    row=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4),
    numbers=st.lists(st.integers() | st.decimals(allow_nan=False, allow_infinity=False), max_size=2),
)
def test_a_file_is_read_back_as_it_was_and_no_cell_begins_a_formula(row, numbers):
    text = b"".join(listing.export(name="x", head=["a"], rows=[[*row, *numbers]], now=NOW)).decode("utf-8-sig")
    _head, read = csv.reader(io.StringIO(text, newline=""))
    texts = read[: len(row)]
    assert [cell.removeprefix("'") for cell in texts] == [_plain(cell) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\x00")) for cell in texts)
    assert read[len(row) :] == [str(number) for number in numbers]


def _plain(cell: str) -> str:
    return cell.removeprefix("'")


@pytest.mark.parametrize("text", ["=1+1", "+972", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\x00=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_marked_as_text(text):
    assert listing.cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (-5, -5), (0.25, 0.25), ("a=b", "a=b"), (NOW, "2026-11-24T10:00:00+00:00")]
)
def test_everything_else_stays_what_it_is(value, cell):
    assert listing.cell(value) == cell


def test_a_file_is_named_after_its_day_and_begins_with_the_mark_of_utf_8():
    response = listing.export(name="contacts", head=["a"], rows=[], now=datetime(2026, 11, 24, 23, tzinfo=UTC))
    assert response["Content-Disposition"] == 'attachment; filename="contacts-2026-11-24.csv"'
    assert b"".join(response) == b"\xef\xbb\xbfa\r\n"


def test_a_file_is_written_while_it_is_read():
    taken = []

    def rows():
        for number in range(3):
            taken.append(number)
            yield [number]

    lines = iter(listing.export(name="x", head=["n"], rows=rows(), now=NOW))
    next(lines)
    next(lines)
    assert taken == [0]


# --- the lists themselves


@pytest.fixture(scope="module")
def filled(shared_rows):
    """Three of everything, one of them called Zebra."""
    two_accounts()
    segment_of_one()
    make_segment({"all": []}, slug="zebra")
    make_segment({"all": []}, slug="other")
    for name in ("Zebra", "Okapi", "Gnu"):
        ContactFactory(first_name=name, last_name="Test", locale="he")
        CsmTaskFactory(title=f"Call {name}", due_at=NOW)
        Campaign.objects.create(slug=name.lower(), name=name, created_at=NOW, changed_at=NOW)


def rows_of(response: HttpResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(b"".join(response).decode("utf-8-sig").splitlines()))


pages = pytest.mark.usefixtures("in_november", "filled")


@pytest.mark.django_db
@pages
@pytest.mark.parametrize(("path", "file"), LISTS)
def test_every_list_has_search_a_file_and_a_count(marketer, path, file):
    response = marketer.get(STUDIO + path)
    html = response.content.decode()
    assert html.count("data-find") == 1
    assert 'type="search" name="q"' in html
    rows = rows_of(marketer.get(f"{STUDIO}{file}"))
    assert len(rows) == response.context["list"].found


@pytest.mark.django_db
@pages
@pytest.mark.parametrize(("path", "file"), LISTS)
def test_every_list_says_when_nothing_matches_and_leads_back(marketer, path, file):
    response = marketer.get(STUDIO + path, {"q": "<nobody>"})
    words = words_of(response)
    assert "Nothing here matches “<nobody>”. Clear filters" in words
    assert response.context["list"].heading.startswith("0 of ")
    assert rows_of(marketer.get(f"{STUDIO}{file}", {"q": "<nobody>"})) == []


@pytest.mark.django_db
@pages
@pytest.mark.parametrize(
    ("path", "file", "column", "nouns"),
    [
        ("segments/", "segments/segments.csv", "name", "segments"),
        ("campaigns/", "campaigns/campaigns.csv", "name", "campaigns"),
        ("contacts/", "contacts/contacts.csv", "first_name", "contacts"),
        ("tasks/", "tasks/tasks.csv", "task", "tasks"),
    ],
)
def test_the_file_holds_exactly_what_the_page_found(marketer, path, file, column, nouns):
    everything = marketer.get(STUDIO + path).context["list"]
    found = marketer.get(STUDIO + path, {"q": "zebra"}).context["list"]
    assert (everything.heading, found.heading) == (f"{everything.found} {nouns}", f"1 of {everything.found} {nouns}")
    assert found.export_url.endswith("q=zebra")
    assert [row[column].removeprefix("Call ") for row in rows_of(marketer.get(found.export_url))] == ["Zebra"]
    assert len(rows_of(marketer.get(f"{STUDIO}{file}"))) == everything.found


@pytest.mark.django_db
@pages
@pytest.mark.parametrize("path", [path for path, _file in LISTS])
def test_every_list_is_shown_in_hebrew(marketer, path):
    marketer.cookies["django_language"] = "he"
    response = marketer.get(STUDIO + path, {"q": "x"})
    marketer.cookies["django_language"] = "en"
    marketer.get(STUDIO)
    assert response.status_code == 200
    assert 'dir="rtl"' in response.content.decode()


@pytest.mark.django_db
@pages
def test_segments_are_kept_by_use_and_ordered(marketer):
    Campaign.objects.create(
        slug="c", name="C", segment=Segment.objects.get(slug="zebra"), created_at=NOW, changed_at=NOW
    )

    def slugs(**asked):
        return [one.slug for one in marketer.get(f"{STUDIO}segments/", asked).context["list"].page.object_list]

    assert slugs() == ["close", "other", "zebra"]
    assert slugs(sort="-name") == ["zebra", "other", "close"]
    assert slugs(sort="-size")[0] == "close"
    assert slugs(use="used") == ["zebra"]
    assert slugs(use="unused") == ["close", "other"]
    assert slugs(use="running") == []


@pytest.mark.django_db
@pages
def test_heads_say_by_what_the_table_is_ordered_and_turn_it_round(marketer):
    html = marketer.get(f"{STUDIO}segments/", {"sort": "-size", "q": "e"}).content.decode()
    assert 'aria-sort="descending"><a class="cr-sort" href="?q=e&amp;sort=size">' in html
    assert 'aria-sort="none"><a class="cr-sort" href="?q=e">' in html
