"""`make eval RUN=traits`: every trained member of a fleet in one process, and their vote if `matrix.vote` is set.

Imports, loading the base model and its answers take their time once. The base stays loaded while adapters come and go
(eval/asking/kept_base.py), and members with the same prompts share its answers (eval/asking/ask.py caches them). Each
member gets the files of any evaluated run, in its own `eval/`; the vote's are in `runs/<fleet>/vote` (eval/vote.py).

Members of a sweep, which have the same test rows, are evaluated on validation rows, and the best of them then on test
rows. So the test set is asked once, for the one that was chosen, and its figure is what new rows would show.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from eval.comparing.seeds_page import format_table, summarise_seeds, write_seeds
from eval.evaluate import evaluate_run
from eval.evaluate_stages import evaluate_stages
from eval.opening import PART, choose_folder, find_limit_beside, list_notes, prefer_validation, read_recipe
from eval.report.effect import changes_no_answer
from eval.report.notes import format_limits
from eval.report.pages import format_estimate, format_number
from eval.scoring.summary import Summary, get_worth
from eval.vote import evaluate_vote
from recipebook import project
from recipebook.errors import UserError
from recipebook.fleet.page import refresh_page
from recipebook.fleet.seeds import find_seeds
from recipebook.libraries import prepare_libraries
from recipebook.progress import ProgressLine, format_seconds
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run import rundir
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import VOTE, Run
from recipebook.terminal import format_count, print_field


def evaluate_fleet(fleet: str, members: Sequence[tuple[Run, Manifest]], overrides: Sequence[str]) -> int:
    """Evaluate the members; return 0, or 1 if some cannot be evaluated, with a line for each that says why."""
    print_field("fleet", _describe_members(fleet, members))
    if any(manifest.pipeline for _, manifest in members):
        return _evaluate_staged(fleet, members, overrides)
    started = time.monotonic()
    given, sweep = overrides, _is_sweep(members)
    if sweep:
        overrides, chosen_on = prefer_validation(members[0][0], given)
        print_field("note", chosen_on or f"the members are evaluated with {' '.join(given)}")
    beside = _find_beside(members, read_recipe(members[0][0], overrides))
    summaries = _evaluate_members(members, overrides, beside)
    failed = len(members) - len(summaries)
    # A member may be a run of another recipe, which knows nothing of the fleet's vote.
    own = next((run for run, _ in members if run.fleet == fleet), members[0][0])
    if _wants_vote(own) and not failed:
        recipe = read_recipe(own, overrides)
        where = choose_folder(own, recipe.eval, limit=beside).relative_to(own.folder)
        summary = evaluate_vote(fleet, members, recipe, where)
        print(f"{VOTE:<{_width(members)}}  {_format_figure(summary)}")
    seeds = find_seeds(members)
    if seeds and not failed:
        where = choose_folder(own, read_recipe(own, overrides).eval, limit=beside).relative_to(own.folder / "eval")
        _print_seeds(fleet, [run for run, _ in members], seeds, "" if where == Path() else where.as_posix())
    if sweep and not failed and list(overrides) != list(given):
        _evaluate_chosen([run for run, _ in members], summaries, given)
    refresh_page(fleet)
    for limit in format_limits(summaries):
        print(limit)
    print(f"evaluated in {format_seconds(time.monotonic() - started)}")
    if len({summary.conditions["test set"] for summary in summaries}) > 1:
        print_field("next", f'make compare RUNS="RUN {fleet}", RUN being one model for the rows of all members')
    else:
        print_field("next", f"make leaderboard RECIPE={fleet}")
    return int(failed > 0)


def _evaluate_staged(fleet: str, members: Sequence[tuple[Run, Manifest]], overrides: Sequence[str]) -> int:
    """Evaluate all stages of each member, and the last models of all seeds as one system."""
    places = set[str]()
    for run, manifest in members:
        print_field("member", str(manifest.member))
        folder = evaluate_stages(run, manifest, overrides)
        places.add(folder.relative_to(run.folder / "eval").as_posix())
    seeds = find_seeds(members)
    if seeds and len(places) == 1:
        (where,) = places
        _print_seeds(fleet, [run for run, _ in members], seeds, "" if where == "." else where)
    return 0


def _describe_members(fleet: str, members: Sequence[tuple[Run, Manifest]]) -> str:
    """`robot-lora-seeds, 2 trained members; without a trained model: seed44`"""
    untrained = rundir.list_untrained(fleet, members)
    without = f"; without a trained model: {', '.join(untrained)}" if untrained else ""
    return f"{fleet}, {format_count(len(members), 'trained members')}{without}"


def _is_sweep(members: Sequence[tuple[Run, Manifest]]) -> bool:
    """Whether one of the members is to be chosen: they have the same held-out rows, and are no seeds and no voters."""
    parts = [manifest.hashes.get("parts") for _, manifest in members]
    alike = len(members) > 1 and parts[0] is not None and all(one == parts[0] for one in parts)
    return alike and not _wants_vote(members[0][0]) and find_seeds(members) is None


def _evaluate_chosen(runs: Sequence[Run], summaries: Sequence[Summary], overrides: Sequence[str]) -> None:
    """Evaluate the member that is the best by its main figure on test rows, and print what it comes to."""
    worth = [get_worth(summary) for summary in summaries]
    best = runs[worth.index(max(worth))]
    folder, summary = evaluate_run(best, [*overrides, f"{PART}test"])
    print_field("chosen", f"{best.name}, the best of {len(runs)} on validation rows")
    print_field("test", f"{_format_figure(summary)}; report: {shown(folder / 'report.html')}")


def _print_seeds(fleet: str, members: Sequence[Run], seeds: Sequence[int], where: str) -> None:
    """Print the members as one system, and write its page into the fleet's folder."""
    untrained = rundir.list_untrained(fleet, rundir.list_fleet(fleet))
    summary = summarise_seeds(fleet, members, seeds, where, untrained)
    folder = project.RUNS / fleet / where
    folder.mkdir(parents=True, exist_ok=True)
    print(format_table(summary))
    print_field("seeds", shown(write_seeds(summary, folder)))


def _evaluate_members(
    members: Sequence[tuple[Run, Manifest]], overrides: Sequence[str], beside: int | None
) -> list[Summary]:
    """Evaluate one member after another, a line each; return the summaries of those that could be evaluated."""
    prepare_libraries(find_base(read_recipe(members[0][0], overrides)))
    # Only here: a mistyped name should not wait for torch.
    from eval.asking.kept_base import KeptBase

    line, kept, summaries = ProgressLine("members"), KeptBase(), list[Summary]()
    for at, (run, manifest) in enumerate(members):
        line.draw(at, len(members), f"  {manifest.member}")
        try:
            recipe = read_recipe(run, overrides)
            notes, folder = list_notes(run, recipe), choose_folder(run, recipe.eval, limit=beside)
            summaries.append(evaluate_run(run, overrides, kept=kept, folder=folder)[1])
            outcome = "; ".join([_format_figure(summaries[-1]), *notes])
        except UserError as error:
            outcome = f"not evaluated: {error}"
        line.clear()
        print(f"{manifest.member:<{_width(members)}}  {outcome}")
    return summaries


def _find_beside(members: Sequence[tuple[Run, Manifest]], recipe: Recipe) -> int | None:
    """The limit of evaluations that go beside the usual ones, as soon as one member has one of more rows."""
    limits = (find_limit_beside(run, recipe.eval, choose_folder(run, recipe.eval)) for run, _ in members)
    return next(filter(None, limits), None)


def _width(members: Sequence[tuple[Run, Manifest]]) -> int:
    return max(len(manifest.member or "") for _, manifest in members)


def _wants_vote(run: Run) -> bool:
    """Whether the fleet's recipe wanted a vote when the member was trained."""
    matrix = resolve(str(run.folder / "recipe.yaml"), None).recipe.matrix
    return matrix is not None and matrix.vote


def _format_figure(summary: Summary) -> str:
    """`exact: 0.910 [0.884, 0.931], base 0.000`"""
    result = summary.headline
    base = "" if result.base is None or result.base.mean is None else f", base {format_number(result.base.mean)}"
    same = f"; none of {summary.rows} answers changed" if changes_no_answer(summary) else ""
    return f"{result.figure}: {format_estimate(result.tuned)}{base}{same}"
