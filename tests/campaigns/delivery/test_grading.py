from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery import grading
from campaigns.delivery.grading import Click, Way
from orchestrator.channels.events import Grade
from tests.factories.delivery import NOW

SECOND = timedelta(seconds=1)


def click(number, second, url="a", grade=Grade.UNKNOWN):
    return Click(id=number, at=NOW + second * SECOND, url=url, grade=grade)


def grades(*clicks, delivered=(), accepted=None, is_looked_through=True):
    taken = None if accepted is None else NOW + accepted * SECOND
    arrived = [NOW + second * SECOND for second in delivered]
    return grading.grade_clicks(clicks=clicks, way=Way(is_looked_through, taken, arrived))


@pytest.mark.parametrize(
    ("second", "grade"), [(-3600, Grade.SCANNER), (-3, Grade.SCANNER), (10, Grade.SCANNER), (11, Grade.HUMAN)]
)
def test_nobody_reads_a_mail_before_its_delivery_or_within_ten_seconds_of_it(second, grade):
    assert grades(click(1, second), delivered=[0]) == {1: grade}


@pytest.mark.parametrize(
    ("urls", "grade"), [(("a", "b", "c"), Grade.SCANNER), (("a", "b", "b"), Grade.HUMAN), (("a", "b"), Grade.HUMAN)]
)
def test_three_different_links_at_once_are_a_machine(urls, grade):
    found = grades(*[click(number, 100 + number, url) for number, url in enumerate(urls)], delivered=[0])

    assert set(found.values()) == {grade}


def test_a_person_after_the_machine_is_a_person():
    burst = [click(number, 100, f"link-{number}") for number in range(3)]

    assert grades(*burst, click(9, 4000), delivered=[0])[9] == Grade.HUMAN


@pytest.mark.parametrize(
    ("second", "accepted", "grade"), [(30, None, Grade.UNKNOWN), (3599, 0, Grade.UNKNOWN), (3600, 0, Grade.HUMAN)]
)
def test_without_a_known_delivery_only_a_late_click_is_a_persons(second, accepted, grade):
    assert grades(click(1, second), accepted=accepted) == {1: grade}


def test_what_stands_in_the_product_is_clicked_by_who_reads_it():
    assert grades(click(1, 1), is_looked_through=False) == {1: Grade.HUMAN}


@given(
    clicks=st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abcd")), min_size=1, max_size=10),
    delivered=st.lists(st.integers(0, 60), max_size=3),
    shown=st.integers(1, 10),
)
def test_more_reports_never_turn_a_machine_into_a_person(clicks, delivered, shown):
    made = [click(number, second, url) for number, (second, url) in enumerate(clicks)]
    before = grades(*made[:shown], delivered=delivered[:1])
    after = grades(*made, delivered=delivered)

    assert all(after[number] == Grade.SCANNER for number, grade in before.items() if grade == Grade.SCANNER)


@pytest.mark.parametrize(
    ("method", "agent", "grade"),
    [
        ("GET", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36", Grade.UNKNOWN),
        ("HEAD", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36", Grade.SCANNER),
        ("GET", "", Grade.SCANNER),
        ("GET", "curl/8.5", Grade.SCANNER),
    ],
)
def test_one_request_is_judged_by_its_own_look(method, agent, grade):
    assert grading.grade_fetch(method=method, user_agent=agent) == grade
