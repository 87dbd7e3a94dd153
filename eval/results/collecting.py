"""A trained and evaluated recipe in; its record for docs/results.md out."""

import json
from collections.abc import Sequence
from pathlib import Path

from eval.opening import read_recipe
from eval.results.last_stage import compare_with_start
from eval.results.pooling import pool_members
from eval.results.records import MEMBERS, RecipeRecord
from eval.results.trained import TrainedRecipe
from eval.scoring.summary import Summary
from recipebook import project
from recipebook.files import digest
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import VOTE, Run


def collect(trained: TrainedRecipe, evaluation_seconds: float | None) -> RecipeRecord:
    """Read what the recipe's runs came to."""
    manifests = [model.run.read() for model in trained.models]
    first, last = manifests[0], max(manifests, key=lambda manifest: manifest.created)
    run, summary = _read_summary(trained)
    # Runs of earlier versions have their base in resolved.yaml alone.
    base = first.base or read_recipe(trained.models[0].run, ()).model.base
    result, start = summary.headline, None
    if trained.models[0].stage:
        result, start = compare_with_start(trained.models[0].folder, summary)
    memories = [one.memory_gib for manifest in manifests for one in (manifest, *manifest.pipeline)]
    return RecipeRecord(
        recipe=trained.recipe,
        run=run,
        members=tuple(manifest.run for manifest in manifests) if trained.fleet else (),
        identity=identify_runs([manifest.identity for manifest in manifests]),
        commit=first.git.get("commit"),
        changed=any(bool(manifest.git.get("dirty")) for manifest in manifests),
        date=last.created[:10],
        machine=first.hardware,
        base=base,
        base_origin=first.base_origin,
        start=start,
        rows=summary.rows,
        drawn=summary.asked.drawn if summary.asked else None,
        result=result,
        training_seconds=round(sum(map(count_training_seconds, manifests)), 1),
        evaluation_seconds=evaluation_seconds,
        memory_gib=max((memory for memory in memories if memory is not None), default=None),
        commands=list_commands(trained.recipe, trained.profile, fleet=trained.fleet is not None),
    )


def list_commands(recipe: str, profile: str, *, fleet: bool) -> tuple[str, str]:
    """What repeats a result."""
    limit = f" LIMIT={MEMBERS}" if fleet else ""
    # Of a sweep, all members are evaluated on test rows here, and not the one that is chosen on validation rows.
    part = ' SET="eval.part=test"' if fleet else ""
    return f"make train RECIPE={recipe} PROFILE={profile}{limit}", f"make eval RUN={recipe}{part}"


def identify_runs(identities: Sequence[str]) -> str:
    """One run's identity, or that of several, as a vote has it (eval/vote.py)."""
    return identities[0] if len(identities) == 1 else digest(json.dumps(list(identities)))


def count_training_seconds(manifest: Manifest) -> float:
    """All attempts of a run, and of its stages; the time of a stage that another run trained counts too."""
    return sum(one.seconds.get("train", 0.0) for one in (manifest.pipeline or (manifest,)))


def _read_summary(trained: TrainedRecipe) -> tuple[str, Summary]:
    """The name of the evaluated system, and the summary of its evaluation."""
    first = trained.models[0]
    if trained.fleet is None:
        return first.run.name, _read(first.folder)
    if trained.vote:
        vote = Run(project.RUNS / trained.fleet / VOTE, trained.fleet)
        return vote.name, _read(vote.folder / first.folder.relative_to(first.run.folder))
    return trained.fleet, pool_members({str(model.member): model.folder for model in trained.models})


def _read(folder: Path) -> Summary:
    return Summary.model_validate_json((folder / "summary.json").read_bytes())
