"""The rule form loses nothing: what it reads it writes again, what it can't edit it keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.console import segment_page
from campaigns.console.forms import catalogue as catalogues
from campaigns.console.forms import rules
from campaigns.console.forms import segments as segment_forms
from campaigns.segments import parse
from tests.factories.billing import PlanFactory
from tests.factories.consent import ConsentTopicFactory
from tests.factories.profiles import ContactFactory
from tests.factories.segments import make_segment
from tests.factories.usage import MeterFactory

pytestmark = pytest.mark.django_db

EDITABLE: list[dict[str, Any]] = [
    {"field": "account.plan", "op": "=", "value": "basic"},
    {"field": "account.plan", "op": "in", "value": ["basic", "pro"]},
    {"field": "account.plan", "op": "!=", "value": "basic"},
    {"field": "account.plan", "op": "not_in", "value": ["basic", "gone"]},
    {"field": "account.plan", "op": "is_not_set"},
    {"field": "account.country", "op": "=", "value": "IL"},
    {"field": "account.name", "op": "contains", "value": "Soft"},
    {"field": "account.name", "op": "in", "value": ["Ada", "Bob"]},
    {"field": "account.domain", "op": "ends_with", "value": ".example"},
    {"field": "account.created_at", "op": "within", "value": "30d"},
    {"field": "account.traits.industry", "op": "=", "value": "retail"},
    {"field": "account.traits.address.city", "op": "is_set"},
    {"field": "account.traits.seats", "op": ">=", "value": 20},
    {"field": "account.traits.beta", "op": "=", "value": True},
    {"field": "contact.traits.age", "op": "<=", "value": 1.5},
    {"subscription": "renewal_in", "op": "<=", "value": "45d"},
    {"not": {"subscription": "renewal_in", "op": "<=", "value": "14d"}},
    {"subscription": "interval", "op": "=", "value": "YEAR"},
    {"subscription": "mrr", "op": "between", "value": [10, 99.5]},
    {"subscription": "quantity", "op": ">", "value": 3},
    {"subscription": "cancel_scheduled", "op": "=", "value": False},
    {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8},
    {"usage": "seats_used", "agg": "last", "op": "<", "value": 5},
    {"usage": "seats_used", "agg": "max", "window": "7d", "op": ">=", "value": 9},
    {"usage": "api_calls", "agg": "sum", "window": "30d", "op": ">=", "value": 1000},
    {"usage": "api_calls", "agg": "sum", "window": "28d", "per": "previous", "op": ">=", "value": 1.3},
    {"usage": "seats_used", "agg": "avg", "window": "28d", "per": "previous", "op": "<=", "value": 0.75},
    {"crossing": "seats_used", "level": 80, "window": "7d"},
    {"event": "signed_in"},
    {"event": "signed_in", "window": "14d", "count": {"op": "=", "value": 0}},
    {
        "event": "tried",
        "window": "14d",
        "where": [{"property": "feature", "op": "=", "value": "sso"}],
        "count": {"op": ">=", "value": 3},
    },
    {"field": "contact.locale", "op": "=", "value": "he"},
    {"not": {"field": "contact.locale", "op": "=", "value": "he"}},
    {"field": "membership.role", "op": "in", "value": ["OWNER", "ADMIN"]},
    {"consent": "email", "topic": "offers", "is": "granted"},
    {"not": {"consent": "email", "topic": "offers", "is": "granted"}},
    {"bucket": "2026-q4", "percent": [0, 50]},
    {"segment": "healthy"},
    {"not": {"segment": "healthy"}},
]
KEPT = [
    {"engagement": "clicked", "window": "30d"},
    {"score": "health", "op": ">=", "value": 0.4},
    {"any_contact": {"field": "contact.locale", "op": "=", "value": "he"}},
    {"subscription": "renewal_in", "op": "<=", "value": "36h"},
    {"event": "tried", "where": [{"property": "n", "op": "=", "value": 3}]},
    {"usage": "seats_used", "agg": "last", "per": "quota", "op": "between", "value": [0.5, 0.8]},
    {"not": {"all": [{"field": "account.country", "op": "=", "value": "IL"}]}},
    {"field": "account.name", "op": "=", "value": " two spaces "},
]


@pytest.fixture
def names():
    PlanFactory(code="basic", name="Basic")
    PlanFactory(code="pro", name="Pro")
    MeterFactory(code="seats_used")
    MeterFactory(code="api_calls", aggregation="SUM")
    ConsentTopicFactory()
    ContactFactory()
    make_segment(slug="healthy")


@pytest.fixture
def known(names):
    return catalogues.load()


@pytest.mark.parametrize("condition", EDITABLE, ids=json.dumps)
def test_the_form_edits_a_condition_and_writes_it_back_as_it_was(known, condition):
    tree = rules.from_definition({"all": [condition]}, known)
    assert [row.kind for row in tree.rows] == [rules.RULE]
    assert rules.to_definition(tree, known) == {"all": [condition]}
    assert tree.errors() == []


@pytest.mark.parametrize("condition", KEPT, ids=json.dumps)
def test_what_the_form_has_no_sentence_for_is_kept_untouched_and_told_in_words(known, condition):
    tree = rules.from_definition({"all": [condition]}, known)
    assert [row.kind for row in tree.rows] == [rules.KEPT]
    segment_page.say_kept(tree)
    assert tree.rows[0].said
    assert rules.to_definition(tree, known) == {"all": [condition]}


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (
            {"subscription": "renewal_in", "op": "<=", "value": "2w"},
            {"subscription": "renewal_in", "op": "<=", "value": "14d"},
        ),
        (
            {"field": "account.plan", "op": "in", "value": ["pro"]},
            {"field": "account.plan", "op": "=", "value": "pro"},
        ),
        ({"event": "x", "window": "1w", "count": {"op": ">=", "value": 1}}, {"event": "x", "window": "7d"}),
    ],
)
def test_spellings_that_mean_the_same_become_the_forms_own(known, written, form):
    tree = rules.from_definition({"all": [written]}, known)
    assert rules.to_definition(tree, known) == {"all": [form]}


def test_a_single_condition_is_shown_as_a_group_of_one(known):
    tree = rules.from_definition(EDITABLE[0], known)
    assert (tree.mode, len(tree.rows)) == ("all", 1)


def test_none_of_these_is_the_complement_of_any(known):
    tree = rules.from_definition({"not": {"any": EDITABLE[:2]}}, known)
    assert (tree.mode, len(tree.rows)) == ("none", 2)
    assert rules.to_definition(tree, known) == {"not": {"any": EDITABLE[:2]}}


def test_the_third_level_of_groups_is_kept_as_one_line(known):
    deep = {"any": [{"all": [EDITABLE[0], {"any": EDITABLE[1:3]}]}, EDITABLE[5]]}
    tree = rules.from_definition({"all": [deep]}, known)
    assert [row.kind for row in tree.rows[0].rows] == [rules.KEPT, rules.RULE]
    assert rules.to_definition(tree, known) == {"all": [deep]}


def test_a_segment_of_contacts_stays_one_of_contacts(known):
    document = {"subject": "contact", "all": [EDITABLE[0]]}
    assert rules.to_definition(rules.from_definition(document, known), known) == document


_leaves = st.sampled_from(EDITABLE + KEPT)
_trees = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
        st.lists(inner, min_size=1, max_size=2).map(lambda found: {"not": {"any": found}}),
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(inner=st.lists(_trees, min_size=1, max_size=4))
def test_no_definition_is_changed_by_passing_through_the_form(known, inner):
    document = {"all": inner}
    tree = rules.from_definition(document, known)
    assert rules.to_definition(tree, known) == document


def test_a_posted_form_is_read_in_the_order_of_the_page(known):
    data = QueryDict(mutable=True)
    data.setlist("row", ["2", "1", "1/3"])
    data.update({"mode": "any", "1.kind": "group", "1.mode": "none"})
    for number in ("2", "3"):
        data.update({f"{number}.fact": "subscription.mrr", f"{number}.was": "subscription.mrr"})
        data.update({f"{number}.op": "at_least", f"{number}.number": f"{number}0,5"})
    tree = rules.from_post(data, known)
    first, second = ({"subscription": "mrr", "op": ">=", "value": value} for value in (20.5, 30.5))
    assert rules.to_definition(tree, known) == {"any": [first, {"not": {"any": [second]}}]}


def test_another_fact_starts_with_its_own_fields(known):
    data = QueryDict(mutable=True)
    data.update({"row": "1", "1.fact": "usage.seats_used", "1.was": "account.plan", "1.op": "is", "1.value": "basic"})
    tree = rules.from_post(data, known)
    assert rules.to_definition(tree, known) == {
        "all": [{"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}]
    }


@pytest.mark.parametrize("row", ["", "x", "9/1", "99999999", "1/2/3"])
def test_rows_that_no_page_sends_are_passed_over(known, row):
    data = QueryDict(mutable=True)
    data.update({"row": row})
    assert rules.from_post(data, known).rows == []


def test_a_line_with_an_error_is_left_out_and_the_others_count(known):
    data = QueryDict(mutable=True)
    data.setlist("row", ["1", "2"])
    for number, text in (("1", "8o"), ("2", "5")):
        data.update({f"{number}.fact": "subscription.mrr", f"{number}.was": "subscription.mrr"})
        data.update({f"{number}.op": "at_least", f"{number}.number": text})
    draft, _change = segment_forms.from_post(data, segment=None)
    assert draft.definition == {"all": [{"subscription": "mrr", "op": ">=", "value": 5}]}
    assert [(row.id, row.error) for row in draft.errors] == [(1, "“8o” is not a number.")]
    assert not draft.can_save


def test_an_error_of_the_grammar_stands_beside_its_line(known):
    data = QueryDict(mutable=True)
    data.update({"row": "1", "1.fact": "event", "1.was": "event", "1.name": "signed_in"})
    data.update({"1.times": "1", "1.days": "900"})
    draft, _change = segment_forms.from_post(data, segment=None)
    assert [row.error for row in draft.errors] == ["The window 900d is longer than what is kept: at most 761d."]
    assert draft.definition == {"all": []}


def test_a_kept_line_that_was_damaged_is_an_error_and_no_crash(known):
    data = QueryDict(mutable=True)
    data.update({"row": "1", "1.kind": "kept", "1.document": "{"})
    draft, _change = segment_forms.from_post(data, segment=None)
    assert [row.error for row in draft.errors] == ["This line was damaged on its way. Load the page again."]


def _tree(known):
    return rules.from_definition({"all": [EDITABLE[0], {"any": EDITABLE[5:7]}, EDITABLE[15]]}, known)


def test_lines_move_up_and_down_within_their_group(known):
    tree = _tree(known)
    rules.act(tree, "down 1", known)
    rules.act(tree, "up 4", known)
    assert rules.to_definition(tree, known) == {"all": [{"any": [EDITABLE[6], EDITABLE[5]]}, EDITABLE[0], EDITABLE[15]]}


def test_the_first_line_does_not_move_further_up(known):
    tree = _tree(known)
    assert rules.act(tree, "up 1", known).focus == 1
    assert [row.id for row in tree.rows] == [1, 2, 5]


def test_a_group_is_duplicated_with_all_its_lines(known):
    tree = _tree(known)
    rules.act(tree, "copy 2", known)
    group = {"any": EDITABLE[5:7]}
    assert rules.to_definition(tree, known)["all"] == [EDITABLE[0], group, group, EDITABLE[15]]
    assert len({row.id for row in tree.all_rows()}) == len(list(tree.all_rows()))


def test_removing_can_be_undone(known):
    tree = _tree(known)
    before = rules.to_definition(tree, known)
    change = rules.act(tree, "remove 4", known)
    assert rules.to_definition(tree, known) != before
    rules.act(tree, change.undo, known)
    assert rules.to_definition(tree, known) == before


@pytest.mark.parametrize("action", ["", "up", "up 99", "remove x", "back", "back 0 0 {", "back 0 0 []", "explode 1"])
def test_an_action_that_makes_no_sense_changes_nothing(known, action):
    tree = _tree(known)
    before = rules.to_definition(tree, known)
    rules.act(tree, action, known)
    assert rules.to_definition(tree, known) == before


def test_a_new_group_asks_for_any_and_waits_for_its_first_rule(known):
    tree = rules.from_definition({"all": [EDITABLE[0]]}, known)
    rules.act(tree, "add-group", known)
    assert rules.to_definition(tree, known) == {"all": [EDITABLE[0]]}
    assert [(row.kind, row.mode, row.is_unfinished) for row in tree.rows[1:]] == [("group", "any", True)]


@pytest.mark.parametrize(
    ("versions", "undo", "redo"),
    [
        ([], None, None),
        (["a"], None, None),
        (["a", "b"], 0, None),
        (["a", "b", "a"], None, 1),
        (["a", "b", "c", "b"], 0, 2),
        (["a", "b", "c", "b", "a"], None, 1),
        (["a", "b", "c", "b", "c"], 1, None),
        (["a", "b", "a", "d"], 0, None),
    ],
)
def test_undo_and_redo_are_read_from_the_versions(versions, undo, redo):
    assert segment_page.undo_and_redo(versions) == (undo, redo)


def test_every_editable_condition_is_one_the_grammar_knows(names):
    assert len(parse.parse_definition({"all": EDITABLE}).root.children) == len(EDITABLE)
