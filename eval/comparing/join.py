"""Evaluations that share only some of their rows in; the same evaluations over the rows that all have, out.

    A  persona-unified-20261121-070519   96 test rows
    B  persona-per-user                  250 test rows of 32 members   →   both over the 96 rows that both have

A fleet whose members have rows of their own is one system here: each row is answered by the member that it belongs
to. Two rows are the same if the whole prompt and the reference answer are, whatever file they were read from.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from eval.comparing.evaluations import EvaluatedRun, check_alike, find_evaluation, read_evaluation
from eval.comparing.seeds import estimate_system, join_seeds
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import digest
from recipebook.fleet.seeds import find_seeds
from recipebook.run import rundir
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import VOTE, Run
from recipebook.terminal import format_count

TEST_SET = "test set"


def read_systems(queries: Sequence[str], runs: Path = project.RUNS) -> list[EvaluatedRun]:
    """The evaluations that `queries` name, over the rows that all of them have.

    A fleet over training seeds is one system. If another fleet's members have the same rows, its name means the members
    and their vote, without those already named. If they have rows of their own, it means the fleet as one system.
    """
    found: list[EvaluatedRun] = []
    for query in queries:
        if members := rundir.list_fleet(query, runs):
            known = {run.name for run in found}
            found += [run for run in _read_fleet(query, members, runs) if run.name not in known]
        else:
            found.append(read_evaluation(*find_evaluation(query, runs)))
    return share_rows(found) if any(run.members for run in found) else found


def _read_fleet(fleet: str, members: Sequence[tuple[Run, Manifest]], runs: Path) -> list[EvaluatedRun]:
    tested = [(run, manifest.member or "") for run, manifest in members if manifest.rows.get("test")]
    if not tested:
        raise UserError(f"{fleet}: none of its {len(members)} trained members has test rows")
    evaluations = [read_evaluation(run) for run, _ in tested]
    if len(tested) == len(members) and find_seeds(members):
        return [join_seeds(fleet, evaluations, rundir.list_untrained(fleet, members, runs))]
    if len(evaluations) == 1 or len({run.summary.conditions[TEST_SET] for run in evaluations}) > 1:
        names = [member for _, member in tested]
        note = f", {format_count(len(members), 'members')}"
        note += f", {len(tested)} with test rows" if len(tested) < len(members) else ""
        return [join_members(fleet, dict(zip(names, evaluations, strict=True)))._replace(note=note)]
    vote = runs / fleet / VOTE
    return [*evaluations, *([read_evaluation(Run(vote, fleet))] if (vote / "manifest.json").is_file() else [])]


def join_members(fleet: str, members: dict[str, EvaluatedRun]) -> EvaluatedRun:
    """Join members with rows of their own into one system; its figures are wrong until `take_rows` estimates them."""
    first, *others = members.values()
    for other in others:
        check_alike(first, other, besides=(TEST_SET,))
    conditions = {TEST_SET: digest(*(run.summary.conditions[TEST_SET] for run in members.values()))}
    return first._replace(
        run=fleet,
        summary=first.summary.model_copy(update={"conditions": {**first.summary.conditions, **conditions}}),
        rows=tuple(f"{name}: {row}" for name, run in members.items() for row in run.rows),
        questions=tuple(chain.from_iterable(run.questions for run in members.values())),
        # Each member counts its own records from 1.
        groups=tuple(f"{name}: {group}" for name, run in members.items() for group in run.groups),
        scores=tuple(chain.from_iterable(run.scores for run in members.values())),
        members=tuple(name for name, run in members.items() for _ in run.rows),
        folder=first.folder.parent if first.folder else None,
        trainings=tuple(run.folder for run in members.values() if run.folder),
    )


def share_rows(runs: Sequence[EvaluatedRun]) -> list[EvaluatedRun]:
    """The same systems over the rows that all of them have, in the first one's order."""
    first, *others = runs
    for other in others:
        check_alike(first, other, besides=(TEST_SET,))
    places = [_place_rows(run) for run in runs]
    common = [question for question in places[0] if all(question in place for place in places)]
    if not common:
        raise UserError(f"{first.name} and {' and '.join(run.name for run in others)} have no row in common")
    conditions = {**first.summary.conditions, TEST_SET: digest(*(f"{question}#{time}" for question, time in common))}
    return [
        take_rows(
            run._replace(
                summary=run.summary.model_copy(update={"conditions": conditions}),
                note=f"{run.note}, {len(common)} of its {len(run.rows)} rows",
            ),
            [place[question] for question in common],
        )
        for run, place in zip(runs, places, strict=True)
    ]


def take_rows(run: EvaluatedRun, rows: Sequence[int]) -> EvaluatedRun:
    """The same system over some of its rows, by their numbers, its figures estimated from these alone."""
    groups, scores = tuple(run.groups[row] for row in rows), tuple(run.scores[row] for row in rows)
    seeds = tuple(tuple(one[row] for row in rows) for one in run.seeds)
    taken = run._replace(groups=groups, scores=scores, seeds=seeds)
    results = tuple(
        result.model_copy(
            update={
                "tuned": estimate_system(result, taken),
                "base": None,
                "difference": None,
                "p_adjusted": None,
            }
        )
        for result in run.summary.results
    )
    return taken._replace(
        summary=run.summary.model_copy(update={"rows": len(rows), "results": results, "slices": ()}),
        rows=tuple(run.rows[row] for row in rows),
        questions=tuple(run.questions[row] for row in rows),
        members=tuple(run.members[row] for row in rows) if run.members else (),
        base=(),
        baselines={},
    )


def _place_rows(run: EvaluatedRun) -> dict[tuple[str, int], int]:
    """Each row's index, by the hash of its question and how often that question came before."""
    if "" in run.questions:
        again = f"make eval RUN={run.run}"
        raise UserError(f"{run.name} was evaluated before rows of different runs could be joined: {again}")
    seen: Counter[str] = Counter()
    places = {}
    for row, question in enumerate(run.questions):
        places[question, seen[question]] = row
        seen[question] += 1
    return places
