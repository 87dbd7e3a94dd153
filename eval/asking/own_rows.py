"""A file of the user's own in; its rows, converted as the run's recipe converts, and what of them was trained on, out.

    make eval RUN=robot-lora DATA=more.json

All records of the file are evaluated. A row that shares with the run's train rows what its converter calls a leak, the
prompt as a rule, is counted and stays: whoever names a file may want just these rows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.scoring.evaluated_rows import OwnFile
from recipebook.data.dataset import prepare
from recipebook.data.split import HASHES, Leak
from recipebook.files import digest_file
from recipebook.recipe.data_keys import Data, Split
from recipebook.recipe.keys import Recipe
from recipebook.run.rundir import Run


@dataclass(frozen=True)
class OwnRows:
    """The rows of a source, what the summary says of it, and the notes of its conversion."""

    path: Path
    file: OwnFile
    notes: tuple[str, ...]

    @property
    def folder(self) -> str:
        """`data-more-9f1c22aa`: where the evaluation of just these rows goes, below the run's `eval/`."""
        stem = "".join(letter if letter.isalnum() else "_" for letter in Path(self.file.name).stem)
        return f"data-{stem[:40]}-{digest_file(self.path)[:8]}"


def convert_own(run: Run, recipe: Recipe, name: str) -> OwnRows:
    """Convert all records of a source; refuse what `make convert` would with the recipe's `data.rejects`."""
    data = recipe.data
    whole = Data(
        source=name,
        converter=data.converter,
        options=data.options,
        rejects=data.rejects,
        split=Split(validation=0.0, test=0.0),
    )
    dataset = prepare(whole, system=recipe.model.system)
    path = dataset.path("train")
    seen = _count_seen(run, path, dataset.account.leak)
    return OwnRows(path, OwnFile(name=name, seen=seen), dataset.account.notes)


def _count_seen(run: Run, rows: Path, leak: Leak) -> int | None:
    """The rows that share with a train row of the run what may not be shared."""
    train = run.folder / "data" / "train.jsonl"
    if not train.is_file():
        return None
    trained = set(_hash_rows(train, leak))
    return sum(hashed in trained for hashed in _hash_rows(rows, leak))


def _hash_rows(path: Path, leak: Leak) -> Iterator[int]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield HASHES[leak](json.loads(line))
