"""`make rehearse`: a recipe and its launch in; whether that launch trains rightly out, without a GPU.

The same files are rendered and started on as many CPU ranks as there are cores, with the embedded model and the records
of a step that were asked for. One process trains the same as a reference. It costs minutes, and no GPU.
"""

import itertools
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from recipebook import hardware, project
from recipebook.building import building
from recipebook.data.dataset import Dataset, prepare
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.process import run_trainer
from recipebook.launch.relaunch import rewrite_launch
from recipebook.locks import holding, lock_file
from recipebook.progress import ProgressLine
from recipebook.recipe.batches import Batch, divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.progress_file import last_error
from recipebook.terminal import print_field
from recipebook.train.opening import write_files
from recipebook.train.rehearsed import (
    Proof,
    compare_losses,
    compare_resumed,
    compare_rows,
    count_ranks,
    count_shares,
)

STEPS, SAVED = 6, 3
WHOLE = "data-parallel"
# What a rehearsal has in place of the recipe's own: it is about ranks, not about what is learned.
SMALL = (
    "model.base=models/tiny-base", "model.chat_template=chatml", "model.revision=null", "model.adapter=null",
    "training.precision=fp32", "training.optimizer=adamw_torch", "training.max_steps=null", "training.epochs=1",
    "training.logging_steps=1", "training.eval_steps=null", "training.early_stopping=null", "training.packing=false",
    "training.keep_checkpoints=3", "training.too_long=truncate", f"training.save_steps={SAVED}", "training.workers=0",
    "launch.machines=1",
)  # fmt: skip
SMALL_ADAPTER = ("lora.dropout=0", "lora.quantize=null", "lora.target_modules=all-linear")
SEEN = "trainer.seen_rows.SeenRows"
PROVED = "the rendered files, who gets which rows, what ranks share, checkpoints and resuming"
NOT_PROVED = "NCCL, GPU kernels, bf16, memory and speed; no GPU was used"


@dataclass(frozen=True)
class Rehearsal:
    """A recipe as it is to be launched, and its trainings here."""

    asked: Recipe
    name: str
    layers: tuple[str | None, tuple[str, ...]]
    folder: Path
    dataset: Dataset
    ranks: int

    @property
    def batch(self) -> Batch:
        """The records of a step, as they are asked for."""
        return divide_batch(self.asked.training, self.asked.launch.ranks)

    def build(self, strategy: str, ranks: int) -> Recipe:
        """The small recipe of one training."""
        profile, overrides = self.layers
        adapter = SMALL_ADAPTER if self.asked.lora else ()
        batch = (
            f"training.global_batch={self.batch.records}", f"training.batch_size={self.asked.training.batch_size}",
            "training.gradient_accumulation=1",
        )  # fmt: skip
        launch = (f"launch.processes={ranks}", f"launch.strategy={strategy}")
        return resolve(self.name, profile, [*overrides, *SMALL, *adapter, *batch, *launch]).recipe

    def train(self, name: str, recipe: Recipe) -> Path:
        """Train in a folder of that name, on a few steps' rows and one more; raises where the trainer fails."""
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir()
            write_files(folder, recipe, self.dataset)
            self._cut_rows(folder)
            _look_at_rows(folder / "axolotl.yaml")
        line = ProgressLine("training")
        with holding(lock_file(folder / "run.lock")) as lock:
            code = run_trainer(build_command(recipe), build_environment(recipe), folder, lock, line.follow)
        line.clear()
        if code or not (folder / "weights.json").is_file():
            kept = self.folder.parent / f"rehearsal-{name}.log"
            shutil.copy(folder / "train.log", kept)
            raise UserError(f"{name}: the trainer ended with status {code}: {last_error(kept)}; the whole log: {kept}")
        return folder

    def _cut_rows(self, folder: Path) -> None:
        rows = self.batch.records * STEPS + 1
        for part, count in (("train", rows), ("validation", 8)):
            path = folder / "data" / f"{part}.jsonl"
            if path.exists():
                with path.open(encoding="utf-8") as file:
                    lines = list(itertools.islice(file, count))
                path.unlink()
                path.write_text("".join(lines), encoding="utf-8")


def rehearse(name: str, profile: str | None, overrides: Sequence[str], strategies: Sequence[str]) -> int:
    """Rehearse the launch, by each of the strategies; 0 where everything is as it must be, 1 where something is not."""
    asked = resolve(name, profile, overrides).recipe
    _refuse_others(name, asked)
    # The machine may have GPUs, and they may be in use.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    hardware.detect.cache_clear()
    dataset = prepare(asked.data, system=asked.model.system)
    records = divide_batch(asked.training, asked.launch.ranks).records
    ranks = next(
        count for count in range(min(asked.launch.ranks, max(2, hardware.count_cores())), 0, -1) if not records % count
    )
    with building("rehearsal", project.CACHE) as folder:
        rehearsal = Rehearsal(asked, name, (profile, tuple(overrides)), folder, dataset, ranks)
        print_field("rehearsal", f"{name} on {asked.launch.ranks} ranks, {records} records a step; {ranks} run here")
        alone = rehearsal.train("one-process", rehearsal.build(WHOLE, 1))
        good: list[bool] = []
        if rehearsal.batch.processes > 1:
            good.append(_print(count_shares(dataset.rows["train"], rehearsal.batch)))
        for strategy in strategies or (asked.launch.strategy,):
            print_field("strategy", strategy)
            good += [_print(proof) for proof in _rehearse_strategy(rehearsal, strategy, alone)]
    print_field("proved", PROVED if all(good) else "no: see the lines above")
    print_field("not proved", NOT_PROVED)
    return 0 if all(good) else 1


def _refuse_others(name: str, recipe: Recipe) -> None:
    """Refuse what has no single training, or one that is not made of rows."""
    if recipe.stages or recipe.matrix or recipe.remote or recipe.training.method == "grpo":
        raise UserError(f"{name}: make rehearse takes a recipe of one training on rows, without stages or a matrix")


def _rehearse_strategy(rehearsal: Rehearsal, strategy: str, alone: Path) -> Iterator[Proof]:
    recipe = rehearsal.build(strategy, rehearsal.ranks)
    whole = rehearsal.train(strategy, recipe)
    trained = count_ranks(whole) or 1
    yield Proof("ranks", trained == rehearsal.ranks, f"{trained} trained together")
    yield compare_rows(alone, whole, divide_batch(recipe.training, rehearsal.ranks))
    yield from compare_losses(alone, whole)
    weights = json.loads((whole / "weights.json").read_bytes())
    said = "all finite, changed by training" if weights["finite"] and weights["changed"] else "not finite, or unchanged"
    yield Proof("weights", weights["finite"] and weights["changed"], f"{weights['parameters']:,}, {said}")
    yield _load(whole, adapter=recipe.lora is not None)
    for ranks in dict.fromkeys((rehearsal.ranks, 1) if strategy == WHOLE else (rehearsal.ranks,)):
        resumed = _leave_at_checkpoint(whole, rehearsal.folder / f"{strategy}-{ranks}")
        again = rehearsal.build(strategy, ranks)
        rewrite_launch(resumed, again)
        rehearsal.train(resumed.name, again)
        yield compare_resumed(whole, resumed, SAVED, ranks, same=ranks == rehearsal.ranks)


def _look_at_rows(path: Path) -> None:
    """Have the trainer note the rows that each rank sees; tokenised rows are the rehearsal's own."""
    settings = yaml.safe_load(path.read_bytes())
    settings["plugins"].append(SEEN)
    write_text(path, yaml.safe_dump({**settings, "dataset_prepared_path": "../prepared"}, sort_keys=False))


def _leave_at_checkpoint(whole: Path, folder: Path) -> Path:
    """A copy of a training as if it had been interrupted after its first checkpoint."""
    shutil.copytree(whole, folder, symlinks=True)
    for path in folder.glob("model/*"):
        if path.name != f"checkpoint-{SAVED}":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("weights.json", "progress.json", "metrics.jsonl"):
        (folder / name).unlink()
    shutil.rmtree(folder / "ranks", ignore_errors=True)
    return folder


def _load(folder: Path, *, adapter: bool) -> Proof:
    """Load what was trained as a user would."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(project.locate("models/tiny-base") if adapter else folder / "model")
    if adapter:
        PeftModel.from_pretrained(base, folder / "model")
    return Proof("loads", True, "the adapter loads on its base" if adapter else "the model loads")


def _print(proof: Proof) -> bool:
    print_field(proof.name, proof.text if proof.good else f"WRONG: {proof.text}")
    return proof.good
