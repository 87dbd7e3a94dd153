"""Held-out rows to prompts: everything before an assistant turn, and that turn as the reference answer.

    {"id": "samples/robot.json#12", "messages": [{"role": "user", "content": "stop"}],
     "answer": {"role": "assistant", "content": "robot.stop()"}, "meta": {"category": "safety"}}

`turns` chooses the assistant turns of a dialogue that are evaluated: `last`, `all`, or `skip_first_2`, all but the
first two. Each prompt has the dialogue's own turns before it. A pair is one prompt with a chosen and a rejected answer;
an answer with a label is one prompt, whose `meta.label` is `good` or `bad`.
A turn with `"train": false` is never asked for, and stands in the prompts of those behind it.

A limit draws whole records by a hash of their origin: the same ones each time, whatever the order of the file, and none
because it comes first in sorted data. A smaller limit draws some of those that a larger one draws.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from recipebook.data.export import check_row
from recipebook.errors import UserError, on_one_line
from recipebook.files import digest
from recipebook.project import shown
from recipebook.records import name_kind
from recipebook.rows import BadRecord, Message, join_meta


@dataclass(frozen=True)
class Prompt:
    """A prompt with its reference answer, and for a pair the rejected answer."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    answer: Message
    rejected: Message | None
    meta: dict[str, Any]
    labelled: bool = False
    """Whether the answer is known to be good or bad, as `meta.label` says."""
    after: tuple[Message, ...] = ()
    """The rest of the dialogue: a chat template may write a turn in another way where others follow."""
    original: "Prompt | None" = None
    """The row's own prompt, of one among several for its answers (eval/asking/several_answers.py)."""

    @property
    def preference(self) -> bool:
        """Whether its row is a preference, of which training writes the prompt and each answer apart."""
        return self.rejected is not None or self.labelled

    @property
    def text(self) -> str:
        """The content of the last message."""
        return self.messages[-1]["content"]

    @property
    def own(self) -> "Prompt":
        """The row's own prompt, whichever answer to it this is for."""
        return self.original or self


@dataclass(frozen=True)
class DrawnPrompts:
    """Prompts of the rows that a limit leaves: `rows` of them, of the `of` rows in the file.

    `records` is the hash of the names of all records in the file, whatever became of them in conversion.
    """

    prompts: list[Prompt]
    rows: int
    of: int
    records: str


def read_prompts(rows: Path, turns: str = "last") -> list[Prompt]:
    """The prompts of all rows in the file."""
    return draw_prompts(rows, None, turns).prompts


def draw_prompts(rows: Path, limit: int | None, turns: str = "last") -> DrawnPrompts:
    """The prompts of at most `limit` rows, in the file's order; a row made from a record's nth row is `origin/n`."""
    sizes = Counter(row["meta"]["origin"] for row in _read(rows))
    drawn = sizes if limit is None else draw_records(sizes, limit)
    prompts: list[Prompt] = []
    counts: Counter[str] = Counter()
    for row in _read(rows):
        origin = row["meta"]["origin"]
        if counts[origin] < drawn.get(origin, 0):
            counts[origin] += 1
            name = origin if counts[origin] == 1 else f"{origin}/{counts[origin]}"
            prompts += _read_row(row, name, turns)
    return DrawnPrompts(prompts, counts.total(), sizes.total(), digest(*sorted(sizes)))


def draw_records(sizes: Mapping[str, int], limit: int) -> dict[str, int]:
    """Records with `limit` rows at most in all; of a record that has more than that itself, only the first rows."""
    drawn: dict[str, int] = {}
    left = limit
    for origin in sorted(sizes, key=lambda origin: (digest(origin), origin)):
        if sizes[origin] > left:
            # Going on to smaller records would prefer them.
            return drawn or {origin: left}
        drawn[origin] = sizes[origin]
        left -= sizes[origin]
    return drawn


def spread(prompts: Sequence[Prompt], most: int) -> list[Prompt]:
    """At most `most` of the prompts, in even steps through all of them."""
    count = min(most, len(prompts))
    return [prompts[at * len(prompts) // count] for at in range(count)]


def digest_prompts(prompts: list[Prompt]) -> str:
    """A hash that is equal for the same questions with the same answers."""
    parts = ((prompt.id, prompt.messages, prompt.tools, prompt.answer, prompt.rejected) for prompt in prompts)
    return digest(*(json.dumps(part) for part in parts))


def digest_question(prompt: Prompt) -> str:
    """The hash of one question with its answer, whatever row it came from."""
    return digest(json.dumps((prompt.messages, prompt.tools, prompt.answer, prompt.rejected)))


def _read(rows: Path) -> Iterator[dict[str, Any]]:
    with rows.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                row = _parse(line)
            except BadRecord as fault:
                raise UserError(f"{shown(rows)}:{number}: {fault}") from None
            yield row


def _parse(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadRecord(f"not a whole row: {on_one_line(str(error))}") from None
    if type(row) is not dict:
        raise BadRecord(f"no row: {name_kind(row)}, not an object")
    check_row(row)
    if ("chosen" in row) != ("rejected" in row) or ("answer" in row) != ("label" in row):
        raise BadRecord("no row: half a pair, or an answer without its label")
    if type(row.get("meta", {}).get("origin")) is not str:
        raise BadRecord("no row of this project: its meta has no origin")
    return row


def _read_row(row: dict[str, Any], name: str, turns: str) -> Iterator[Prompt]:
    messages, tools, meta = [_drop_mark(each) for each in row["messages"]], tuple(row.get("tools", ())), row["meta"]
    if "chosen" in row:
        yield Prompt(name, tuple(messages), tools, row["chosen"], row["rejected"], meta)
        return
    if "label" in row:
        label = "good" if row["label"] else "bad"
        yield Prompt(
            name, tuple(messages), tools, row["answer"], None, join_meta(meta, {"label": label}), labelled=True
        )
        return
    # A greeting that nobody asked for has no prompt.
    answers = [at for at, message in enumerate(row["messages"]) if at and _is_asked(message)]
    if not answers:
        return
    if turns == "last":
        before, after = tuple(messages[: answers[-1]]), tuple(messages[answers[-1] + 1 :])
        yield Prompt(name, before, tools, messages[answers[-1]], None, meta, after=after)
        return
    first = 0 if turns == "all" else int(turns.removeprefix("skip_first_"))
    for turn, at in list(enumerate(answers))[first:]:
        before, after, known = tuple(messages[:at]), tuple(messages[at + 1 :]), join_meta(meta, {"turn": turn + 1})
        yield Prompt(f"{name}@{turn + 1}", before, tools, messages[at], None, known, after=after)


def _is_asked(message: dict[str, Any]) -> bool:
    return message["role"] == "assistant" and message.get("train") is not False


def _drop_mark(message: dict[str, Any]) -> Message:
    return cast(Message, {key: value for key, value in message.items() if key != "train"})
