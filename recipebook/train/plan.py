"""A recipe in; what is known of its training before it begins, printed.

The rows kept and dropped, how long they are in tokens, which tokens carry loss (as Axolotl itself masks them), the
steps, the resolved recipe, the rendered `axolotl.yaml`, the command, and whether a run of it is there already.
"""

import json
import math
import shlex
from pathlib import Path

import yaml

from recipebook import project
from recipebook.building import building
from recipebook.data.dataset import Dataset, prepare
from recipebook.data.default_metrics import choose_metrics, format_metrics
from recipebook.data.placebo import prepare_placebo
from recipebook.data.quality import inspect_rows
from recipebook.data.scorable import format_scorable, write_templated
from recipebook.data.strengths import format_strengths
from recipebook.errors import UserError
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.script import SCRIPT, needs_accelerate, render_script
from recipebook.project import shown
from recipebook.recipe.batches import count_repeats, divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.recipe.sharing import describe_sharing
from recipebook.run import identities, rundir
from recipebook.run.progress_file import HELD_OUT, LENGTHS, REFERENCES, TEMPLATED
from recipebook.terminal import print_field
from recipebook.train.base_weights import require_weights
from recipebook.train.cards import Target
from recipebook.train.chat_template import require_template
from recipebook.train.duration import Load, average_padded, format_duration
from recipebook.train.kinds import check_kinds
from recipebook.train.main_figure import check_main_figure
from recipebook.train.memory_words import format_memory
from recipebook.train.opening import dump_recipe, write_files
from recipebook.train.preview import Preview, Previewed, Unseen, previewing, print_preview
from recipebook.train.prompt_lengths import TokenCount, format_beyond, format_room, format_untrained
from recipebook.train.refusal import Candidate, find_refusal, keep_reason, refuse_idle_step
from recipebook.train.settle import Settled, TrainingDevice, find_device, settle
from recipebook.train.shapes import find_context, find_shape
from recipebook.train.steps import count_steps
from recipebook.train.words import format_packed, print_dataset


def plan_run(recipe: Recipe, target: Target) -> None:
    """Print the plan of one training, and whether a run of it is there already."""
    # First, since the table is needed most if no row reaches the threshold, which the next line refuses.
    for line in format_strengths(recipe.data):
        print(line)
    dataset = prepare(recipe.data, system=recipe.model.system)
    print_dataset(dataset)
    check_main_figure(recipe, dataset)
    if recipe.eval.placebo:
        print_field("placebo", prepare_placebo(dataset, recipe.training.seed).account.notes[-1])
    print_training(recipe, dataset, target)
    _print_outcome(identities.identify(recipe, dataset.rows_digest))


def print_training(recipe: Recipe, dataset: Dataset, target: Target) -> None:
    """Print what is known of a training before it begins: its rows, tokens and steps, its files and its command.

    Raises if the training could not begin, or would learn nothing.
    """
    check_kinds(recipe, dataset)
    refuse_idle_step(recipe, dataset)
    require_template(recipe)
    require_weights(recipe)
    held_out = dataset.path(recipe.eval.part)
    with building("plan", project.CACHE) as folder:
        write_files(folder, recipe, dataset)
        write_templated(held_out, folder / TEMPLATED)
        (folder / HELD_OUT).symlink_to(held_out.resolve())
        with previewing([Previewed(folder, recipe)]) as wait:
            # Meanwhile, on another core.
            _print_quality(dataset)
            (found,) = wait()
        _print_metrics(recipe, held_out, folder)
        _print_rows(found, Candidate(recipe, dataset))
        device = find_device(target.card if target.named else None)
        settled = settle(recipe, device)
        _print_steps(settled.recipe, dataset, device)
        if recipe.remote is None:
            _print_settings(settled, device)
            _print_memory(settled.recipe, found, target)
            _print_duration(settled.recipe, dataset, found, target)
        print(f"\n--- resolved recipe\n{dump_recipe(recipe)}")
        print(f"--- axolotl.yaml\n{(folder / 'axolotl.yaml').read_text(encoding='utf-8')}")
    print(f"--- command, in the run's folder\n{_format_command(recipe)}\n")


def _print_quality(dataset: Dataset) -> None:
    account = dataset.account
    for finding in inspect_rows(dataset.path("train"), dataset.path("test"), account.duplicates, account.leak):
        print(f"{finding.kind:<18}{finding.text}")


def _print_metrics(recipe: Recipe, held_out: Path, folder: Path) -> None:
    """Print how many references each metric can score, and how many prompts are too long, by what the preview wrote."""
    references, lengths = folder / REFERENCES, folder / LENGTHS
    if not recipe.eval.metrics:
        print_field("metrics", format_metrics(recipe.data, held_out))
    texts = json.loads(references.read_bytes()) if references.is_file() else []
    metrics = recipe.eval.metrics or choose_metrics(recipe.data, held_out)
    for line in format_scorable(metrics, held_out, recipe.eval.part, texts):
        print_field("metric", line)
    if lengths.is_file():
        counts = [TokenCount(*one) for one in json.loads(lengths.read_bytes())]
        evaluated = recipe.model_copy(update={"eval": recipe.eval.model_copy(update={"metrics": metrics})})
        room = format_room(counts, evaluated, find_context(recipe.model.base))
        for line in [*room, *format_untrained(counts, recipe.training.max_length)]:
            print_field("held out", line)


def _print_rows(found: Preview | Unseen, planned: Candidate) -> None:
    """Print what training makes of the rows; raises where it would fail on them. A service has its own tokenizer."""
    recipe = planned.recipe
    if not isinstance(found, Unseen):
        part = found["train"]
        print_preview(part, recipe)
        for line in format_beyond([*part.lengths, *part.others], recipe.training, find_context(recipe.model.base)):
            print_field("", line)
    elif recipe.remote:
        print_field("tokens", f"cannot be shown: {found.text}")
    if recipe.remote:
        return
    reason = find_refusal(found, recipe)
    if not isinstance(found, Unseen):
        keep_reason(planned, reason)
    if reason:
        raise UserError(reason)


def _print_steps(recipe: Recipe, dataset: Dataset, device: TrainingDevice) -> None:
    training, launched = recipe.training, recipe.launch
    batch = divide_batch(training, launched.ranks)
    how = f"{batch.records} records a step: {batch.rows} x {batch.times} x {batch.processes} processes"
    if launched.ranks > 1 or launched.strategy != "data-parallel":
        print_field("strategy", describe_sharing(launched.strategy, launched.ranks, launched.offload))
    if training.packing is True:
        print_field("steps", f"packed rows of {training.max_length} tokens, {how}; their number is known once packed")
        print_field("packed", format_packed(gpu=device.gpu, bf16=device.bf16))
        return
    epoch = math.ceil(dataset.rows["train"] / batch.records)
    print_field("steps", f"{count_steps(recipe, dataset.rows['train'])}: {epoch} an epoch, {how} ({launched.strategy})")
    if repeats := 0 if training.method == "grpo" else count_repeats(dataset.rows["train"], batch):
        taken = f"the {batch.rows * batch.processes} that {batch.processes} processes take at a time"
        print_field("", f"{dataset.rows['train']} rows do not divide by {taken}: {repeats} come twice an epoch")


def _print_settings(settled: Settled, device: TrainingDevice) -> None:
    """Print what decides speed and memory on a GPU, each with its key and reason."""
    if not device.gpu:
        return
    lines = [f"{key}: {yaml.safe_dump(value).partition(chr(10))[0]} ({why})" for key, value, why in settled.reasons]
    for at, line in enumerate(lines):
        print_field("" if at else "settings", line)
    if settled.recipe.training.packing == "records":
        print_field("packed", format_packed(gpu=device.gpu, bf16=device.bf16))


def _print_memory(recipe: Recipe, found: Preview | Unseen, target: Target) -> None:
    """Print what each GPU will hold, where the base's shape is known."""
    shape = find_shape(recipe.model.base)
    if target.card and shape:
        lengths = () if isinstance(found, Unseen) or recipe.training.packing is True else found["train"].lengths
        print_field("memory", format_memory(recipe, shape, target.card.memory_gib, max(lengths, default=None)))


def _print_duration(recipe: Recipe, dataset: Dataset, found: Preview | Unseen, target: Target) -> None:
    """Print how long it will take, where the rows' lengths are known."""
    # How long an agent's episodes are is up to the agent.
    if isinstance(found, Unseen) or not found["train"].lengths or recipe.training.method == "grpo":
        return
    batch, rows = divide_batch(recipe.training, recipe.launch.ranks), dataset.rows["train"]
    by_length = recipe.training.packing is True
    records = rows * recipe.training.epochs if by_length else count_steps(recipe, rows) * batch.records
    size = dataset.path("train").stat().st_size / rows
    load = Load(records, average_padded(found["train"].lengths, recipe, batch.rows), size)
    print_field("time", format_duration(recipe, load, find_shape(recipe.model.base), target))


def _format_command(recipe: Recipe) -> str:
    """The command of a training: a line for one process, else the script that starts all of them."""
    environment = build_environment(recipe)
    if recipe.remote is None and needs_accelerate(recipe):
        return f"{shlex.join(build_command(recipe))}\n\n--- {SCRIPT}\n{render_script(recipe, environment)}"
    settings = [f"{key}={shlex.quote(value)}" for key, value in environment.items() if key != "PATH"]
    return " \\\n  ".join([*settings, shlex.join(build_command(recipe))])


def _print_outcome(identity: str) -> None:
    run = rundir.find_same(identity)
    if run is None:
        print_field("train", "would start a new run")
    elif run.read().status == "trained":
        print_field("train", f"would do nothing: {shown(run.folder)} is trained already")
    else:
        print_field("train", f"would resume {shown(run.folder)} ({run.read().status})")
