"""The dataset step: sources to train, validation and test rows, in a cache folder named by all that shapes them.

In: a recipe's `data` section. Out: `<cache>/<key>/` with `train.jsonl`, `validation.jsonl`, `test.jsonl`, `units.json`
(recipebook/data/units.py) and `account.json`, written last:

    {"rows": {"train": 1600, "validation": 200, "test": 200}, "rows_digest": "5d0c…", "sources":
     {"samples/robot.json": "9a41…"}, "account": {"records": 2000, "rows": 2000, "rejected": [], …}}

Nothing of test or validation is trained on: a record of train that shares its prompt, or whatever else is a leak for
its converter, is taken out, and counted.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, Field

from recipebook.building import building
from recipebook.data.account import Account, Ledger, judge
from recipebook.data.conversion import Converted, convert_records, draw_reading, read_inputs
from recipebook.data.converter import Converter, choose_converter
from recipebook.data.overlap import Written, count_overlap, drop_overlap
from recipebook.data.parts import check_parts, name_sources, names_share
from recipebook.data.sampling import keep_rows, repeat_rows
from recipebook.data.split import PARTS, Part, choose_part
from recipebook.data.split_file import SplitFile
from recipebook.data.system_turns import System, SystemTurns
from recipebook.data.units import Units
from recipebook.errors import UserError
from recipebook.files import digest, digest_file, replacing, write_text
from recipebook.frozen import Frozen
from recipebook.options import check_options
from recipebook.progress import ProgressLine
from recipebook.project import CACHE, PROJECT, locate
from recipebook.recipe.data_keys import Data, Split
from recipebook.rows import BadRecord, Kind, LeftOut, find_kind
from recipebook.sources.inputs import Input, digest_inputs, find_inputs, make_input, note_deeper
from recipebook.sources.shards import find_shard

# Raised when the same sources and settings come to give other rows, so that no old folder is reused.
FORMAT = "1"
ACCOUNT = "account.json"
ROWS = CACHE / "data"


class Dataset(Frozen):
    """Rows on disk, ready to train on, and how they came about."""

    folder: Path
    rows: dict[Part, int]
    rows_digest: str
    sources: dict[str, str]
    account: Account
    kinds: dict[Kind, int] = Field(default_factory=dict)
    """How many rows are chats, pairs or answers with a label, before any were left out or repeated."""

    def path(self, part: Part) -> Path:
        """The JSONL file of one part; it may have no rows."""
        return _path(self.folder, part)


def prepare(
    data: Data,
    cache: Path = ROWS,
    root: Path = PROJECT,
    made: Mapping[str, Path] = MappingProxyType({}),
    system: System = "keep",
) -> Dataset:
    """Build the dataset in `cache`, or reuse it; the recipe names its sources from `root`.

    `made` has the file for each source that earlier stages made, such as `stage:pairs`. `system` is the recipe's
    `model.system`: what becomes of system turns.
    """
    inputs = find_all_inputs(data, cache, root, made)
    named = name_sources(data)
    ledger = Ledger()
    for part, name in named.items():
        ledger.notes |= note_deeper(name, inputs[part])
    converter = choose_converter(data.converter, data.source, inputs["train"], ledger.notes, data.options, data.rejects)
    options = check_options(converter.options, data.options, f"converter {converter.name}")
    sources = {name: digest_inputs(inputs[part]) for part, name in named.items()}
    split = _open_split(data, root)
    if isinstance(split, SplitFile):
        sources[split.name], ledger.notes["split"] = split.digest, split.note()
    turns = None if system == "keep" else SystemTurns(system)
    key = _name_folder(data, converter, options, sources, turns)
    if found := find_built(cache / key):
        return found
    if turns:
        converter = converter._replace(convert=turns.after(converter.convert))
    with building(key, cache) as place:
        written = _WrittenRows(data, converter, place)
        _write(inputs, split, converter, options, written, ledger)
        rows, account = _close(data, split, written, ledger)
        if turns:
            account = account.model_copy(update={"notes": (*account.notes, turns.note())})
        digested, kinds = digest_rows(place), dict(written.kinds)
        built = Dataset(folder=place, rows=rows, rows_digest=digested, sources=sources, account=account, kinds=kinds)
        write_text(place / ACCOUNT, built.model_dump_json(indent=2, exclude={"folder"}) + "\n")
        return publish(place, cache / key)


def _name_folder(
    data: Data, converter: Converter, options: BaseModel, sources: Mapping[str, str], turns: SystemTurns | None
) -> str:
    """The name of the dataset's folder: the hash of all that its rows follow from."""
    # Keys at their default are left out, so that a new key in this module leaves the names of folders as they are.
    settings = data.model_dump_json(exclude={"options"}, exclude_defaults=True)
    settings += options.model_dump_json(exclude_defaults=True)
    settings += turns.note() if turns else ""
    return digest(FORMAT, converter.hash_code(), settings, *sources.values())


def find_all_inputs(
    data: Data, cache: Path = ROWS, root: Path = PROJECT, made: Mapping[str, Path] = MappingProxyType({})
) -> dict[Part, list[Input]]:
    """The files of each part that has a source of its own."""
    return {
        part: [make_input(made[name], name)] if name in made else _find_inputs(name, data.where, root, cache)
        for part, name in name_sources(data).items()
    }


def _find_inputs(name: str, where: dict[str, str | int], root: Path, cache: Path) -> list[Input]:
    return [find_shard(name, where, root, cache.parent / "shards")] if where else find_inputs(name, root)


def _path(folder: Path, part: Part) -> Path:
    return folder / f"{part}.jsonl"


def digest_rows(folder: Path) -> str:
    """The hash of all parts."""
    return digest(*(digest_file(_path(folder, part)) for part in PARTS))


def find_built(folder: Path) -> Dataset | None:
    """The dataset in a folder; None where it is not there, or damaged."""
    try:
        recorded = json.loads((folder / ACCOUNT).read_bytes())
        found = Dataset(folder=folder, **recorded)
        return found if found.rows_digest == digest_rows(folder) else None
    except (OSError, ValueError):
        return None


def publish(built: Path, folder: Path) -> Dataset:
    """Give a dataset that is whole its place."""
    try:
        built.rename(folder)
    except OSError:
        # Another process was first; only a damaged folder gives way.
        if not find_built(folder):
            shutil.rmtree(folder)
            built.rename(folder)
    found = find_built(folder)
    assert found, folder
    return found


class _WrittenRows:
    """What of a dataset is written so far: the rows of each part, and where each source's records begin."""

    def __init__(self, data: Data, converter: Converter, folder: Path) -> None:
        self.folder, self.leak = folder, converter.leak
        self.parts = {part: Written(converter.leak) for part in PARTS}
        self.units = Units(data.split)
        self.kinds = Counter[Kind]()
        self.begun: list[tuple[int, str]] = []

    def add(self, part: Part, converted: Converted, before: int) -> None:
        """Count the rows of a record of a source that `before` records precede."""
        self.parts[part].add(converted, before)
        self.units.add(part, converted)
        for row in converted.rows:
            self.kinds[find_kind(row)] += 1


def _write(
    inputs: dict[Part, list[Input]],
    split: Split | SplitFile,
    converter: Converter,
    options: BaseModel,
    written: _WrittenRows,
    ledger: Ledger,
) -> None:
    """Write the rows of all sources, each to the file of its part."""
    line, join = ProgressLine("convert"), converter.choose_join(options)
    show = partial(draw_reading, line, [source for sources in inputs.values() for source in sources], ledger)
    in_turn = (
        (part, source.name, records)
        for part, sources in inputs.items()
        for source, records in read_inputs(sources, ledger.notes, join)
    )
    with ExitStack() as stack:
        stack.callback(line.clear)
        files = {part: stack.enter_context(replacing(_path(written.folder, part))) for part in PARTS}
        for part, name, records in in_turn:
            before = ledger.records
            written.begun.append((before, name))
            followed = split.follow(records, name, before) if isinstance(split, SplitFile) else records
            for each in convert_records(followed, name, converter, options, ledger, show):
                chosen = _choose(each, split, before, name, ledger) if part == "train" else part
                if chosen:
                    files[chosen].writelines(each.lines)
                    written.add(chosen, each, before)


def _close(
    data: Data, split: Split | SplitFile, written: _WrittenRows, ledger: Ledger
) -> tuple[dict[Part, int], Account]:
    """Take leaks out of train, and sum up: each part's number of rows, and the account; raises where one has none."""
    parts, train = written.parts, _path(written.folder, "train")
    written.units.write(written.folder)
    drop_overlap(written.begun, parts, train, ledger, own=set(name_sources(data)))
    if data.where and names_share(data, "test") and not parts["test"].numbers:
        # One persona of two hundred may have too few records; that must not keep the others from being trained.
        ledger.notes["test"] = f"test is empty: no record of {ledger.records} fell to its share of {data.split.test}"
    account = ledger.close(
        overlap_test=count_overlap(parts["train"], parts["test"]),
        overlap_validation=count_overlap(parts["train"], parts["validation"]),
        leak=written.leak,
    )
    judge(account, data.rejects, "data.rejects")
    if isinstance(split, SplitFile):
        split.check()
    rows = {part: len(parts[part].numbers) for part in PARTS}
    check_parts(data, rows, account)
    notes = _sample(data, written.folder, rows)
    return rows, account.model_copy(update={"notes": (*account.notes, *notes)})


def _sample(data: Data, folder: Path, rows: dict[Part, int]) -> list[str]:
    """Keep the chosen kinds, repeat rows by their weights, and update `rows`; returns a line for each change."""
    notes = []
    if data.only:
        rows["train"], note = keep_rows(_path(folder, "train"), data.only)
        rows["validation"], _ = keep_rows(_path(folder, "validation"), data.only)
        notes.append(note)
    if data.weights:
        rows["train"], note = repeat_rows(_path(folder, "train"), data.weights, data.split.seed)
        notes.append(note)
    return notes


def _open_split(data: Data, root: Path) -> Split | SplitFile:
    """The shares of the source (0 for a part that has its own source), or the file that lists the parts."""
    if data.split.file is not None:
        for part, name in (("validation", data.validation), ("test", data.test)):
            if name is not None:
                raise UserError(f"{data.split.file}: lists {part}, so data.{part} cannot name {name} as well")
        return SplitFile(locate(data.split.file, root), data.split.file, data.split.by[0])
    own = {part: 0.0 for part in ("validation", "test") if part in name_sources(data)}
    return data.split.model_copy(update=own)


def _choose(each: Converted, split: Split | SplitFile, before: int, name: str, ledger: Ledger) -> Part | None:
    """The part of a record; None if it belongs to no part, which the ledger then counts."""
    try:
        if isinstance(split, SplitFile):
            return split.choose(before + each.record.number)
        assert not isinstance(each.record.value, BadRecord)
        return choose_part(each.record.value, split)
    except LeftOut as reason:
        ledger.set_aside(name, each.record, len(each.rows), str(reason))
    except BadRecord as reason:
        ledger.withdraw(name, each.record, len(each.rows), str(reason))
    return None
