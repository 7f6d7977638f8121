"""The rule form loses nothing: what it reads it writes again, what it can't edit it keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse, QueryDict
from django.template.loader import render_to_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.console import segment_page
from campaigns.console.forms import catalogue as catalogues
from campaigns.console.forms import rule_moves, rules
from campaigns.console.forms import segments as segment_forms
from campaigns.segments import nodes, parse
from campaigns.segments.grammar import DEPTH_LIMIT
from tests.campaigns.console.reading import fields_of
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
    {"not": {"engagement": "clicked", "window": "30d"}},
    {"any": []},
    {"not": {"all": []}},
    {"subscription": "renewal_in", "op": "<=", "value": "36h"},
    {"event": "tried", "where": [{"property": "n", "op": "=", "value": 3}]},
    {"usage": "seats_used", "agg": "last", "per": "quota", "op": "between", "value": [0.5, 0.8]},
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
    segment_page.dress(tree)
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


HEBREW, OWNER = EDITABLE[31], {"field": "membership.role", "op": "=", "value": "OWNER"}


@pytest.mark.parametrize(
    ("written", "bond", "mode", "rows"),
    [
        ({"any": EDITABLE[:2]}, "", "any", 2),
        ({"not": {"any": EDITABLE[:2]}}, "", "none", 2),
        ({"not": {"all": EDITABLE[:2]}}, "", "not_all", 2),
        ({"not": EDITABLE[0]}, "", "none", 1),
        ({"not": {"not": {"all": EDITABLE[:1]}}}, "", "none", 1),
        ({"any_contact": {"all": [HEBREW, OWNER]}}, "contact", "all", 2),
        ({"any_contact": {"not": {"any": [HEBREW, OWNER]}}}, "contact", "none", 2),
        ({"any_contact": HEBREW}, "contact", "all", 1),
        ({"any_contact": {"engagement": "clicked"}}, "contact", "all", 1),
        ({"not": {"any_contact": {"any": [HEBREW, OWNER]}}}, "no_contact", "any", 2),
        ({"not": {"any_account": EDITABLE[0]}}, "no_account", "all", 1),
        ({"any_contact": {"any_contact": {"all": []}}}, "contact", "all", 1),
    ],
    ids=json.dumps,
)
def test_every_kind_of_group_is_shown_as_one_and_written_back_as_it_was(known, written, bond, mode, rows):
    for document in ({"all": [EDITABLE[5], written]}, {"any": [{"all": [written]}]}):
        tree = rules.from_definition(document, known)
        [group] = [row for row in tree.all_rows() if row.kind == rules.GROUP and row.bond + row.mode == bond + mode][:1]
        assert len(group.rows) == rows
        assert rules.to_definition(tree, known) == document


@pytest.mark.parametrize(
    "document",
    [
        EDITABLE[0],
        KEPT[0],
        {"all": []},
        {"any": []},
        {"not": {"any": []}},
        {"not": {"all": []}},
        {"not": EDITABLE[0]},
        {"not": {"not": EDITABLE[0]}},
        {"not": {"all": EDITABLE[:2]}},
        {"any_contact": HEBREW},
        {"subject": "contact", "any_account": {"all": EDITABLE[:2]}},
        {"subject": "contact", "not": {"any_account": EDITABLE[0]}},
    ],
    ids=json.dumps,
)
def test_whatever_a_definition_begins_with_it_begins_with_afterwards(known, document):
    tree = rules.from_definition(document, known)
    assert rules.to_definition(tree, known) == document
    assert tree.errors() == []


def _deep(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = EDITABLE[0]
    for level in range(levels):
        document = {("any", "all")[level % 2]: [document, EDITABLE[5]]}
    return document


def test_ten_levels_of_groups_are_all_shown(known):
    tree = rules.from_definition(_deep(10), known)
    assert {row.kind for row in tree.all_rows()} == {rules.RULE, rules.GROUP}
    assert rules.to_definition(tree, known) == _deep(10)


def test_one_level_too_many_is_an_error_beside_its_line(known):
    draft = segment_forms.blank(_deep(10))
    innermost = [row for row in draft.tree.all_rows() if row.kind == rules.GROUP][-1]
    innermost.mode = "none"
    segment_forms.check(draft, own_slug="", segment=None)
    assert [(row.id, row.error) for row in draft.errors][:1] == [(innermost.id, "Groups are nested more than 10 deep.")]
    assert not draft.can_save


def test_a_segment_of_contacts_stays_one_of_contacts(known):
    document = {"subject": "contact", "all": [EDITABLE[0]]}
    assert rules.to_definition(rules.from_definition(document, known), known) == document


_leaves = st.sampled_from(EDITABLE + KEPT)
_BOUND = st.sampled_from(["any_contact", "any_account"])
_trees = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
        st.lists(inner, min_size=1, max_size=2).map(lambda found: {"not": {"any": found}}),
        st.lists(inner, min_size=1, max_size=2).map(lambda found: {"not": {"all": found}}),
        st.tuples(_BOUND, inner).map(lambda found: {found[0]: found[1]}),
        inner.map(lambda found: {"not": found}),
    ),
    max_leaves=12,
).filter(lambda document: _levels(document) <= DEPTH_LIMIT)


def _levels(document: Any) -> int:
    if isinstance(document, list):
        return max((_levels(one) for one in document), default=0)
    heads = {"all", "any", "not", "any_contact", "any_account"} & set(document)
    return 1 + _levels(document[heads.pop()]) if heads else 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(document=_trees, subject=st.sampled_from(["account", "contact"]))
def test_no_definition_is_changed_by_passing_through_the_form(known, document, subject):
    document = {"subject": "contact", **document} if subject == "contact" else document
    tree = rules.from_definition(document, known)
    assert rules.to_definition(tree, known) == document
    assert tree.errors() == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(document=_trees)
def test_no_definition_is_changed_by_passing_through_the_page(known, document):
    """Drawn as HTML and posted again by a browser."""
    draft = segment_forms.blank(document)
    segment_page.dress(draft.tree)
    context = {"draft": draft, "tree": draft.tree, "facts": draft.catalogue.groups(), "change": rule_moves.Change()}
    html = f'<form id="rules">{render_to_string("console/segments/_rules.html", context)}</form>'
    data = QueryDict(mutable=True)
    for name, values in fields_of(HttpResponse(html)).items():
        data.setlist(name, values)
    tree = rules.from_post(data, known)
    assert rules.to_definition(tree, known) == document


def test_a_posted_form_is_read_in_the_order_of_the_page(known):
    data = QueryDict(mutable=True)
    data.setlist("row", ["2", "1", "1/4", "4/3"])
    data.update({"mode": "any", "1.kind": "group", "1.mode": "none"})
    data.update({"4.kind": "group", "4.mode": "all", "4.bond": "contact"})
    for number in ("2", "3"):
        data.update({f"{number}.fact": "subscription.mrr", f"{number}.was": "subscription.mrr"})
        data.update({f"{number}.op": "at_least", f"{number}.number": f"{number}0,5"})
    tree = rules.from_post(data, known)
    first, second = ({"subscription": "mrr", "op": ">=", "value": value} for value in (20.5, 30.5))
    assert rules.to_definition(tree, known) == {"any": [first, {"not": {"any": [{"any_contact": {"all": [second]}}]}}]}


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
    assert len(nodes.children_of(parse.parse_definition({"all": EDITABLE}).root)) == len(EDITABLE)
