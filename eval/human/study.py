"""A study: the questions of each evaluator in order, and the key with the system behind each answer's letter.

    {"study": "9f2c41d07ab3e655", "seed": 42, "runs": ["robot-lora"], "systems": ["base", "tuned"],
     "sheets": [[{"question": "samples/robot.json#12", "conversation": "samples/robot.json#12",
                  "systems": ["tuned", "base"]}, …], …]}

A sheet is one evaluator's: its first question is number 1, the first system of it is letter A. Orders are drawn from
the seed and all answers together: the same runs give the same order, and nobody can reconstruct it from a form.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from eval.human import LETTERS
from eval.human.systems import Question
from recipebook.errors import UserError, format_first_error
from recipebook.files import digest
from recipebook.frozen import Frozen
from recipebook.project import shown
from recipebook.run.rundir import Run

FOLDER = "human-eval"


class Item(Frozen):
    """One question of a sheet; the systems in the order of the letters."""

    question: str
    conversation: str
    systems: tuple[str, ...]


class Key(Frozen):
    """`key.json`"""

    study: str
    seed: int
    runs: tuple[str, ...]
    systems: tuple[str, ...]
    sheets: tuple[tuple[Item, ...], ...]


def draw_study(
    questions: Sequence[Question],
    systems: tuple[str, ...],
    runs: tuple[str, ...],
    conversations: int,
    evaluators: int,
    seed: int,
) -> Key:
    """Choose one question from each of `conversations` dialogues; every evaluator gets them all in another order."""
    if len(systems) > len(LETTERS):
        raise UserError(f"RUNS: {len(systems)} systems; up to {len(LETTERS)} are judged at once")
    generator = random.Random(digest(str(seed), *(repr(question) for question in questions)))
    by_conversation: dict[str, list[Question]] = {}
    for question in questions:
        by_conversation.setdefault(question.conversation, []).append(question)
    drawn = generator.sample(list(by_conversation), min(conversations, len(by_conversation)))
    chosen = [generator.choice(by_conversation[name]) for name in drawn]
    sheets = tuple(
        tuple(
            Item(
                question=question.id,
                conversation=question.conversation,
                systems=tuple(generator.sample(systems, len(systems))),
            )
            for question in generator.sample(chosen, len(chosen))
        )
        for _ in range(evaluators)
    )
    key = Key(study="", seed=seed, runs=runs, systems=systems, sheets=sheets)
    # The answers count as well: no form is read by the key of other answers to the same questions.
    return key.model_copy(update={"study": digest(key.model_dump_json(), *(repr(question) for question in chosen))})


def read_keys(run: Run) -> dict[str, Key]:
    """All studies of a run by their names."""
    return {path.parent.name: _read_key(path) for path in sorted(run.folder.glob(f"{FOLDER}/*/key.json"))}


def _read_key(path: Path) -> Key:
    try:
        return Key.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{shown(path)}: {format_first_error(error)}") from None
