"""Numbers as readers see them, and pages that hold them: values in, text or one closed page of HTML out.

    format_estimate(Estimate(n=577, undefined=0, mean=0.8336, low=0.8010, high=0.8618)) → "0.834 [0.801, 0.862]"

How a page is made, and its style, is in recipebook/pages/.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from eval.statistics.estimates import SIGNIFICANT, Difference, Estimate
from recipebook.pages import page
from recipebook.terminal import format_count, format_decimals

LESS = "less is better"
# As perplexities are: from here on digits count less than their number.
LARGE = 1e7


class ExplainedFigure(Protocol):
    """A figure's explanation and its direction."""

    @property
    def explanation(self) -> str:
        """`the calls, their order and every argument are right`"""

    @property
    def less_is_better(self) -> bool:
        """Whether a smaller value is the better one."""


def render_page(template: str, *, script: Path | None = None, links: page.Links = (), **values: object) -> str:
    """Fill a template, which is named by its path in eval/."""
    return "".join(stream_page(template, script=script, links=links, **values))


def stream_page(
    template: str, *, script: Path | None = None, links: page.Links = (), **values: object
) -> Iterator[str]:
    """Fill a template piece by piece."""
    filters: dict[str, Callable[..., str]] = {
        "estimate": lambda estimate: _keep_together(format_estimate(estimate)),
        "difference": lambda difference: _keep_together(format_difference(difference)),
        "p": format_p,
        "number": format_number,
        "decimals": format_decimals,
        "meaning": format_meaning,
        "counted": format_count,
    }
    return page.stream_page(Path(__file__).parents[1], template, filters, script=script, links=links, **values)


def make_link(target: Path | None, page: Path) -> str:
    """The address of another page as it stands in `page`; empty where there is none."""
    return quote(os.path.relpath(target, page.parent)) if target else ""


def list_pages(pages: Mapping[str, Path], page: Path) -> list[tuple[str, str]]:
    """Those of the pages that there are, by title, with their addresses as they stand in `page`."""
    return [(title, make_link(path, page)) for title, path in pages.items() if path.is_file()]


def format_estimate(estimate: Estimate | None) -> str:
    """`0.845 [0.806, 0.877]`"""
    if estimate is None or estimate.mean is None:
        return "-"
    return f"{format_number(estimate.mean)}{_format_interval(estimate.low, estimate.high)}"


def format_difference(difference: Difference | None) -> str:
    """`+0.845 [0.808, 0.880]`"""
    if difference is None or difference.mean is None:
        return "-"
    return f"{format_number(difference.mean, '+')}{_format_interval(difference.low, difference.high)}"


def format_meaning(figure: ExplainedFigure) -> str:
    """What a figure means, and that less of it is better where that is so."""
    if not figure.less_is_better or LESS in figure.explanation:
        return figure.explanation
    return f"{figure.explanation}; {LESS}"


def format_p(p: float | None) -> str:
    """`0.013`, or `<0.001`; what is below the level is `<0.050` where it would be rounded up to it."""
    return "-" if p is None else (_find_bound(p) or f"{p:.3f}")


def format_probability(p: float) -> str:
    """`p = 0.013`, or `p < 0.001`."""
    return f"p {bound[0]} {bound[1:]}" if (bound := _find_bound(p)) else f"p = {p:.3f}"


def is_shown(difference: Difference | None, p: float | None) -> bool:
    """Whether the test, adjusted for others where there are some, shows that the two differ."""
    return difference is not None and difference.mean is not None and p is not None and p < SIGNIFICANT


def format_number(value: float | None, sign: str = "") -> str:
    """`0.845`, `4402`, `5.1e+19`: no more digits than 80 columns hold and anybody reads."""
    if value is None:
        return "-"
    if abs(value) >= LARGE:
        return f"{value:{sign}.3g}"
    digits = 3 if abs(value) < 100 else 1 if abs(value) < 1_000 else 0
    return format_decimals(value, digits, sign)


def list_detectable(figure: str, binary: bool, difference: Difference | None, p: float | None) -> list[str]:
    """A line on what the test set finds with 80 % power; none where nothing was compared.

    Nor is there one where a difference is shown and no size is known: it would read as if none could be found.
    """
    if difference is None or difference.mean is None:
        return []
    if difference.detectable is None and is_shown(difference, p):
        return []
    return [format_detectable(figure, binary, difference.detectable, difference.doubt)]


def format_detectable(figure: str, binary: bool, detectable: float | None, doubt: str = "") -> str:
    """The smallest difference that the test set finds with 80 % power, in words, and why that is not sure."""
    if detectable is None:
        return f"no difference in {figure} is known to be found with 80 % power: too few rows, or all alike"
    size = f"{format_decimals(100 * detectable, 1)} points" if binary else format_number(detectable)
    power = f"80 % power is not sure: {doubt}" if doubt else "80 % power"
    return f"differences in {figure} under {size} often go unnoticed ({power})"


def _find_bound(p: float) -> str | None:
    """`<0.001` or `<0.050` where three decimals would say too little; else None."""
    if p < 0.001:
        return "<0.001"
    return f"<{SIGNIFICANT:.3f}" if p < SIGNIFICANT <= round(p, 3) else None


def _format_interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{format_number(low)}, {format_number(high)}]"


def _keep_together(text: str) -> str:
    """An interval stays on one line; where the cell is narrow, it stands below its mean."""
    return text.replace(", ", ",\N{NO-BREAK SPACE}")
