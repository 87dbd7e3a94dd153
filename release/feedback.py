"""Rated chats in; preference pairs and answers with a label for the next training, and an account of the rest, out.

    {"messages": [{"role": "user", "content": "stop"}], "chosen": "robot.stop()", "rejected": "ok"}
    {"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": "ok"}], "label": false}

The converter `preference` reads both; answers with a label are for the method kto alone, and have a file of their own.
A file that is there already keeps its records, since they may come from another log.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.files import write_text
from release.rated_chats import Chat, RatedAnswer

GOOD, BAD = 0.75, 0.25


class Feedback(NamedTuple):
    """Pairs and labelled answers as records, and how many answers or choices are in neither, by reason."""

    pairs: list[dict[str, Any]]
    labelled: list[dict[str, Any]]
    left_out: Counter[str]


def collect_feedback(chats: Sequence[Chat]) -> Feedback:
    """Pair the best answer to a prompt with the worst, the second best with the second worst, and so on."""
    found = Feedback([], [], Counter())
    by_prompt: dict[str, list[RatedAnswer]] = {}
    for chat in chats:
        _take_choice(chat, found)
        for answer in chat.answers:
            if answer.score is None:
                found.left_out["an answer without a rating"] += 1
            elif not answer.text.strip():
                found.left_out["an empty answer"] += 1
            else:
                by_prompt.setdefault(answer.key, []).append(answer)
    for answers in by_prompt.values():
        paired = {id(one) for pair in _pair(answers) for one in pair}
        found.pairs.extend(_make_pair(*pair) for pair in _pair(answers))
        for answer in answers:
            if id(answer) not in paired:
                _take_label(answer, found)
    return found


def add_records(path: Path, records: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Write records as JSONL behind those that the file has; how many are new, and how many it had."""
    # No splitlines: an answer may hold other marks that end a line, which JSON leaves as they are.
    kept = [line for line in path.read_text("utf-8").split("\n") if line] if path.exists() else []
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    new = [line for line in dict.fromkeys(lines) if line not in set(kept)]
    write_text(path, "".join(f"{line}\n" for line in [*kept, *new]))
    return len(new), len(kept)


def _take_choice(chat: Chat, found: Feedback) -> None:
    if not chat.candidates:
        return
    first, second = chat.candidates
    if chat.choice is None:
        found.left_out["a choice that is a tie or missing"] += 1
    elif first.text == second.text:
        found.left_out["a choice between equal answers"] += 1
    else:
        found.pairs.append(_make_pair(*((first, second) if chat.choice == 0 else (second, first))))


def _pair(answers: Sequence[RatedAnswer]) -> Iterator[tuple[RatedAnswer, RatedAnswer]]:
    ranked = sorted(answers, key=lambda one: -(one.score or 0))
    for better, worse in zip(ranked, reversed(ranked), strict=True):
        if (better.score or 0) <= (worse.score or 0):
            return
        if better.text != worse.text:
            yield better, worse


def _make_pair(better: RatedAnswer, worse: RatedAnswer) -> dict[str, Any]:
    pair = {**_begin(better), "chosen": better.text, "rejected": worse.text}
    if better.stars and worse.stars:
        pair |= {"chosen_score": better.stars, "rejected_score": worse.stars}
    return pair


def _take_label(answer: RatedAnswer, found: Feedback) -> None:
    score = answer.score or 0.0
    if BAD < score < GOOD:
        found.left_out["an answer of three stars without another to compare"] += 1
        return
    messages = [*answer.prompt, {"role": "assistant", "content": answer.text}]
    found.labelled.append({**_begin(answer), "messages": messages, "label": score >= GOOD})


def _begin(answer: RatedAnswer) -> dict[str, Any]:
    return {"messages": list(answer.prompt), **({"tools": list(answer.tools)} if answer.tools else {})}
