"""Tests that stay valid when somebody looks every day.

ACS: asymptotic confidence sequence (Waudby-Smith et al., arXiv 2103.06476), tuned to be tightest at `n_star` units
in both arms together; `n_star` is fixed when the experiment starts. mSPRT: mixture test with N(0, tau^2) on the
effect. OBF: O'Brien-Fleming-type spending (Lan-DeMets) for a fixed number of equally spaced looks.
"""

from __future__ import annotations

import math
from functools import lru_cache

from orchestrator.stats import distributions
from orchestrator.stats.effects import Effect, Interval


def acs_interval(effect: Effect, *, n_star: float, alpha: float) -> Interval:
    """Covers the truth at every look at once with probability 1 - alpha (asymptotically)."""
    rho2, g = _acs_tuning(effect.n, n_star, alpha)
    n = effect.n
    half = effect.se * math.sqrt(n) * math.sqrt(2 * g / (n * n * rho2) * math.log(math.sqrt(g) / alpha))
    return Interval(effect.estimate - half, effect.estimate + half)


def acs_p(effect: Effect, *, n_star: float, alpha: float) -> float:
    """Always-valid p at this look; whoever shows it over time shows the running minimum."""
    rho2, g = _acs_tuning(effect.n, n_star, alpha)
    z = effect.estimate / effect.se
    return min(1.0, math.sqrt(g) * math.exp(-rho2 * effect.n * z * z / (2 * g)))


def msprt_p(effect: Effect, *, tau: float) -> float:
    """`tau`: expected size of the effect, in the effect's own unit."""
    s2, t2 = effect.se**2, tau**2
    return min(1.0, math.sqrt((s2 + t2) / s2) * math.exp(-(effect.estimate**2) * t2 / (2 * s2 * (s2 + t2))))


def msprt_interval(effect: Effect, *, tau: float, alpha: float) -> Interval:
    s2, t2 = effect.se**2, tau**2
    half = math.sqrt(2 * s2 * (s2 + t2) / t2 * math.log(math.sqrt((s2 + t2) / s2) / alpha))
    return Interval(effect.estimate - half, effect.estimate + half)


@lru_cache(maxsize=64)
def obf_bounds(looks: int, alpha: float = 0.05) -> tuple[float, ...]:
    """Two-sided z bounds for each of `looks` equally spaced looks; together they spend exactly alpha.

    The density of the score process that has not crossed yet is carried from look to look on a grid.
    """
    import numpy as np

    if looks < 1:
        raise ValueError("At least one look is needed.")
    spent, bounds = 0.0, []
    grid, density = np.zeros(1), np.ones(1)
    for look in range(1, looks + 1):
        target = _obf_spending(look / looks, alpha) - spent
        bound = _solve_bound(grid, density, math.sqrt(look), target)
        bounds.append(bound)
        spent += target
        edge = bound * math.sqrt(look)
        nodes, weights = np.polynomial.legendre.leggauss(160)
        new_grid = nodes * edge
        steps = np.exp(-0.5 * (new_grid[:, None] - grid[None, :]) ** 2) / math.sqrt(2 * math.pi)
        density = (steps @ density) * weights * edge
        grid = new_grid
    return tuple(bounds)


def _acs_tuning(n: int, n_star: float, alpha: float) -> tuple[float, float]:
    rho2 = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / n_star
    return rho2, n * rho2 + 1


def _obf_spending(information: float, alpha: float) -> float:
    z = distributions.normal_quantile(1 - alpha / 4)
    return 2 * distributions.normal_two_sided_p(z / math.sqrt(information))


def _solve_bound(grid: object, density: object, scale: float, target: float) -> float:
    """The z at which exactly `target` of the surviving probability crosses, by halving."""
    import numpy as np
    from scipy.special import ndtr

    scores, mass = np.asarray(grid), np.asarray(density)
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        crossing = float(mass @ (ndtr(scores - middle * scale) + ndtr(-scores - middle * scale)))
        if crossing > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2
