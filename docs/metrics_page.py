r"""The metrics' modules in; a page with every figure, its formula and its direction out.

A formula is a line of the module's docstring that begins with the figure's name, or with a pattern of it:

    call_precision    |M| / |P|
    *_micro_f1        2 sum |M| / (sum |P| + sum |R|)

    | `call_precision` | \|M\| / \|P\| | more | mean | share of the predicted calls that were asked for |
"""

import fnmatch
import re

from docs.keys_page import render_keys
from eval.scoring.score import Metric, list_figures, load_metric
from eval.scoring.summary import Figure
from recipebook.modules import METRIC, list_names

HEADING = "| figure | formula, for one answer | better | over all answers | meaning |\n| --- | --- | --- | --- | --- |"
INTRODUCTION = """\
# Metrics

Every figure of every metric, generated from `eval/metrics/` by `make docs`. A recipe names metrics under
`eval.metrics`; a figure's full name is `<metric>.<figure>` where two metrics share a name.

An undefined figure (0/0) is left out of its mean and counted. How intervals and tests are made is in
[evaluation.md](evaluation.md#how-the-numbers-are-made).
"""
_LINE = re.compile(r"^    (?P<name>[a-z*][\w*]*) {2,}(?P<formula>\S.*)$")


def render_metrics() -> str:
    """The page of all metrics."""
    return "\n".join([INTRODUCTION, *(_render_metric(name, load_metric(name)) for name in list_names(METRIC))])


def read_formulas(docstring: str) -> dict[str, str]:
    """The formulas of a docstring by their figures' names or patterns; deeper lines continue the one above."""
    found: dict[str, str] = {}
    name = None
    for line in docstring.splitlines():
        begins = _LINE.match(line)
        if begins:
            name = begins["name"]
            found[name] = begins["formula"]
        elif name and line.startswith(" " * 8):
            found[name] += " " + line.strip()
        else:
            name = None
    return found


def find_formula(figure: str, formulas: dict[str, str]) -> str:
    """The formula of a figure: of its own name, else of the longest pattern that fits; empty without one."""
    fitting = [name for name in formulas if fnmatch.fnmatchcase(figure, name)]
    best = max(fitting, key=lambda name: (name == figure, len(name)), default=None)
    return formulas[best] if best else ""


def _render_metric(name: str, metric: Metric) -> str:
    docstring = str(metric.__doc__)
    formulas = read_formulas(docstring)
    lines = [_render_figure(key, figure, formulas) for key, figure in list_figures(metric).items()]
    parts = [f"## {name}\n", _drop_formulas(docstring), HEADING, *lines, "", render_keys(metric.Options)]
    if measured := getattr(metric, "MEASURES", ()):
        parts.insert(2, f"No text is generated: the model's likelihood of {' and '.join(measured)} is measured.\n")
    return "\n".join(parts)


def _render_figure(key: str, figure: Figure, formulas: dict[str, str]) -> str:
    better = "less" if figure.less_is_better else "neither" if figure.untested else "more"
    whole = "share that is right" if figure.binary else "mean"
    if figure.ratio:
        top, bottom = (" + ".join(f"sum {part}" for part in side) for side in figure.ratio)
        whole = f"({top}) / ({bottom})" if "+" in top + bottom else f"{top} / {bottom}"
        whole = f"exp({whole})" if figure.exponential else whole
    cells = (f"`{key}`", find_formula(key, formulas), better, whole, figure.explanation)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _drop_formulas(docstring: str) -> str:
    kept, inside = [], False
    for line in docstring.splitlines():
        inside = bool(_LINE.match(line)) or (inside and line.startswith(" " * 8))
        kept += [] if inside else [line]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept))
