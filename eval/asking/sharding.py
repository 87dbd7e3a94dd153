"""Prompts shared out over GPUs: each of them answers a share with a model of its own, and the shares come together.

    with sharing(work, ("base", "tuned"), ["0", "1"]) as shares:
        answers = shares.ask("tuned", lambda prompts: ask_one(model, tokenizer, prompts, recipe, "tuned"))

This process answers the first share by the model that it has; a child for each further GPU loads the same weights and
answers both with them and with the base (`python -m eval.asking.sharding FOLDER`). Greedy answers are those of one GPU,
but where two tokens are about equally likely.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from eval.asking.answers import ModelAnswer
from eval.asking.layout import Layout
from eval.asking.one_model import ask_one, find_playing
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.hardware import name_gpus
from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.run.progress_file import last_error

POLL_SECONDS = 0.1
WORK, LOG = "work.pickle", "log.txt"
Ask = Callable[[list[Prompt]], list[ModelAnswer]]


@dataclass(frozen=True)
class SharedWork:
    """All that a child needs to answer."""

    weights: Path
    base: str
    revision: str | None
    layout: Layout
    tokenizer: Any
    recipe: Recipe
    prompts: list[Prompt]
    labels: tuple[str, ...] = ("base", "tuned")
    """What a child answers as."""


@dataclass
class Shares:
    """The prompts, and the children that answer theirs."""

    prompts: list[Prompt]
    labels: tuple[str, ...] = ()
    children: list[tuple[Path, "subprocess.Popen[bytes]"]] = field(default_factory=list)

    def ask(self, label: str, ask: Ask) -> list[ModelAnswer]:
        """The answers to all prompts in their order; `ask` answers this process's share."""
        if label not in self.labels or not self.children:
            return ask(self.prompts)
        count = len(self.children) + 1
        parts = [ask(self.prompts[::count]), *(_wait(folder, child, label) for folder, child in self.children)]
        answers: dict[int, ModelAnswer] = {}
        for place, part in enumerate(parts):
            answers |= dict(zip(range(place, len(self.prompts), count), part, strict=True))
        return [answers[at] for at in range(len(self.prompts))]


def choose_gpus(work: SharedWork, model: Any) -> list[str]:
    """The GPUs that get a share, as `CUDA_VISIBLE_DEVICES` names them: each has a whole batch to answer at least.

    One alone for a model that lies on several, for whole models, and where episodes are played.
    """
    alone = work.layout.spread or not hasattr(model, "disable_adapter") or find_playing(work.recipe)
    return name_gpus()[: 1 if alone else max(1, len(work.prompts) // work.recipe.eval.generation.batch_size)]


@contextmanager
def sharing(work: SharedWork, labels: tuple[str, ...], gpus: Sequence[str]) -> Iterator[Shares]:
    """Children on all GPUs but the first, which this process has, to answer as `labels`; they end with the block."""
    shares = Shares(work.prompts, labels)
    with tempfile.TemporaryDirectory(prefix="shares-") as top:
        try:
            for place, gpu in enumerate(gpus[1:], 1):
                folder = Path(top) / str(place)
                folder.mkdir()
                own = work.prompts[place :: len(gpus)]
                shares.children.append((folder, _start(folder, gpu, replace(work, prompts=own, labels=labels))))
            yield shares
        finally:
            for _, child in shares.children:
                child.kill()
                child.wait()


def _start(folder: Path, gpu: str, work: SharedWork) -> "subprocess.Popen[bytes]":
    (folder / WORK).write_bytes(pickle.dumps(work))
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": gpu}
    command = [sys.executable, "-m", "eval.asking.sharding", str(folder)]
    with (folder / LOG).open("wb") as log:
        return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _wait(folder: Path, child: "subprocess.Popen[bytes]", label: str) -> list[ModelAnswer]:
    """The child's answers under a label, once it has written them."""
    path = folder / f"{label}.json"
    while not path.is_file():
        if child.poll() is not None and not path.is_file():
            raise UserError(f"the answers of GPU {folder.name} are missing: {last_error(folder / LOG)}")
        time.sleep(POLL_SECONDS)
    return [ModelAnswer(**answer) for answer in json.loads(path.read_bytes())]


def answer_share(folder: Path) -> None:
    """Be a child: load the model, answer, and write each label's answers whole."""
    work: SharedWork = pickle.loads((folder / WORK).read_bytes())
    from eval.asking import generate

    model = generate.load_tuned(work.weights, work.base, work.revision, layout=work.layout).model
    for label in work.labels:
        if label == "base":
            with model.disable_adapter():
                answers = ask_one(model, work.tokenizer, work.prompts, work.recipe, label)
        else:
            # Last: merging leaves no base behind.
            answers = ask_one(
                generate.merge(model, work.recipe.eval.generation.adapter),
                work.tokenizer,
                work.prompts,
                work.recipe,
                label,
            )
        write_text(folder / f"{label}.json", json.dumps([asdict(one) for one in answers]))


if __name__ == "__main__":
    answer_share(Path(sys.argv[1]))
