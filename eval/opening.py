"""What an evaluation needs before a model is loaded: a run in; its recipe, its prompts and a folder to write to, out.

Reads downward. Everything that can be wrong with an evaluation's settings is refused here, before a token is generated,
and an evaluation takes the place of an earlier one only when all of it is there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval.asking.prompts import DrawnPrompts, Prompt, draw_prompts
from eval.scoring.baselines import ANSWERS, SCORES
from eval.scoring.score import load_metric
from eval.scoring.summary import Summary
from recipebook.building import building
from recipebook.data.dataset import prepare
from recipebook.data.default_metrics import choose_metrics
from recipebook.data.units import UNITS, read_units
from recipebook.errors import UserError
from recipebook.files import digest, digest_file
from recipebook.project import shown
from recipebook.recipe.evaluated import resolve_evaluated
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.figures import find_main_fault
from recipebook.recipe.keys import Recipe
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.recipe.stage_list import BASE
from recipebook.run.provenance import flatten, format_changes
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from recipebook.sources.inputs import MADE

PART = "eval.part="
PARTS = ("train", "validation", "test")
# Methods that learn from pairs: those whose loss has a reference model, and those whose has none.
WITH_REFERENCE = ("dpo", "ipo", "kto")
WITHOUT_REFERENCE = ("orpo", "simpo")
PLACEBO = "a placebo: it was trained on shuffled answers, so its figures are what the form of answers alone gives"
CONTROL = "a control: its rewards were drawn by lot, so its figures are what training gives that learns from no outcome"
# Files that only some evaluations write: an earlier one's would stand beside answers that they know nothing of.
AT_TIMES = (ANSWERS, SCORES)


def read_recipe(run: Run, overrides: Sequence[str]) -> Recipe:
    """The recipe as it was run, with its `eval` section as it is written now; `SET=` may change this section alone."""
    resolved = _resolve(run, overrides)
    data = resolved.recipe.data
    check_references(resolved, [name.removeprefix(MADE) for name in (data.source, data.validation, data.test) if name])
    settings = resolved.recipe.eval
    if not settings.metrics:
        settings = settings.model_copy(update={"metrics": choose_metrics(data, _find_rows(run, settings.part))})
        if wrong_main := find_main_fault(settings.main, settings.metrics):
            raise UserError(f"{resolved.name}: eval.main: {wrong_main}")
    return resolved.recipe.model_copy(update={"eval": settings})


def names_metrics(run: Run, overrides: Sequence[str]) -> bool:
    """Whether the recipe, or the stage, has metrics of its own, and not those that its rows have by default."""
    return bool(_resolve(run, overrides).recipe.eval.metrics)


def _resolve(run: Run, overrides: Sequence[str]) -> Resolved:
    wrong = [override for override in overrides if not override.startswith("eval.")]
    if wrong:
        raise UserError(f"SET: '{wrong[0]}' cannot change a trained run; only eval.* can")
    known, stage = run.read(), run.name if isinstance(run, StageRun) else None
    kept, source = run.folder / "resolved.yaml", known.source or known.recipe
    return resolve_evaluated(kept, source, known.profile, known.overrides, overrides, stage)


def find_weights(run: Run, checkpoint: int | None) -> Path:
    """The folder of a trained run's weights, or of one of its checkpoints, which may be evaluated before the end."""
    status = run.read().status
    if checkpoint is None and status == "trained":
        model = run.folder / "model"
        if not any(model.glob("*.safetensors")):
            raise UserError(f"{shown(model)} holds no weights any more; make train with FORCE=1 trains them again")
        return model
    known = [path.name.removeprefix("checkpoint-") for path in run.checkpoints()]
    if checkpoint is None:
        begun = f"; it has checkpoints, such as CHECKPOINT={known[-1]}" if known else " and has no checkpoint"
        raise UserError(f"{shown(run.folder)} is {status}, not trained{begun}")
    if str(checkpoint) not in known:
        raise UserError(f"{shown(run.folder)} has no checkpoint {checkpoint}; it has: {', '.join(known) or 'none'}")
    return run.folder / "model" / f"checkpoint-{checkpoint}"


def fill_options(recipe: Recipe) -> dict[str, Mapping[str, Any]]:
    """The options of the recipe's metrics, with those that its other sections decide, such as the beta of rewards."""
    filled: dict[str, Mapping[str, Any]] = {}
    for name, options in recipe.eval.metrics.items():
        metric = load_metric(name)
        filled[name] = metric.fill_options(options, recipe) if hasattr(metric, "fill_options") else options
    return filled


def describe_reference(run: Run, recipe: Recipe) -> str:
    """What rewards are measured against, where the training's own reference was another; else empty."""
    if not any("rejected" in getattr(load_metric(name), "MEASURES", ()) for name in recipe.eval.metrics):
        return ""
    against = f"rewards are measured against the base model, {recipe.model.base}"
    if recipe.training.method in WITHOUT_REFERENCE:
        return f"{against}; {recipe.training.method} itself has no reference"
    start = run.top.read().get_stage(run.name).start if isinstance(run, StageRun) else BASE
    if recipe.training.method not in WITH_REFERENCE or start == BASE:
        return ""
    return f"{against}; the loss of stage {run.name} was measured against the model of stage {start}"


def list_notes(run: Run, recipe: Recipe) -> list[str]:
    """What a reader of the figures should know: settings edited since the training, and rows that were replaced."""
    kept = resolve(str(run.folder / "resolved.yaml"), None).recipe.eval
    now = _resolve(run, ()).recipe.eval
    notes = [PLACEBO] if run.read().placebo_of else []
    if recipe.training.method == "grpo" and recipe.rl.control == "random":
        notes.append(CONTROL)
    if changes := format_changes(*(flatten(one.model_dump(mode="json"), "eval") for one in (kept, now))):
        notes.append(f"the recipe's section as it is now: {changes}")
    if recipe.data.split.by and not recipe.eval.unit and not (run.folder / "data" / UNITS).is_file():
        notes.append(
            f"each record counts by itself, as {shown(run.folder / 'data' / UNITS)} is missing: records that agree in "
            f"{', '.join(recipe.data.split.by)} make intervals too narrow; a new training has the file"
        )
    return notes + ([replaced] if (replaced := _find_replaced(run, recipe.eval.part)) else [])


def prefer_validation(run: Run, overrides: Sequence[str]) -> tuple[list[str], str]:
    """The overrides by which models are evaluated to choose one of them, and a line that says so.

    They are evaluated on validation rows, unless the user names a part, or there are none.
    """
    if any(one.startswith((PART, "eval=")) for one in overrides):
        return [*overrides], ""
    if not run.read().rows.get("validation"):
        return [*overrides], "no validation rows: whichever is chosen by these test rows looks better than it is"
    return [
        *overrides,
        f"{PART}validation",
    ], f'a choice is made on validation rows; SET="{PART}test" evaluates test rows'


def read_rows(run: Run, recipe: Recipe) -> DrawnPrompts:
    """The prompts of the held-out rows that the recipe evaluates."""
    settings = recipe.eval
    path = _find_rows(run, settings.part)
    drawn = draw_prompts(path if path.is_file() else _make_rows(run, recipe), settings.limit, settings.turns)
    if not drawn.prompts:
        raise UserError(f"{shown(run.folder)} has no {settings.part} rows: {_format_empty(recipe, settings.part)}")
    return drawn


def name_units(run: Run, settings: Evaluation, prompts: Sequence[Prompt]) -> list[str | None]:
    """What each prompt shares with others, so that they are taken together; None where that is its record alone.

    It is the fields of meta that `eval.unit` names; without them, those of the record that `data.split.by` names.
    """
    if settings.unit:
        return [json.dumps([prompt.meta[field] for field in settings.unit]) for prompt in prompts]
    units = read_units(run.folder / "data")
    return [units.get(str(prompt.meta.get("origin"))) for prompt in prompts]


def choose_folder(
    run: Run,
    settings: Evaluation,
    checkpoint: int | None = None,
    limit: int | None = None,
    own: str | None = None,
    model: str | None = None,
) -> Path:
    """Where an evaluation of this part and checkpoint goes; `limit` is that of an evaluation beside the recipe's.

    `own` is the folder of a file of the user's own, which takes the part's place, `model` that of another model. A
    stage's evaluations lie in the folder of its run.
    """
    folder = (run.top if isinstance(run, StageRun) else run).folder / "eval"
    part = settings.part if settings.part != "test" else None
    folder = folder / name if (name := own or part) else folder
    folder = folder / f"limit-{limit}" if limit else folder
    folder = folder.joinpath(*_name_ways(run, settings))
    folder = folder / model if model else folder
    return folder / f"checkpoint-{checkpoint}" if checkpoint else folder


def _name_ways(run: Run, settings: Evaluation) -> Iterator[str]:
    """`temperature-0.6` and `adapter-apart`, where the recipe itself asks in another way."""
    adapter, temperature = settings.generation.adapter, settings.generation.temperature
    if adapter == "auto" and not temperature:
        return
    own = read_recipe(run, ()).eval.generation
    if temperature not in (0, own.temperature):
        yield f"temperature-{temperature:g}"
    if adapter not in ("auto", own.adapter):
        yield f"adapter-{adapter}"


def find_folder(
    run: Run, settings: Evaluation, checkpoint: int | None = None, own: str | None = None, model: str | None = None
) -> Path:
    """Where one run's evaluation goes, by what is there already."""
    usual = choose_folder(run, settings, checkpoint, own=own, model=model)
    return choose_folder(run, settings, checkpoint, find_limit_beside(run, settings, usual), own, model)


def find_limit_beside(run: Run, settings: Evaluation, usual: Path) -> int | None:
    """The limit of an evaluation that goes beside one of more rows in the `usual` folder; None if it goes there itself,
    as one with the recipe's own limit does."""
    if settings.limit is None or settings.limit == read_recipe(run, ()).eval.limit:
        return None
    rows = _count_rows(usual / "summary.json")
    return settings.limit if rows > settings.limit else None


def _count_rows(path: Path) -> float:
    """How many rows an evaluation has; without a limit more than any, without an evaluation none."""
    try:
        asked = Summary.model_validate_json(path.read_bytes()).asked
    except (OSError, ValueError):
        return 0
    return asked.drawn.rows if asked and asked.drawn else float("inf")


@contextmanager
def replacing_evaluation(run: Run, folder: Path) -> Iterator[Path]:
    """A new folder to write an evaluation to; once it is whole, its files take the place of an earlier one's."""
    with building("eval", run.folder) as new:
        yield new
        folder.mkdir(parents=True, exist_ok=True)
        for name in AT_TIMES:
            (folder / name).unlink(missing_ok=True)
        for path in sorted(new.iterdir()):
            path.replace(folder / path.name)


def _find_rows(run: Run, part: str) -> Path:
    return run.folder / "data" / f"{part}.jsonl"


def _find_replaced(run: Run, part: str) -> str | None:
    """A line about rows that are not those that the run was prepared with; None where they are, or nobody knows."""
    hashes, path = run.read().hashes, _find_rows(run, part)
    wanted = hashes.get("parts", {}).get(part)
    paths = [_find_rows(run, each) for each in PARTS]
    if wanted is None and all(each.is_file() for each in paths):
        # Earlier versions recorded one hash of all parts.
        wanted, found = hashes.get("rows"), digest(*map(digest_file, paths))
    else:
        found = digest_file(path) if path.is_file() else wanted
    if wanted in (None, found):
        return None
    return f"{shown(path)} was replaced since the training (hash {found}, it was {wanted}): these are other rows"


def _make_rows(run: Run, recipe: Recipe) -> Path:
    """Rows that only the cache had, and that have gone with it: made again, if the sources still give the same ones."""
    part, data = recipe.eval.part, recipe.data
    gone = f"{shown(_find_rows(run, part))} is gone, as the cache was removed"
    if any(name and name.startswith(MADE) for name in (data.source, data.validation, data.test)):
        raise UserError(f"{gone}; its rows were made by an earlier stage: make train RECIPE={run.read().recipe}")
    dataset, hashes = prepare(data, system=recipe.model.system), run.read().hashes
    # A placebo has held-out rows as its sources give them, and others to train on.
    same = digest_file(dataset.path(part)) == hashes.get("parts", {}).get(part)
    if not same and dataset.rows_digest != hashes.get("rows"):
        raise UserError(f"{gone}, and its sources give other rows now")
    return next(dataset.path(each) for each in dataset.rows if each == part)


def _format_empty(recipe: Recipe, part: str) -> str:
    if recipe.data.split.file:
        name = {"test": "test", "validation": "val"}[part]
        return f"the lists '{name}' of its split file {recipe.data.split.file} are empty"
    share = getattr(recipe.data.split, part)
    return f"none of its records fell to the share of {share}" if share else f"its recipe's data.split.{part} is 0"
