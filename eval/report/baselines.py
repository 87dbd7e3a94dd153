"""Answers without training beside the tuned model: a summary in; a table of the main figure, and what it comes to, out.

exact       baseline [95 %]       tuned less it         p
base        0.000 [0.000, 0.009]  +0.845 [0.808, 0.880] <0.001
few_shot    0.412 [0.364, 0.461]  +0.433 [0.380, 0.486] <0.001

Better than each of 2 baselines, of which few_shot (0.412) is the strongest: the largest p < 0.001.

A placebo is one of them: the same training on shuffled answers. Where tuned is better than base and placebo, the
verdict ends with "It learned the content: …".
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from eval.report.pages import format_difference, format_estimate, format_number, format_p, format_probability, is_shown
from eval.scoring.baselines import PLACEBO
from eval.scoring.figures import Result
from eval.scoring.summary import Baseline, Summary
from eval.statistics.estimates import Difference, Estimate
from eval.statistics.families import adjust_holm

HEAD = ("baseline [95 %]", "tuned less it", "p")


class ComparedSystem(Protocol):
    """A run's summary, or that of a fleet over seeds."""

    @property
    def headline(self) -> Result:
        """The main figure's result."""

    @property
    def baselines(self) -> Sequence[Baseline]:
        """What it is compared with besides the bare base."""


class BaselineRow(NamedTuple):
    """One baseline in the main figure."""

    name: str
    estimate: Estimate
    difference: Difference

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of a table."""
        difference = format_difference(self.difference)
        return self.name, format_estimate(self.estimate), difference, format_p(self.difference.p)


def list_baselines(summary: ComparedSystem) -> list[BaselineRow]:
    """The bare base and all others; none where the recipe names no other."""
    head = summary.headline
    if not summary.baselines:
        return []
    base = [BaselineRow("base", head.base, head.difference)] if head.base and head.difference else []
    return base + [BaselineRow(one.name, one.estimates[head.figure], one.difference) for one in summary.baselines]


def judge_baselines(summary: ComparedSystem) -> str:
    """What tuning adds to the strongest of them; empty without any."""
    rows = [row for row in list_baselines(summary) if row.estimate.mean is not None and row.difference.p is not None]
    if not rows:
        return ""
    sign = -1 if summary.headline.less_is_better else 1
    strongest = max(rows, key=lambda row: sign * (row.estimate.mean or 0))
    name = f"{strongest.name} ({format_number(strongest.estimate.mean)})"
    better = [row for row in rows if is_better(row, summary.headline.less_is_better)]
    if len(better) == len(rows):
        p = max(row.difference.p or 0 for row in rows)
        largest = format_probability(p)
        return f"Better than each of {len(rows)} baselines, of which {name} is the strongest: the largest {largest}."
    worse = _find_worse(rows, summary.headline.less_is_better)
    unclear = [row.name for row in rows if row not in better and row.name not in worse]
    found = [f"worse than {', '.join(worse)}"] if worse else []
    found += [f"not shown to be better than {', '.join(unclear)}"] if unclear else []
    said = "; ".join([*found, f"the strongest baseline is {name}"])
    return f"{said[0].upper()}{said[1:]}."


def judge_content(summary: ComparedSystem) -> str:
    """Whether the content was learned, and not the form of answers alone; empty without a placebo."""
    named = {row.name: row for row in list_baselines(summary)}
    if PLACEBO not in named:
        return ""
    compared = [named[name] for name in ("base", PLACEBO) if name in named]
    weaker = [row.name for row in compared if not is_better(row, summary.headline.less_is_better)]
    if not weaker:
        return f"It learned the content: better than base and than the same training on shuffled answers ({PLACEBO})."
    return f"That it learned the content is not shown: tuned is not shown to be better than {' and '.join(weaker)}."


def is_better(row: BaselineRow, less_is_better: bool) -> bool:
    """Whether tuned is shown to be better than the baseline."""
    gain = row.difference.mean or 0.0
    return is_shown(row.difference, row.difference.p) and (gain < 0 if less_is_better else gain > 0)


def _find_worse(rows: Sequence[BaselineRow], less_is_better: bool) -> list[str]:
    """The baselines that tuned is shown to be worse than; there are several to be worse than, so p is adjusted."""
    adjusted = adjust_holm([row.difference.p for row in rows])
    worse = [is_shown(row.difference, p) for row, p in zip(rows, adjusted, strict=True)]
    return [row.name for row, shown in zip(rows, worse, strict=True) if shown and not is_better(row, less_is_better)]


def list_published(summary: Summary) -> list[str]:
    """`published by SOURCE, not tested against: exact 0.810`"""
    if summary.published is None:
        return []
    figures = ", ".join(f"{name} {format_number(value)}" for name, value in summary.published.figures.items())
    return [f"published, and not tested against: {figures} ({summary.published.source})"]
