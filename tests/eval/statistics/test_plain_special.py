"""What stands in for scipy where it is not installed gives what scipy gives."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import special as of_scipy  # type: ignore[import-untyped]

from eval.statistics import plain_special
from recipebook.project import PROJECT

FREEDOMS = np.array([1, 1.37, 2, 4.5, 9, 99, 576.8, 1e5])[:, None]
SHARES = np.array([1e-12, 1e-4, 0.025, 0.2, 0.25, 0.4999, 0.5, 0.8, 0.975, 0.9995])
COUNTS = np.arange(60)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("stdtrit", (FREEDOMS, SHARES)),
        ("stdtr", (FREEDOMS, np.array([-1e9, -40, -2.26, -0.001, 0, 0.3, 3, 50]))),
        ("betaincinv", (np.array([1, 6, 40.5])[:, None], np.array([1, 3, 700, 2, 9, 0.5, 8, 60, 5, 4]), SHARES)),
        ("bdtr", (COUNTS[:, None], COUNTS + COUNTS[:, None], 0.5)),
        ("bdtr", (4_970, 10_000, 0.5)),
        ("chdtrc", (1, np.array([0, 0.01, 3.84, 90, np.nan]))),
        ("ndtri", (SHARES,)),
        ("gammaln", (COUNTS + 1.0,)),
        ("xlogy", (np.array([0.0, 0.0, 3.0, 3.0]), np.array([0.0, 0.5, 0.0, 0.5]))),
    ],
)
def test_it_agrees_with_scipy_to_ten_digits(name: str, arguments: tuple[Any, ...]) -> None:
    found = getattr(plain_special, name)(*arguments)
    np.testing.assert_allclose(found, getattr(of_scipy, name)(*arguments), rtol=1e-10, atol=1e-100)


def test_intervals_are_the_same_with_and_without_scipy() -> None:
    code = (
        "import sys; {}\n"
        "from eval.statistics import intervals, pairs\n"
        "print([round(float(one), 9) for one in (\n"
        "    *intervals.bound_share(3, 40), *intervals.bound_share(30, 40),\n"
        "    *intervals.bound_mean([[1, 0, 1, 1], [1, 1, 1, 1]], share=True),\n"
        "    pairs.find_pairs_p(8, 2, 20), *pairs.bound_pairs(8, 2, 20), pairs.find_pairs_detectable(0.1, 20))])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code.format(line)], cwd=PROJECT, capture_output=True, text=True, check=True
        ).stdout
        for line in ("sys.modules['scipy'] = None", "import scipy")
    ]
    assert said[0] == said[1] and said[0].count(",") == 9
