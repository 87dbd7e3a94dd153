"""The trainings of one rehearsal: a small recipe in, the folder that its trainer left out.

Rehearsal(…).train("zero2", recipe)                     → .cache/.rehearsal.x7q2/zero2, with seen-0.txt, seen-1.txt
Rehearsal(…).resume(folder, "zero2-2", recipe)          the same from its first checkpoint, in a folder of its own
"""

import itertools
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from recipebook import project
from recipebook.data.dataset import Dataset
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.process import run_trainer
from recipebook.launch.ranks import FOLDER
from recipebook.launch.relaunch import rewrite_launch
from recipebook.launch.script import write_launch_files
from recipebook.libraries import prepare_libraries
from recipebook.locks import holding, lock_file
from recipebook.progress import ProgressLine
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.run.progress_file import last_error
from recipebook.train.opening import FRESH, write_files
from recipebook.train.rehearsal_recipe import STEPS, find_saved_step, shrink
from recipebook.train.rehearsed import Proof

SEEN = "trainer.seen_rows.SeenRows"
VALIDATED = 8


@dataclass(frozen=True)
class Rehearsal:
    """A recipe as it is to be launched, and its trainings here, on `ranks` processes or on one."""

    asked: Recipe
    label: str
    folder: Path
    dataset: Dataset
    ranks: int

    @cached_property
    def small(self) -> Recipe:
        """The small recipe, as data-parallel ranks train it."""
        return self.build("data-parallel", self.ranks)

    @property
    def saved(self) -> int:
        """The step of a training's first checkpoint."""
        return find_saved_step(self.small)

    def build(self, strategy: str, ranks: int) -> Recipe:
        """The small recipe of one training."""
        return shrink(self.asked, strategy, ranks, self.ranks)

    def train(self, name: str, recipe: Recipe) -> Path:
        """Train in a new folder of that name, on a few steps' rows and one more; raises where the trainer fails."""
        folder = self.folder / name
        folder.mkdir()
        write_files(folder, recipe, self.dataset, FRESH)
        self._cut_rows(folder)
        self._look_at_rows(folder / "axolotl.yaml")
        self._run(folder, recipe)
        return folder

    def resume(self, whole: Path, name: str, recipe: Recipe) -> Path:
        """Train on from a training's first checkpoint, as if it had been interrupted after that, in a new folder."""
        folder = self.folder / name
        shutil.copytree(whole, folder, symlinks=True)
        for path in folder.glob("model/*"):
            if path.name != f"checkpoint-{self.saved}":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for made in ("weights.json", "progress.json", "metrics.jsonl"):
            (folder / made).unlink()
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        rewrite_launch(folder, recipe)
        write_launch_files(folder, recipe, build_environment(recipe))
        self._run(folder, recipe)
        return folder

    def load(self, folder: Path) -> Proof:
        """Load what was trained as a user would."""
        where = project.locate(self.small.model.base) if self.small.lora else folder / "model"
        prepare_libraries(where)
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained(where)
        if self.small.lora is None:
            return Proof("loads", True, "the model loads")
        PeftModel.from_pretrained(base, folder / "model")
        return Proof("loads", True, "the adapter loads on its base")

    def _run(self, folder: Path, recipe: Recipe) -> None:
        line = ProgressLine("training")
        with holding(lock_file(folder / "run.lock")) as lock:
            try:
                code = run_trainer(build_command(recipe), build_environment(recipe), folder, lock, line.follow)
            finally:
                line.clear()
        if code or not (folder / "weights.json").is_file():
            kept = self.folder.parent / f"rehearsal-{folder.name}.log"
            shutil.copy(folder / "train.log", kept)
            raise UserError(
                f"{self.label}, {folder.name}: the trainer ended with status {code}: {last_error(kept)}; the whole "
                f"log: {kept}"
            )

    def _cut_rows(self, folder: Path) -> None:
        rows = divide_batch(self.small.training, self.ranks).records * STEPS + 1
        for part, count in (("train", rows), ("validation", VALIDATED)):
            path = folder / "data" / f"{part}.jsonl"
            if path.exists():
                with path.open(encoding="utf-8") as file:
                    lines = list(itertools.islice(file, count))
                path.unlink()
                path.write_text("".join(lines), encoding="utf-8")

    def _look_at_rows(self, path: Path) -> None:
        """Have the trainer note the rows that each rank sees; tokenised rows are the rehearsal's own."""
        settings = yaml.safe_load(path.read_bytes())
        if self.small.training.method != "grpo":
            settings["plugins"].append(SEEN)
        write_text(path, yaml.safe_dump({**settings, "dataset_prepared_path": "../prepared"}, sort_keys=False))
