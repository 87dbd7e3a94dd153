r"""The metrics' modules in; a page with every figure, its formula and its direction out.

A formula is a line of the module's docstring that begins with the figure's name, or with a pattern of it:

    call_precision    |M| / |P|
    *_micro_f1        2 sum |M| / (sum |P| + sum |R|)

    | `call_precision` | \|M\| / \|P\| | more | mean | share of the predicted calls that were asked for |
"""

import fnmatch
import re

from docs.keys_page import render_keys
from eval.scoring.figures import Figure
from eval.scoring.score import Metric, list_figures, load_metric
from recipebook.modules import METRIC, list_names

HEADING = "| figure | formula, for one answer | better | over all answers | meaning |\n| --- | --- | --- | --- | --- |"
INTRODUCTION = """\
# Metrics

Every figure of every metric, generated from `eval/metrics/` by `make docs`. A recipe names metrics under
`eval.metrics`; a figure's full name is `<metric>.<figure>` where two metrics share a name. The first figure of the
first metric is the main one, by which the verdict is given, unless `eval.main` names another.

| test rows of a recipe that names no metric | metrics |
| --- | --- |
| pairs, and answers with a label | `preference` |
| of the converters `persona`, `robot`, `shell_tasks`, `toolformer` | the converter's; of shell tasks `shell` |
| of the converter `trait` | `likelihood` |
| that end with calls of tools | `tool_calls`, `likelihood` |
| all others | `likelihood`, `overlap`, `text` |

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
    """The docstring, with a table of the figures in place of their formulas, and the options."""
    docstring = str(metric.__doc__)
    formulas = read_formulas(docstring)
    before, after = _cut_out_formulas(docstring)
    table = [HEADING, *(_render_figure(key, figure, formulas) for key, figure in list_figures(metric).items())]
    parts = [f"## {name}", before, "\n".join(table), after]
    if measured := getattr(metric, "MEASURES", ()):
        parts.append(f"No text is generated: the model's likelihood of {' and '.join(measured)} is measured.")
    return "\n\n".join([*filter(None, parts), render_keys(metric.Options)])


def _render_figure(key: str, figure: Figure, formulas: dict[str, str]) -> str:
    better = "less" if figure.less_is_better else "neither" if figure.untested else "more"
    whole = "share that is right" if figure.binary else "mean"
    if figure.ratio:
        top, bottom = (" + ".join(f"sum {part}" for part in side) for side in figure.ratio)
        whole = f"({top}) / ({bottom})" if "+" in top + bottom else f"{top} / {bottom}"
        whole = f"exp({whole})" if figure.exponential else whole
    cells = (f"`{key}`", find_formula(key, formulas), better, whole, figure.explanation)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _cut_out_formulas(docstring: str) -> tuple[str, str]:
    """What stands before the first formula, and what stands after it that is none."""
    before, after, inside = list[str](), list[str](), False
    kept = before
    for line in docstring.splitlines():
        begins = bool(_LINE.match(line))
        inside = begins or (inside and line.startswith(" " * 8))
        kept = after if begins else kept
        kept += [] if inside else [line]
    return "\n".join(before).strip("\n"), re.sub(r"\n{3,}", "\n\n", "\n".join(after)).strip("\n")
