"""Statistics of tests that were run elsewhere: `cases` of {id, kind, input} in, numbers by key out.

A key without an answer (an empty arm, a control without a conversion) is None, and `not_enough_data` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.stats import bandit, cuped, effects, multiple, power, proportions, sequential, srm
from orchestrator.stats.effects import Effect, Interval, NotEnoughData, Sample
from orchestrator.stats.means import MeanArm, RatioArm
from orchestrator.stats.proportions import ProportionArm

Numbers = dict[str, Any]


class BadCaseError(ValueError):
    """A case that cannot be read; names the case and what is wrong with it."""


def compute(cases: list[dict[str, Any]]) -> dict[str, Numbers]:
    """Results by case id, in the order given. BadCaseError for a case that cannot be read."""
    results: dict[str, Numbers] = {}
    for place, case in enumerate(cases):
        if not isinstance(case, dict) or not {"id", "kind", "input"} <= case.keys():
            raise BadCaseError(f"Case {place + 1} needs id, kind and input.")
        if case["kind"] not in KINDS:
            raise BadCaseError(f"Case {case['id']}: kind {case['kind']!r} is none of {', '.join(KINDS)}.")
        if case["id"] in results:
            raise BadCaseError(f"Case {case['id']} appears twice.")
        try:
            results[case["id"]] = KINDS[case["kind"]](case["input"])
        except KeyError as error:
            raise BadCaseError(f"Case {case['id']}: the input lacks {error.args[0]}.") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise BadCaseError(f"Case {case['id']}: {error}") from error
    return results


def _proportion(given: Mapping[str, Any]) -> Numbers:
    control, treatment = (ProportionArm(int(given[arm]["n"]), int(given[arm]["conversions"])) for arm in _ARMS)
    alpha = float(given["alpha"])
    numbers = _two_arms(control.sample(), treatment.sample(), given)
    pooled = proportions.pooled_test(control=control, treatment=treatment)
    numbers["z_pooled"] = None if isinstance(pooled, NotEnoughData) else pooled.z
    numbers["p_pooled"] = None if isinstance(pooled, NotEnoughData) else pooled.p
    numbers["abs_ci_newcombe"] = _pair(proportions.newcombe(control=control, treatment=treatment, alpha=alpha))
    numbers["wilson_ci_control_treatment"] = [_pair(proportions.wilson(arm, alpha)) for arm in (control, treatment)]
    numbers["beta11_prob_treatment_best"] = bandit.chance_best([control, treatment])[1]
    return numbers


def _mean(given: Mapping[str, Any]) -> Numbers:
    control, treatment = (
        MeanArm(int(given[arm]["n"]), float(given[arm]["sum"]), float(given[arm]["sum_squares"])).sample()
        for arm in _ARMS
    )
    return _with_third(_two_arms(control, treatment, given))


def _ratio(given: Mapping[str, Any]) -> Numbers:
    control, treatment = (RatioArm(**given[arm]).sample() for arm in _ARMS)
    for sample in (control, treatment):
        if isinstance(sample, NotEnoughData):
            return _with_third(_two_arms(sample, sample, given))
    return _with_third(_two_arms(control, treatment, given))


def _cuped(given: Mapping[str, Any]) -> Numbers:
    control, treatment = (cuped.CupedArm(**given[arm]) for arm in _ARMS)
    result = cuped.adjust(control=control, treatment=treatment, alpha=float(given["alpha"]))
    if isinstance(result, NotEnoughData):
        keys = ("theta", "abs_estimate", "abs_p", "abs_ci", "variance_reduction")
        return {**dict.fromkeys(keys), "not_enough_data": result.reason}
    return {
        "theta": result.theta,
        "abs_estimate": result.estimate,
        "abs_p": result.p,
        "abs_ci": _pair(result.interval),
        "variance_reduction": result.variance_reduction,
    }


def _srm(given: Mapping[str, Any]) -> Numbers:
    concentration = float(given.get("sequential_concentration", 100))
    result = srm.check_srm(observed=given["observed"], weights=given["weights"], concentration=concentration)
    if isinstance(result, NotEnoughData):
        keys = ("chi2", "p", "sequential_log_bayes_factor", "sequential_p_at_this_look")
        return {**dict.fromkeys(keys), "not_enough_data": result.reason}
    return {
        "chi2": result.chi2,
        "p": result.p,
        "sequential_log_bayes_factor": result.log_bayes_factor,
        "sequential_p_at_this_look": result.sequential_p,
    }


def _multiple(given: Mapping[str, Any]) -> Numbers:
    p_values = [float(p) for p in given["p_values"]]
    return {
        "holm": multiple.holm(p_values),
        "benjamini_hochberg": multiple.benjamini_hochberg(p_values),
        "benjamini_yekutieli": multiple.benjamini_yekutieli(p_values),
    }


def _sample_size(given: Mapping[str, Any]) -> Numbers:
    wanted = {name: float(given[name]) for name in ("baseline", "target", "alpha", "power")}
    return {
        "n_per_arm_cohen_h_both_tails": power.sample_size_cohen(**wanted),
        "n_per_arm_unpooled_z": power.sample_size_unpooled(**wanted),
    }


def _thompson(given: Mapping[str, Any]) -> Numbers:
    arms = [ProportionArm(int(arm["n"]), int(arm["conversions"])) for arm in given["arms"]]
    first, second = given["prior"]
    chances = bandit.chance_best(arms, prior=(float(first), float(second)))
    return {"prob_best": chances, "weights": bandit.floor_weights(chances, float(given["floor"]))}


def _two_arms(control: Sample | NotEnoughData, treatment: Sample | NotEnoughData, given: Mapping[str, Any]) -> Numbers:
    if isinstance(control, NotEnoughData) or isinstance(treatment, NotEnoughData):
        lack = control if isinstance(control, NotEnoughData) else treatment
        return _read_out("abs", lack, given, tau=None) | _read_out("rel", lack, given, tau=None)
    tau = _tau_relative(given)
    absolute = effects.absolute_effect(control=control, treatment=treatment)
    relative = effects.relative_effect(control=control, treatment=treatment)
    scaled = None if tau is None or control.mean == 0 else tau * abs(control.mean)
    return _read_out("rel", relative, given, tau=tau) | _read_out("abs", absolute, given, tau=scaled)


def _read_out(side: str, effect: Any, given: Mapping[str, Any], *, tau: float | None) -> Numbers:
    alpha = float(given["alpha"])
    if not isinstance(effect, Effect):
        keys = ["estimate", "se", "p_welch", "ci_welch", "seq_acs_ci", "seq_acs_p", "msprt_p", "msprt_ci"]
        blank: Numbers = {f"{side}_{key}": None for key in keys}
        return blank | {"not_enough_data": effect.reason}
    numbers: Numbers = {
        f"{side}_estimate": effect.estimate,
        f"{side}_se": effect.se,
        f"{side}_p_welch": effects.welch_p(effect),
        f"{side}_ci_welch": _pair(effects.welch_interval(effect, alpha)),
    }
    if "sequential" in given:
        n_star = int(given["sequential"]["n_star"])
        numbers[f"{side}_seq_acs_ci"] = _pair(sequential.acs_interval(effect, n_star=n_star, alpha=alpha))
        numbers[f"{side}_seq_acs_p"] = sequential.acs_p(effect, n_star=n_star, alpha=alpha)
    if tau is not None:
        numbers[f"{side}_msprt_p"] = sequential.msprt_p(effect, tau=tau)
        numbers[f"{side}_msprt_ci"] = _pair(sequential.msprt_interval(effect, tau=tau, alpha=alpha))
    if side == "rel":
        numbers |= _belief("flat", effects.believe(effect, alpha))
        prior = given.get("prior_relative")
        if prior is not None:
            belief = effects.believe(effect, alpha, prior_sd=float(prior["sd"]), prior_mean=float(prior["mean"]))
            numbers |= _belief("prior", belief)
    return numbers


def _belief(name: str, belief: effects.Belief) -> Numbers:
    return {
        f"rel_{name}_chance_to_win": belief.chance_to_win,
        f"rel_{name}_credible_ci": _pair(belief.credible),
        f"rel_{name}_risk_control_treatment": [belief.risk_control, belief.risk_treatment],
    }


def _with_third(numbers: Numbers) -> Numbers:
    return numbers | {f"{key}_3rd": numbers[key] for key in ("abs_p_welch", "abs_ci_welch")}


def _tau_relative(given: Mapping[str, Any]) -> float | None:
    tau = given.get("sequential", {}).get("tau_relative")
    return None if tau is None else float(tau)


def _pair(interval: Interval | NotEnoughData) -> list[float] | None:
    return None if isinstance(interval, NotEnoughData) else [interval.low, interval.high]


_ARMS = ("control", "treatment")
KINDS: dict[str, Callable[[Mapping[str, Any]], Numbers]] = {
    "proportion_two_arm": _proportion,
    "mean_two_arm": _mean,
    "ratio_two_arm": _ratio,
    "cuped_two_arm": _cuped,
    "srm": _srm,
    "multiple_testing": _multiple,
    "sample_size": _sample_size,
    "thompson_beta": _thompson,
}
