"""The figures of several metrics together: names of metrics in, and the names that their figures have in tables, out.

["robot"] → {"exact": ("robot", "exact"), "parses": ("robot", "parses"), …}
["robot", "text"] → {"robot.exact": ("robot", "exact"), …, "text.exact": ("text", "exact"), …}
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from recipebook.modules import METRIC, load
from recipebook.project import PROJECT
from recipebook.suggestions import offer


def name_figures(metrics: Iterable[str], root: Path = PROJECT) -> dict[str, tuple[str, str]]:
    """Each figure's metric and its name there; a name that several metrics have begins with its metric's."""
    figures = [(metric, figure) for metric in metrics for figure in _list_figures(metric, root)]
    seen = Counter(figure for _, figure in figures)
    return {f"{metric}.{figure}" if seen[figure] > 1 else figure: (metric, figure) for metric, figure in figures}


def find_main_fault(main: str | None, metrics: Iterable[str], root: Path = PROJECT) -> str | None:
    """Why `main` cannot be the main figure of these metrics; None if it can."""
    if main is None:
        return None
    named = name_figures(metrics, root)
    if named and main not in named:
        return f"no figure '{main}' in the metrics{offer(main, list(named))}"
    untested = {metric: _list_untested(metric, root) for metric, _ in named.values()}
    tested = [name for name, (metric, figure) in named.items() if figure not in untested[metric]]
    if named and main not in tested:
        return f"figure '{main}' is not tested and cannot be the main one; these can: {', '.join(tested)}"
    return None


def _list_figures(metric: str, root: Path) -> list[str]:
    return list(vars(load(METRIC, metric, root)).get("FIGURES", ()))


def _list_untested(metric: str, root: Path) -> frozenset[str]:
    return frozenset(getattr(load(METRIC, metric, root), "UNTESTED", ()))
