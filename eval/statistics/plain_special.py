"""Distribution functions without scipy, by the names and with the arguments of scipy.special; numbers or arrays in.

    stdtrit(9, 0.975) → 2.2621571628    Student's t with 9 degrees of freedom is below it 975 times in 1,000
    bdtr(2, 10, 0.5)  → 0.0546875       two heads or fewer in ten throws

Student's, the binomial and the beta distribution are all one function, the incomplete beta integral. It is computed by
the continued fraction of DLMF 8.17.22, evaluated by Lentz's method, and inverted by halving.
"""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

# A fraction whose last factor is this near to 1 does not change any more.
CLOSE = 1e-15
# In place of 0 as a denominator.
TINY = 1e-300
TERMS = 100_000


def _integrate_beta(a: float, b: float, x: float) -> float:
    """The probability that a beta variable with parameters a and b is at most x."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        # On this side the fraction converges slowly; the other tail's converges fast.
        return 1 - _integrate_beta(b, a, 1 - x)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log) / (a * _evaluate_fraction(a, b, x))


def _evaluate_fraction(a: float, b: float, x: float) -> float:
    value, above, below = 1.0, 1.0, 0.0
    for term in range(1, TERMS):
        m = term // 2
        if term % 2:
            factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1 / ((1 + factor * below) or TINY)
        above = (1 + factor / above) or TINY
        value *= above * below
        if not abs(above * below - 1) > CLOSE:
            break
    return value


@lru_cache(maxsize=4096)
def _invert_beta(a: float, b: float, p: float) -> float:
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if _integrate_beta(a, b, middle) >= p else (middle, high)
    return high


def _find_t(freedom: float, p: float) -> float:
    tail = min(p, 1 - p)
    if tail > 0.25:
        # Near 0 the square of t is the smaller part, and known to more digits.
        inner = _invert_beta(0.5, freedom / 2, 1 - 2 * tail)
        size = math.sqrt(freedom * inner / (1 - inner))
    else:
        outer = _invert_beta(freedom / 2, 0.5, 2 * tail)
        size = math.sqrt(freedom * (1 - outer) / outer) if outer else math.inf
    return math.copysign(size, p - 0.5)


def _integrate_t(freedom: float, t: float) -> float:
    square = t * t
    if square < 1:
        tail = 0.5 - _integrate_beta(0.5, freedom / 2, square / (freedom + square)) / 2
    else:
        tail = _integrate_beta(freedom / 2, 0.5, freedom / (freedom + square)) / 2
    return 1 - tail if t > 0 else tail


def _sum_binomial(k: float, n: float, p: float) -> float:
    return 1.0 if k >= n else _integrate_beta(n - k, k + 1, 1 - p)


def _find_squared_tail(freedom: float, x: float) -> float:
    assert freedom == 1, "the chi-squared test here has one degree of freedom"
    return math.erfc(math.sqrt(x / 2))


def _multiply_log(x: float, y: float) -> float:
    if x == 0:
        return 0.0
    return x * math.log(y) if y > 0 else -math.inf


stdtr = np.vectorize(_integrate_t, otypes=[float])
stdtrit = np.vectorize(_find_t, otypes=[float])
betaincinv = np.vectorize(_invert_beta, otypes=[float])
bdtr = np.vectorize(_sum_binomial, otypes=[float])
chdtrc = np.vectorize(_find_squared_tail, otypes=[float])
gammaln = np.vectorize(math.lgamma, otypes=[float])
xlogy = np.vectorize(_multiply_log, otypes=[float])
ndtri = np.vectorize(NormalDist().inv_cdf, otypes=[float])
