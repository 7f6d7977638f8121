"""What the buttons of the rules do to groups within groups."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.console.forms import catalogue as catalogues
from campaigns.console.forms import rule_moves, rules
from campaigns.segments import parse
from tests.campaigns.console.test_rules import EDITABLE, names

pytestmark = pytest.mark.django_db
__all__ = ["names"]
PLAN, IL, NAME, RENEWAL = EDITABLE[0], EDITABLE[5], EDITABLE[6], EDITABLE[15]
ACTIONS = ("add", "add-group", "add-bond", "up", "down", "into", "out", "wrap", "bind", "copy", "remove")


@pytest.fixture
def known(names):
    return catalogues.load()


def _tree(known):
    return rules.from_definition({"all": [EDITABLE[0], {"any": EDITABLE[5:7]}, EDITABLE[15]]}, known)


def test_lines_move_up_and_down_within_their_group(known):
    tree = _tree(known)
    rule_moves.act(tree, "down 1", known)
    rule_moves.act(tree, "up 4", known)
    assert rules.to_definition(tree, known) == {"all": [{"any": [EDITABLE[6], EDITABLE[5]]}, EDITABLE[0], EDITABLE[15]]}


def test_the_first_line_does_not_move_further_up(known):
    tree = _tree(known)
    assert rule_moves.act(tree, "up 1", known).focus == 1
    assert [row.id for row in tree.rows] == [1, 2, 5]


def test_a_group_is_duplicated_with_all_its_lines(known):
    tree = _tree(known)
    rule_moves.act(tree, "copy 2", known)
    group = {"any": EDITABLE[5:7]}
    assert rules.to_definition(tree, known)["all"] == [EDITABLE[0], group, group, EDITABLE[15]]
    assert len({row.id for row in tree.all_rows()}) == len(list(tree.all_rows()))


def test_removing_can_be_undone(known):
    tree = _tree(known)
    before = rules.to_definition(tree, known)
    change = rule_moves.act(tree, "remove 4", known)
    assert rules.to_definition(tree, known) != before
    rule_moves.act(tree, change.undo, known)
    assert rules.to_definition(tree, known) == before


@pytest.mark.parametrize("action", ["", "up", "up 99", "remove x", "back", "back 0 0 {", "back 0 0 []", "explode 1"])
def test_an_action_that_makes_no_sense_changes_nothing(known, action):
    tree = _tree(known)
    before = rules.to_definition(tree, known)
    rule_moves.act(tree, action, known)
    assert rules.to_definition(tree, known) == before


def test_a_new_group_asks_for_any_and_waits_for_its_first_rule(known):
    tree = rules.from_definition({"all": [EDITABLE[0]]}, known)
    rule_moves.act(tree, "add-group", known)
    assert rules.to_definition(tree, known) == {"all": [EDITABLE[0]]}
    assert [(row.kind, row.mode, row.is_unfinished) for row in tree.rows[1:]] == [("group", "any", True)]


def test_a_group_is_added_inside_a_group_and_asks_for_the_other_kind(known):
    tree = _tree(known)
    change = rule_moves.act(tree, "add-group 2", known)
    [inner] = [row for row in tree.rows[1].rows if row.kind == rules.GROUP]
    assert (inner.mode, [row.id for row in inner.rows]) == ("all", [change.focus])


@pytest.mark.parametrize(
    ("subject", "bond", "field", "value"),
    [("account", "contact", "membership.role", "OWNER"), ("contact", "account", "account.plan", "pro")],
)
def test_a_group_about_one_person_or_one_account_begins_with_a_rule_about_it(known, subject, bond, field, value):
    tree = rules.from_definition({"subject": subject, "all": [PLAN]}, known)
    change = rule_moves.act(tree, "add-bond", known)
    tree.rows[1].rows[0].values["value"] = [value]
    assert change.focus == tree.rows[1].rows[0].id
    made = {"field": field, "op": "=", "value": value}
    assert rules.to_definition(tree, known)["all"][1] == {f"any_{bond}": {"all": [made]}}


def test_a_group_that_is_there_is_made_one_about_one_person(known):
    tree = _tree(known)
    rule_moves.act(tree, "bind 2", known)
    assert rules.to_definition(tree, known)["all"][1] == {"any_contact": {"any": [IL, NAME]}}


def test_inside_a_group_about_one_person_there_is_no_other_one(known):
    tree = rules.from_definition({"all": [{"any_contact": {"all": [IL, {"any": [PLAN, NAME]}]}}]}, known)
    rule_moves.mark_places(tree)
    assert [row.takes_bond for row in tree.all_rows() if row.kind == rules.GROUP] == ["", ""]
    assert tree.takes_bond == "contact"
    before = rules.to_definition(tree, known)
    rule_moves.act(tree, "add-bond 3", known)
    rule_moves.act(tree, "bind 3", known)
    assert rules.to_definition(tree, known) == before


def test_a_branch_is_about_one_person_as_it_is(known):
    tree = _tree(known)
    tree.subject = "branch"
    rule_moves.mark_places(tree)
    assert (tree.takes_bond, rule_moves.act(tree, "add-bond", known).focus) == ("", None)


def test_a_line_goes_into_the_group_above_and_out_again(known):
    tree = _tree(known)
    rule_moves.act(tree, "into 5", known)
    assert rules.to_definition(tree, known) == {"all": [PLAN, {"any": [IL, NAME, RENEWAL]}]}
    rule_moves.act(tree, "out 5", known)
    assert rules.to_definition(tree, known) == {"all": [PLAN, {"any": [IL, NAME]}, RENEWAL]}


def test_a_line_without_a_group_above_goes_into_the_one_below(known):
    tree = _tree(known)
    rule_moves.act(tree, "into 1", known)
    assert rules.to_definition(tree, known) == {"all": [{"any": [PLAN, IL, NAME]}, RENEWAL]}


def test_a_group_goes_into_a_group_as_a_whole(known):
    tree = rules.from_definition({"all": [{"any": [PLAN, IL]}, {"all": [NAME, RENEWAL]}]}, known)
    rule_moves.act(tree, "into 4", known)
    assert rules.to_definition(tree, known) == {"all": [{"any": [PLAN, IL, {"all": [NAME, RENEWAL]}]}]}


def test_a_group_whose_last_line_leaves_goes_with_it(known):
    tree = rules.from_definition({"all": [PLAN, {"not": {"any": [IL]}}]}, known)
    rule_moves.act(tree, "out 3", known)
    assert rules.to_definition(tree, known) == {"all": [PLAN, IL]}


def test_a_line_is_put_into_a_group_of_its_own(known):
    tree = _tree(known)
    assert rule_moves.act(tree, "wrap 3", known).focus == 3
    assert rules.to_definition(tree, known)["all"][1] == {"any": [{"all": [IL]}, NAME]}


def test_the_page_offers_only_moves_that_lead_somewhere(known):
    tree = _tree(known)
    rule_moves.mark_places(tree)
    offered = {row.id: (row.goes_into, row.goes_out, row.depth) for row in tree.all_rows()}
    assert offered == {
        1: ("below", False, 1),
        2: ("", False, 1),
        3: ("", True, 2),
        4: ("", True, 2),
        5: ("above", False, 1),
    }


def test_a_group_of_groups_is_removed_and_brought_back_whole(known):
    document = {"all": [PLAN, {"not": {"any": [IL, {"any_contact": {"all": [NAME, {"any": [RENEWAL]}]}}]}}]}
    tree = rules.from_definition(document, known)
    change = rule_moves.act(tree, "remove 2", known)
    assert rules.to_definition(tree, known) == {"all": [PLAN]}
    rule_moves.act(tree, change.undo, known)
    assert rules.to_definition(tree, known) == document


def _tower(levels: int) -> dict[str, object]:
    document: dict[str, object] = PLAN
    for _level in range(levels):
        document = {"any": [document, IL]}
    return document


def test_nothing_is_nested_deeper_than_the_grammar_goes(known):
    tree = rules.from_definition(_tower(10), known)
    before = rules.to_definition(tree, known)
    innermost = [row for row in tree.all_rows() if row.kind == rules.GROUP][-1]
    rule_moves.mark_places(tree)
    assert (innermost.takes_group, innermost.takes_bond) == (False, "")
    for action in ("add-group", "add-bond", "wrap", "bind"):
        rule_moves.act(tree, f"{action} {innermost.id}", known)
    assert rules.to_definition(tree, known) == before


def test_what_would_nest_without_end_is_not_brought_back(known):
    tree = rules.from_definition(_tower(10), known)
    before = rules.to_definition(tree, known)
    tower = rules.from_definition({"all": [_tower(10)]}, known)
    plain = rule_moves.act(tower, "remove 1", known).undo.removeprefix("back 0 0 ")
    assert rule_moves.act(tree, f"back 1 0 {plain}", known).focus is None
    assert rules.to_definition(tree, known) == before


_STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 14)), max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=_STEPS)
def test_whatever_is_pressed_the_rules_stay_usable(known, steps):
    tree = rules.from_definition({"all": [PLAN, {"any": [IL, {"not": {"any": [NAME, RENEWAL]}}]}]}, known)
    for name, number in steps:
        before = rules.to_definition(tree, known)
        change = rule_moves.act(tree, f"{name} {number}", known)
        if change.undo:
            rule_moves.act(tree, change.undo, known)
            assert rules.to_definition(tree, known) == before
        ids = [row.id for row in tree.all_rows()]
        assert len(ids) == len(set(ids))
        parse.parse_definition(rules.to_definition(tree, known))
        assert change.focus is None or change.focus in ids
