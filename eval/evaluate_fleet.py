"""`make eval RUN=traits`: every trained member of a fleet in one process, and their vote where the recipe asks for it.

What is imported, the base model and what it answers are paid for once: it stays loaded while adapters come and go
(eval/asking/kept_base.py), and members that are asked the same share its answers (eval/asking/ask.py keeps them). Each
member gets what a run of its own gets, in its own `eval/`; the vote's is in `runs/<fleet>/vote` (eval/vote.py).
"""

import time
from collections.abc import Sequence

from eval.evaluate import evaluate_run, read_recipe
from eval.report.pages import format_estimate
from eval.scoring.summary import Summary
from eval.vote import evaluate_vote
from recipebook.errors import UserError
from recipebook.fleet.page import refresh_page
from recipebook.libraries import prepare_libraries
from recipebook.progress import ProgressLine, format_seconds
from recipebook.recipe.base_model import find_base
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import VOTE, Run
from recipebook.terminal import print_field


def evaluate_fleet(fleet: str, members: Sequence[tuple[Run, Manifest]], overrides: Sequence[str]) -> int:
    """Evaluate the members; 0 all, 1 some cannot be evaluated, each with its reason."""
    print_field("fleet", f"{fleet}, {len(members)} trained members")
    started = time.monotonic()
    summaries = _evaluate_members(members, overrides)
    failed = len(members) - len(summaries)
    # A member may be another recipe's run, which tells nothing of the fleet.
    own = next((run for run, _ in members if run.fleet == fleet), members[0][0])
    if _wants_vote(own) and not failed:
        summary = evaluate_vote(fleet, members, read_recipe(own, overrides))
        print(f"{VOTE:<{_width(members)}}  {_format_figure(summary)}")
    refresh_page(fleet)
    print(f"evaluated in {format_seconds(time.monotonic() - started)}")
    if len({summary.conditions["test set"] for summary in summaries}) > 1:
        print_field("next", f'make compare RUNS="RUN {fleet}", RUN being one model for the rows of all members')
    else:
        print_field("next", f"make leaderboard RECIPE={fleet}")
    return int(failed > 0)


def _evaluate_members(members: Sequence[tuple[Run, Manifest]], overrides: Sequence[str]) -> list[Summary]:
    """One after another, a line each; what was found of those that could be."""
    prepare_libraries(find_base(read_recipe(members[0][0], overrides)))
    # Only here: a mistyped name should not wait for torch.
    from eval.asking.kept_base import KeptBase

    line, kept, summaries = ProgressLine("members"), KeptBase(), list[Summary]()
    for at, (run, manifest) in enumerate(members):
        line.draw(at, len(members), f"  {manifest.member}")
        try:
            summaries.append(evaluate_run(run, overrides, kept=kept)[1])
            outcome = _format_figure(summaries[-1])
        except UserError as error:
            outcome = f"not evaluated: {error}"
        line.clear()
        print(f"{manifest.member:<{_width(members)}}  {outcome}")
    return summaries


def _width(members: Sequence[tuple[Run, Manifest]]) -> int:
    return max(len(manifest.member or "") for _, manifest in members)


def _wants_vote(run: Run) -> bool:
    """By the fleet's recipe as it was when the member was trained."""
    matrix = resolve(str(run.folder / "recipe.yaml"), None).recipe.matrix
    return matrix is not None and matrix.vote


def _format_figure(summary: Summary) -> str:
    """`exact: 0.910 [0.884, 0.931], base 0.000`"""
    result = summary.headline
    base = "" if result.base is None or result.base.mean is None else f", base {result.base.mean:.3f}"
    return f"{result.figure}: {format_estimate(result.tuned)}{base}"
