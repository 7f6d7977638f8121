from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from orchestrator.stats import external

EMPTY = {"n": 0, "conversions": 0}
FULL = {"n": 500, "conversions": 40}
SEQUENTIAL = {"n_star": 1000, "tau_relative": 0.1}


def case(kind, given, name="one"):
    return {"id": name, "kind": kind, "input": given}


def test_an_empty_arm_is_explained_and_has_no_p():
    given = {"control": EMPTY, "treatment": FULL, "alpha": 0.05, "sequential": SEQUENTIAL}
    numbers = external.compute([case("proportion_two_arm", given)])["one"]
    assert numbers["not_enough_data"] == "NO_ACCOUNTS"
    assert numbers["abs_p_welch"] is None
    assert numbers["p_pooled"] is None


def test_a_control_without_conversions_still_has_its_absolute_numbers():
    given = {"control": {"n": 500, "conversions": 0}, "treatment": FULL, "alpha": 0.05, "sequential": SEQUENTIAL}
    numbers = external.compute([case("proportion_two_arm", given)])["one"]
    assert numbers["not_enough_data"] == "CONTROL_MEAN_IS_ZERO"
    assert 0 < numbers["abs_p_welch"] < 0.05
    assert numbers["rel_p_welch"] is None


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (
            "mean_two_arm",
            {arm: {"n": 9, "sum": 0, "sum_squares": 0} for arm in ("control", "treatment")} | {"alpha": 0.05},
        ),
        (
            "ratio_two_arm",
            {
                arm: dict.fromkeys(
                    ("num_sum", "num_sum_squares", "den_sum", "den_sum_squares", "num_den_sum_products"), 0
                )
                | {"n": 5}
                for arm in ("control", "treatment")
            }
            | {"alpha": 0.05},
        ),
        (
            "cuped_two_arm",
            {arm: dict.fromkeys(("n", "sy", "ssy", "sx", "ssx", "sxy"), 0) for arm in ("control", "treatment")}
            | {"alpha": 0.05},
        ),
        ("srm", {"observed": [0, 0], "weights": [1, 1]}),
    ],
)
def test_nothing_to_compute_from_is_explained_in_every_kind(kind, given):
    numbers = external.compute([case(kind, given)])["one"]
    assert numbers["not_enough_data"]
    assert {value for key, value in numbers.items() if key != "not_enough_data"} == {None}


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([{"id": "one"}], "needs id, kind and input"),
        ([case("anova", {})], "anova"),
        ([case("srm", {"observed": [1, 2]})], "lacks weights"),
        (
            [case("proportion_two_arm", {"control": FULL, "treatment": {"n": 1, "conversions": 2}, "alpha": 0.05})],
            "imposs",
        ),
        ([case("multiple_testing", {"p_values": ["x"]})], "could not convert"),
        ([case("srm", {"observed": [1], "weights": [1]})] * 2, "twice"),
    ],
)
def test_a_case_that_cannot_be_read_is_named(cases, words):
    with pytest.raises(external.BadCaseError, match=words):
        external.compute(cases)


def test_the_command_prints_results_by_id(tmp_path, capsys):
    source = tmp_path / "in.json"
    source.write_text(json.dumps({"cases": [case("srm", {"observed": [10, 10], "weights": [1, 1]}, "even")]}))
    call_command("ab_stats", str(source))
    assert json.loads(capsys.readouterr().out)["even"]["p"] == 1.0


def test_the_command_writes_a_file(tmp_path, capsys):
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(json.dumps({"cases": []}))
    call_command("ab_stats", str(source), "--output", str(target))
    assert json.loads(target.read_text()) == {}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["{", "[]", '{"cases": [{}]}'])
def test_the_command_refuses_wrong_input_with_status_two(tmp_path, capsys, text):
    source = tmp_path / "in.json"
    source.write_text(text)
    with pytest.raises(SystemExit) as stopped:
        call_command("ab_stats", str(source))
    assert stopped.value.code == 2
    assert capsys.readouterr().err
