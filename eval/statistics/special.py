"""Distribution functions: scipy's where it is installed, else those of eval/statistics/plain_special.py, a few digits
shorter and slower.

scipy takes 143 MB, and the light environment, in which `recipebook score` runs, is 350 MB at most.
"""

try:
    from scipy.special import (  # type: ignore[import-untyped]
        bdtr,
        betaincinv,
        chdtrc,
        gammaln,
        ndtri,
        stdtr,
        stdtrit,
        xlogy,
    )
except ModuleNotFoundError:
    from eval.statistics.plain_special import bdtr, betaincinv, chdtrc, gammaln, ndtri, stdtr, stdtrit, xlogy

__all__ = ["bdtr", "betaincinv", "chdtrc", "gammaln", "ndtri", "stdtr", "stdtrit", "xlogy"]
