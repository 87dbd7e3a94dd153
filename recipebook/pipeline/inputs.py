"""What decides the outcome of each stage, known before any has run: stages in, steps with their identities out.

    IdentifiedStage(stage=Stage(name="dpo", …), dataset=None, identity="5d0c…",
                    inputs={"training.epochs": "2", "rows": "made by pairs", "start": "sft 77c0…", …})

Rows that a stage makes follow from the inputs of that stage, so its identity represents them. A stage with the same
inputs as a finished one need not run again; otherwise the names of the inputs that differ are the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from recipebook.data.code_digest import digest_kind
from recipebook.data.converter import find_converter
from recipebook.data.dataset import Dataset, prepare
from recipebook.errors import UserError
from recipebook.files import digest, digest_file
from recipebook.modules import AUTO, STAGE, find, load
from recipebook.project import PROJECT, locate
from recipebook.recipe.data_keys import Data
from recipebook.recipe.layers import is_file
from recipebook.recipe.stages import Stage, list_texts
from recipebook.run import identities, provenance
from recipebook.sources.inputs import MADE, digest_inputs, find_inputs
from recipebook.train.base_weights import require_weights
from recipebook.train.chat_template import require_template
from recipebook.train.kinds import check_kinds
from recipebook.train.refusal import refuse_unfit

# The sections of the recipe that stages with a kind read; a training reads all of it.
KIND_SECTIONS = {"model", "eval"}
# What counts by its content, wherever it lies.
BY_CONTENT: dict[str, Any] = {"model": {"adapter"}}
HASHES = ("rows", "base", "chat template", "adapter")


@dataclass(frozen=True)
class IdentifiedStage:
    """A stage, its dataset (None if an earlier stage makes the rows), its inputs and the hash of them."""

    stage: Stage
    dataset: Dataset | None
    inputs: dict[str, str]
    identity: str


def list_steps(stages: Sequence[Stage]) -> list[IdentifiedStage]:
    """Convert the rows that exist by now, and list the inputs of every stage."""
    steps: list[IdentifiedStage] = []
    for stage in stages:
        data = stage.recipe.data
        dataset = None if reads_made(data) else _prepare(stage)
        inputs = _list_inputs(stage, dataset, {step.stage.name: step.identity for step in steps})
        steps.append(IdentifiedStage(stage, dataset, inputs, provenance.digest_inputs(inputs)))
    return steps


def reads_made(data: Data) -> bool:
    """Whether some of the rows come from a stage."""
    return any(name is not None and name.startswith(MADE) for name in (data.source, data.validation, data.test))


def identify_all(steps: Sequence[IdentifiedStage]) -> str:
    """The identity of a run of all stages."""
    return digest(*(part for step in steps for part in (step.stage.name, step.identity)))


@contextmanager
def naming(stage: Stage) -> Iterator[None]:
    """Errors that are raised inside name the stage and its place."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{stage.place}: stage '{stage.name}': {error}") from error


def _prepare(stage: Stage) -> Dataset:
    with naming(stage):
        dataset = prepare(stage.recipe.data, system=stage.recipe.model.system)
    check_stage(stage, dataset)
    return dataset


def check_stage(stage: Stage, dataset: Dataset) -> None:
    """Refuse rows that a stage which trains cannot learn from, and a base without a chat template."""
    if stage.kind is None:
        with naming(stage):
            check_kinds(stage.recipe, dataset)
            require_template(stage.recipe)
            require_weights(stage.recipe)


def refuse_stage(stage: Stage, dataset: Dataset) -> None:
    """Refuse rows on which a stage that trains would fail."""
    if stage.kind is None:
        with naming(stage):
            refuse_unfit(stage.recipe, dataset)


def _list_inputs(stage: Stage, dataset: Dataset | None, earlier: Mapping[str, str]) -> dict[str, str]:
    rows = dataset.rows_digest if dataset else "made by " + ", ".join(stage.list_sources())
    inputs = identities.list_inputs(stage.recipe, rows)
    if stage.kind:
        kept = provenance.flatten(stage.recipe.model_dump(mode="json", include=KIND_SECTIONS, exclude=BY_CONTENT))
        known = {key: value for key, value in inputs.items() if key in HASHES or key.startswith("versions.")}
        options = provenance.flatten(stage.options, stage.kind)
        seed = {"training.seed": str(stage.recipe.training.seed)}
        inputs = known | kept | options | seed | {"kind": stage.kind, "code": _digest_code(stage)} | _list_files(stage)
    if dataset is None:
        inputs |= _list_data_inputs(stage.recipe.data)
    inputs |= {f"stage {name}": earlier[name] for name in stage.list_sources()}
    inputs |= {"start": f"{stage.start} {earlier.get(stage.start.stage or '', '')}".strip()}
    return provenance.drop_defaults(inputs)


def _digest_code(stage: Stage) -> str:
    return digest_kind(find(STAGE, str(stage.kind), stage.resolved.root))


def _list_files(stage: Stage) -> dict[str, str]:
    """The files that a kind's options name, or have by default, by their content."""
    root = stage.resolved.root
    options = load(STAGE, str(stage.kind), root).Options.model_validate(stage.options)
    names = list_texts(options.model_dump(mode="json"))
    return {f"file {name}": digest_file(locate(name, root)) for name in names if is_file(locate(name, root))}


def _list_data_inputs(data: Data) -> dict[str, str]:
    """The inputs of rows that do not exist yet: how they will be converted, and the files among their sources."""
    code = {} if data.converter == AUTO else {"code of the converter": find_converter(data.converter).hash_code()}
    files = [name for name in (data.source, data.validation, data.test) if name and not name.startswith(MADE)]
    sources = {f"source {name}": digest_inputs(find_inputs(name, PROJECT)) for name in files}
    return provenance.flatten(data.model_dump(mode="json"), "data") | code | sources
