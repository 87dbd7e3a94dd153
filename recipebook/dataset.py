"""The dataset step: sources to train, validation and test rows, in a cache folder named by all that shapes them.

In: a recipe's `data` section. Out: `<cache>/<key>/` with `train.jsonl`, `validation.jsonl`, `test.jsonl`, and
`account.json`, written last:

    {"rows": {"train": 1600, "validation": 200, "test": 200}, "rows_digest": "5d0c…", "sources":
     {"samples/robot.json": "9a41…"}, "account": {"records": 2000, "rows": 2000, "rejected": [], …}}

No prompt of test or validation is trained on: a record of train that has one is rejected, and counted.
"""

import json
import shutil
import tempfile
from array import array
from collections import Counter
from collections.abc import Container
from contextlib import ExitStack
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from recipebook.account import Account, Ledger, judge
from recipebook.conversion import Converted, Converter, Progress, convert_records, find_converter, read_options
from recipebook.errors import UserError
from recipebook.files import digest, digest_file, replacing, write_text
from recipebook.json_files import read
from recipebook.recipe import Data, Split
from recipebook.records import Record
from recipebook.rows import BadRecord, Row
from recipebook.split import PARTS, Part, choose_part, normalise

# Raised when the same sources and settings come to give other rows, so that no old folder is reused.
FORMAT = "1"
ACCOUNT = "account.json"
HELD_OUT: tuple[Part, ...] = ("validation", "test")


class Dataset(BaseModel):
    """Rows on disk, ready to train on, and how they came about."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: Path
    rows: dict[Part, int]
    rows_digest: str
    sources: dict[str, str]
    account: Account

    def path(self, part: Part) -> Path:
        """The JSONL file of one part; it may have no rows."""
        return _path(self.folder, part)


def prepare(data: Data, cache: Path, root: Path, progress: Progress | None = None) -> Dataset:
    """Build the dataset, or find it built; the recipe names its sources from `root`."""
    converter = find_converter(data.converter)
    options = read_options(converter, data.options)
    sources = {name: _digest_source(root / name, name) for name in _name_sources(data).values()}
    settings = data.model_dump_json(exclude={"options"}) + options.model_dump_json()
    folder = cache / digest(FORMAT, converter.code, settings, *sources.values())
    if found := _find(folder):
        return found
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=cache))
    try:
        rows, account = _write(data, root, converter, options, building, progress)
        built = Dataset(
            folder=building, rows=rows, rows_digest=_digest_rows(building), sources=sources, account=account
        )
        write_text(building / ACCOUNT, built.model_dump_json(indent=2, exclude={"folder"}) + "\n")
        return _publish(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


class _Written:
    """The rows of one part as written: their prompts' hashes, and the records they came from."""

    def __init__(self) -> None:
        self.prompts = array("q")
        self.numbers = array("q")
        self.lines = array("q")

    def add(self, each: Converted) -> None:
        for row in each.rows:
            self.prompts.append(_hash_prompt(row))
            self.numbers.append(each.record.number)
            self.lines.append(each.record.line)

    def without(self, numbers: Container[int]) -> "_Written":
        """The same, less the rows of some records."""
        kept = _Written()
        for prompt, number, line in zip(self.prompts, self.numbers, self.lines, strict=True):
            if number not in numbers:
                kept.prompts.append(prompt)
                kept.numbers.append(number)
                kept.lines.append(line)
        return kept


def _name_sources(data: Data) -> dict[Part, str]:
    named: dict[Part, str | None] = {"test": data.test, "validation": data.validation, "train": data.source}
    return {part: name for part, name in named.items() if name is not None}


def _digest_source(path: Path, name: str) -> str:
    try:
        return digest_file(path)
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error


def _path(folder: Path, part: Part) -> Path:
    return folder / f"{part}.jsonl"


def _digest_rows(folder: Path) -> str:
    return digest(*(digest_file(_path(folder, part)) for part in PARTS))


def _find(folder: Path) -> Dataset | None:
    try:
        told = json.loads((folder / ACCOUNT).read_bytes())
        found = Dataset(folder=folder, **told)
        return found if found.rows_digest == _digest_rows(folder) else None
    except (OSError, ValueError):
        return None


def _publish(building: Path, folder: Path) -> Dataset:
    try:
        building.rename(folder)
    except OSError:
        # Another process was first; only a damaged folder gives way.
        if not _find(folder):
            shutil.rmtree(folder)
            building.rename(folder)
    found = _find(folder)
    assert found, folder
    return found


def _write(
    data: Data, root: Path, converter: Converter, options: BaseModel, folder: Path, progress: Progress | None
) -> tuple[dict[Part, int], Account]:
    ledger = Ledger()
    written = {part: _Written() for part in PARTS}
    split = _share(data)
    with ExitStack() as stack:
        files = {part: stack.enter_context(replacing(_path(folder, part))) for part in PARTS}
        for part, name in _name_sources(data).items():
            records = read(root / name, name, ledger.notes)
            for each in convert_records(records, name, converter, options, ledger, progress):
                try:
                    chosen = _choose(each, split) if part == "train" else part
                except BadRecord as reason:
                    ledger.withdraw(name, each.record, len(each.rows), str(reason))
                    continue
                files[chosen].writelines(each.lines)
                written[chosen].add(each)
    _drop_overlap(data.source, written, _path(folder, "train"), ledger)
    account = ledger.close(
        overlap_test=_count_overlap(written["train"], written["test"]),
        overlap_validation=_count_overlap(written["train"], written["validation"]),
    )
    judge(account, data.rejects)
    rows = {part: len(written[part].numbers) for part in PARTS}
    _check_parts(data, rows, account)
    return rows, account


def _share(data: Data) -> Split:
    """The shares of the source; a part with a file of its own takes none."""
    own = {part: 0.0 for part in ("validation", "test") if part in _name_sources(data)}
    return data.split.model_copy(update=own)


def _choose(each: Converted, split: Split) -> Part:
    assert not isinstance(each.record.value, BadRecord)
    return choose_part(each.record.value, split)


def _hash_prompt(row: Row) -> int:
    messages = row["messages"]
    end = len(messages)
    if "chosen" not in row:
        answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
        end = answers[-1] if answers else end
    turns = ((turn["role"], normalise(turn["content"]), repr(turn.get("tool_calls"))) for turn in messages[:end])
    return hash(tuple(turns))


def _drop_overlap(name: str, written: dict[Part, _Written], path: Path, ledger: Ledger) -> None:
    """Take records out of train that have a prompt of test or validation, and reject them."""
    train, reasons = written["train"], dict[int, str]()
    for part in HELD_OUT:
        prompts = set(written[part].prompts)
        for number, prompt in zip(train.numbers, train.prompts, strict=True):
            if prompt in prompts:
                reasons[number] = f"its prompt is also in {part}"
    if not reasons:
        return
    rows, lines = Counter(train.numbers), dict(zip(train.numbers, train.lines, strict=True))
    for number in sorted(reasons):
        ledger.withdraw(name, Record(number, lines[number], {}), rows[number], reasons[number])
    with path.open("rb") as whole, replacing(path) as file:
        kept = zip(train.numbers, whole, strict=True)
        file.writelines(line for number, line in kept if number not in reasons)
    written["train"] = train.without(reasons)


def _count_overlap(train: _Written, other: _Written) -> int:
    prompts = set(other.prompts)
    return sum(prompt in prompts for prompt in train.prompts)


def _check_parts(data: Data, rows: dict[Part, int], account: Account) -> None:
    if not rows["train"]:
        raise UserError(f"{data.source}: train is empty: {account.records} records, {account.rejects} rejected")
    shares = {"validation": data.split.validation, "test": data.split.test}
    names = {"validation": data.validation, "test": data.test}
    for part in HELD_OUT:
        name = names[part]
        if name is not None and not rows[part]:
            raise UserError(f"{name}: {part} is empty: none of its records became a row")
        if name is None and shares[part] and not rows[part]:
            raise UserError(
                f"{data.source}: {part} is empty: none of {account.records} records fell to its share of "
                f"{shares[part]}; raise data.split.{part}, set it to 0, or name a file in data.{part}"
            )
