"""The figures of several metrics together: names of metrics in, and the names that their figures have in tables, out.

["robot"] → {"exact": ("robot", "exact"), "parses": ("robot", "parses"), …}
["robot", "text"] → {"robot.exact": ("robot", "exact"), …, "text.exact": ("text", "exact"), …}
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from recipebook.modules import METRIC, load
from recipebook.options import check_options
from recipebook.project import PROJECT
from recipebook.suggestions import offer


def name_figures(metrics: Iterable[str], root: Path = PROJECT) -> dict[str, tuple[str, str]]:
    """Each figure's metric and its name there; a name that several metrics have begins with its metric's."""
    figures = [(metric, figure) for metric in metrics for figure in _list_figures(metric, root)]
    seen = Counter(figure for _, figure in figures)
    return {f"{metric}.{figure}" if seen[figure] > 1 else figure: (metric, figure) for metric, figure in figures}


def find_main_fault(main: str | None, metrics: Mapping[str, Mapping[str, Any]], root: Path = PROJECT) -> str | None:
    """Why `main` cannot be the main figure of these metrics, which have their options; None if it can.

    A figure that an answer can leave undefined is refused: the model that leaves it undefined where it is weak would
    look strong.
    """
    if main is None:
        return None
    named = name_figures(metrics, root)
    if named and main not in named:
        return f"no figure '{main}' in the metrics{offer(main, list(named))}"
    untested = {name for name, (metric, figure) in named.items() if figure in _list_untested(metric, root)}
    evadable = {metric: list_evadable(metric, options, root) for metric, options in metrics.items()}
    evaded = {name for name, (metric, figure) in named.items() if figure in evadable[metric]}
    fit = ", ".join(name for name in named if name not in untested | evaded)
    if main in untested:
        return f"figure '{main}' is not tested and cannot be the main one; these can: {fit}"
    if main in evaded:
        return f"an answer can leave figure '{main}' undefined, so it cannot be the main one; these can: {fit}"
    return None


def measures_answers(metric: str, root: Path = PROJECT) -> bool:
    """Whether a metric compares answers that are generated, and neither likelihoods nor episodes."""
    module = load(METRIC, metric, root)
    return not (hasattr(module, "MEASURES") or hasattr(module, "PLAYS"))


def list_evadable(metric: str, options: Mapping[str, Any], root: Path = PROJECT) -> frozenset[str]:
    """The figures of a metric that an answer can leave undefined, as one without calls leaves their precision."""
    module = load(METRIC, metric, root)
    if not hasattr(module, "list_evadable"):
        return frozenset()
    return frozenset(module.list_evadable(check_options(module.Options, options, f"metric {metric}")))


def _list_figures(metric: str, root: Path) -> list[str]:
    return list(vars(load(METRIC, metric, root)).get("FIGURES", ()))


def _list_untested(metric: str, root: Path) -> frozenset[str]:
    return frozenset(getattr(load(METRIC, metric, root), "UNTESTED", ()))
