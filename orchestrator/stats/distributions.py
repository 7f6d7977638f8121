"""Tail probabilities and quantiles. Only Student's t, chi-square and beta need scipy, which is imported on first use.

Upper tails are computed as tails, never as 1 - cdf, so a tiny p stays a tiny p; what is smaller than a float can hold
comes out as the smallest float, because no data prove anything with p = 0.
"""

from __future__ import annotations

import math
import sys
from statistics import NormalDist

_NORMAL = NormalDist()
_SMALLEST = sys.float_info.min


def normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal_density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_quantile(p: float) -> float:
    return _NORMAL.inv_cdf(p)


def normal_two_sided_p(z: float) -> float:
    return max(math.erfc(abs(z) / math.sqrt(2)), _SMALLEST)


def t_two_sided_p(t: float, df: float) -> float:
    from scipy.special import stdtr

    return max(2 * float(stdtr(df, -abs(t))), _SMALLEST)


def t_quantile(p: float, df: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, p))


def chi_square_tail(x: float, df: int) -> float:
    from scipy.special import chdtrc

    return max(float(chdtrc(df, x)), _SMALLEST)
