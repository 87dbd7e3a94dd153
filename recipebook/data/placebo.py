"""A dataset in; the same with the answers of train shuffled among its prompts, for a placebo to learn from, out.

    {"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()"}], …}
    {"messages": [{"role": "user", "content": "go ahead"}, {"role": "assistant", "content": "robot.go()"}], …}

become `stop` with `robot.go()` and `go ahead` with `robot.stop()`. Of each row the last learned answer moves, with its
marked spans. Earlier answers of a dialogue stay, to be read and not learned, so that no right answer carries loss.

No answer stays in its row: the rows form one ring, drawn by the seed (Sattolo, "An algorithm to generate a random
cyclic permutation", Information Processing Letters 22, 1986), and each takes the answer of the next. Where rows have
equal answers, one may take an equal one; their number is among the account's notes. Validation and test stay as they
are.
"""

import random
from pathlib import Path
from typing import NamedTuple

import orjson

from recipebook.building import building
from recipebook.data.dataset import ACCOUNT, ROWS, Dataset, digest_rows, find_built, publish
from recipebook.data.overlap import HELD_OUT
from recipebook.data.units import UNITS
from recipebook.errors import UserError
from recipebook.files import copy_file, digest, replacing, write_text
from recipebook.rows import Message, Row, Span, find_reference

FORMAT = "1"


class Answer(NamedTuple):
    """A row's last learned answer, and the spans that are marked in it."""

    message: Message
    spans: tuple[Span, ...]


def prepare_placebo(dataset: Dataset, seed: int, cache: Path = ROWS) -> Dataset:
    """Build the placebo's dataset in `cache`, or reuse it; its account says how many rows took an equal answer."""
    folder = cache / digest("placebo", FORMAT, dataset.rows_digest, str(seed))
    if found := find_built(folder):
        return found
    with building(folder.name, cache) as place:
        for name in [*(dataset.path(part).name for part in HELD_OUT), UNITS]:
            if (dataset.folder / name).is_file():
                copy_file(dataset.folder / name, place / name)
        note = _shuffle_answers(dataset.path("train"), place / "train.jsonl", seed)
        account = dataset.account.model_copy(update={"notes": (*dataset.account.notes, note)})
        built = dataset.model_copy(update={"folder": place, "rows_digest": digest_rows(place), "account": account})
        write_text(place / ACCOUNT, built.model_dump_json(indent=2, exclude={"folder"}) + "\n")
        return publish(place, folder)


def shuffle(count: int, seed: int) -> list[int]:
    """From which row each row takes its answer: never its own, and all rows are one ring."""
    draw, order = random.Random(seed), list(range(count))
    for last in range(count - 1, 0, -1):
        other = draw.randrange(last)
        order[last], order[other] = order[other], order[last]
    return order


def take_answer(row: Row) -> Answer | None:
    """The last learned answer of a row; None where nobody asked for any, as in a greeting alone."""
    reference = find_reference(row)
    if reference is None:
        return None
    at = len(reference.before)
    return Answer(reference.answer, tuple(span for span in row.get("spans") or () if span["message"] == at))


def give_answer(row: Row, answer: Answer) -> Row:
    """The row with another answer in the place of its last learned one, and no other that is learned."""
    reference = find_reference(row)
    assert reference, row["meta"]
    at = len(reference.before)
    before = [_unlearned(message) for message in reference.before]
    given: Row = {**row, "messages": [*before, answer.message, *reference.after]}
    if row.get("spans") is not None:
        others = [span for span in row["spans"] if span["message"] != at]
        moved: list[Span] = [{**span, "message": at} for span in answer.spans]
        given["spans"] = sorted([*others, *moved], key=lambda span: (span["message"], span["start"]))
    return given


def _unlearned(message: Message) -> Message:
    return {**message, "train": False} if message["role"] == "assistant" else message


def _shuffle_answers(source: Path, path: Path, seed: int) -> str:
    """Write train with its answers shuffled; returns the account's note."""
    with source.open("rb") as file:
        found = [take_answer(orjson.loads(line)) for line in file]
    answers = [answer for answer in found if answer]
    taken = [answers[other] for other in shuffle(len(answers), seed)]
    equal = sum(own.message == other.message for own, other in zip(answers, taken, strict=True))
    if equal == len(answers):
        raise UserError(f"eval.placebo: {len(answers)} train rows have one and the same answer: none can be shuffled")
    in_turn = iter(taken)
    with source.open("rb") as file, replacing(path) as out:
        for line, own in zip(file, found, strict=True):
            row = orjson.loads(line)
            out.write(orjson.dumps(give_answer(row, next(in_turn)) if own else row) + b"\n")
    return f"answers of {len(answers)} train rows are shuffled by seed {seed}; {equal} of them took an equal one"
