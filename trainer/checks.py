"""Whether training's text is evaluation's: a row with its tokens and labels in, findings out.

    check_chat(tokenizer, row, ids, labels, stops)
    → [TextFinding(kind="end", text="an answer does not end with a token that stops generation and carries loss")]

Three checks for every answer that is learned: evaluation's prompt is the text before the answer's first token that
carries loss; all that the answer says is in the text that carries loss; its last token is one that stops generation.
Of a pair, both answers are checked. A finding of the kind `opening` is a note, and no fault.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from os.path import commonprefix
from typing import Any, NamedTuple

from recipebook.rows import Message
from recipebook.text.chat import WrittenTurn, render, write_turn

MASKED = -100
NOTE = "opening"
SHOWN = 40


class TextFinding(NamedTuple):
    """A kind of finding, and what is found."""

    kind: str
    text: str


_PROMPT = TextFinding("prompt", "evaluation's prompt is not the text before an answer's first token that carries loss")
_QUESTION = TextFinding("prompt", "what the user asks last is not in the prompt")
_SILENT = TextFinding("answer", "an answer carries no loss")
_END = TextFinding("end", "an answer does not end with a token that stops generation and carries loss")
_OF_THOUGHTS = "; name a chat template that writes 'reasoning_content', or take that field out of the data"
DATED = TextFinding("date", "the chat template writes today's date: on another day, evaluation asks by another text")
NOTES = frozenset((NOTE, DATED.kind))
"""Kinds of findings that a row may have and pass."""


def check_chat(
    tokenizer: Any,
    row: Mapping[str, Any],
    ids: Sequence[int],
    labels: Sequence[int],
    stops: Collection[int],
    *,
    learns_all: bool = False,
) -> list[TextFinding]:
    """The findings in a chat, each once; with `learns_all`, prompts carry loss too."""
    messages, tools = row["messages"], row.get("tools") or ()
    found: list[TextFinding] = []
    learned = list_learned(messages)
    for at in learned:
        turn = write_turn(tokenizer, messages[:at], messages[at], tools, messages[at + 1 :])
        found += _check_tokens(tokenizer, turn, list(ids), labels, stops, learns_all)
        found += _check_words(turn, messages[:at], messages[at])
        if at == learned[-1]:
            found += _find_unwritten(turn, messages[: at + 1], tools)
        if at and at == len(messages) - 1:
            asked = render(tokenizer, messages[:at], tools, add_generation_prompt=True)
            found += _compare_openings(turn.prompt, asked)
    return list(dict.fromkeys(found))


def check_preference(
    row: Mapping[str, Any], answers: Sequence[Message], written: Sequence[WrittenTurn]
) -> list[TextFinding]:
    """The findings in a pair, or in an answer with a label; TRL itself ends its answers."""
    messages, tools = row["messages"], row.get("tools") or ()
    turns = zip(written, answers, strict=True)
    found = [each for turn, answer in turns for each in _check_words(turn, messages, answer)]
    return list(dict.fromkeys([*found, *_find_unwritten(written[0], [*messages, answers[0]], tools)]))


def list_learned(messages: Sequence[Message]) -> list[int]:
    """The places of the answers that are learned: those of the assistant without a mark that says otherwise."""
    return [at for at, one in enumerate(messages) if one["role"] == "assistant" and one.get("train") is not False]


def _check_tokens(
    tokenizer: Any, turn: WrittenTurn, ids: list[int], labels: Sequence[int], stops: Collection[int], learns_all: bool
) -> Iterator[TextFinding]:
    """Compare evaluation's tokens with training's, one by one."""
    # One by one: a batch starts threads, which forks do not have.
    texts = (turn.prompt, turn.prompt + turn.answer)
    before, whole = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts)
    start, end = len(before), len(whole)
    learned = [label != MASKED for label in labels[start:end]]
    if not any(learned):
        yield _SILENT
        return
    begins = learned[0] and (learns_all or start == 0 or labels[start - 1] == MASKED)
    if before + whole[start:] != whole or whole != ids[:end] or not begins:
        yield _PROMPT
    if not all(learned) or ids[end - 1] not in stops:
        yield _END


def _check_words(turn: WrittenTurn, messages: Sequence[Message], answer: Message) -> Iterator[TextFinding]:
    """Look for what is said; a template may change white space, and write an answer's beginning before it."""
    prompt, text = _squeeze(turn.prompt), _squeeze(turn.answer)
    asked = next((one["content"] for one in reversed(messages) if one["role"] == "user"), "")
    if _squeeze(asked) not in prompt:
        yield _QUESTION
    said = {"text": answer["content"], "thoughts": answer.get("reasoning_content") or ""}
    missing = [name for name, words in said.items() if not _reaches(_squeeze(words), prompt, text)]
    calls = [call["function"]["name"] for call in answer.get("tool_calls") or ()]
    missing += ["calls"] if any(_squeeze(name) not in text for name in calls) else []
    if missing:
        what = f"the text that carries loss is without an answer's {' and '.join(missing)}"
        yield TextFinding("answer", f"{what}{_OF_THOUGHTS if 'thoughts' in missing else ''}")


def _find_unwritten(turn: WrittenTurn, messages: Sequence[Message], tools: Sequence[Any]) -> Iterator[TextFinding]:
    """What a row has and its text has not, by the chat template: neither training nor evaluation sees it."""
    text = _squeeze(turn.prompt + turn.answer)
    system = [one["content"] for one in messages if one["role"] == "system"]
    # A tool's answer has the name of a tool that was called.
    names = [one["name"] for one in messages if one["role"] in ("user", "assistant") and one.get("name")]
    said = {"system turn": system, "tools": [tool["function"]["name"] for tool in tools], "names of speakers": names}
    missing = [what for what, words in said.items() if any(_squeeze(each) not in text for each in words)]
    if missing:
        what = f"the chat template does not write a row's {' and '.join(missing)}"
        yield TextFinding(NOTE, f"{what}: training and evaluation go without")


def _reaches(words: str, prompt: str, text: str) -> bool:
    """Whether the words stand in the text, or begin at the prompt's end and go on in it."""
    at = (prompt + text).rfind(words)
    return not words or at + len(words) > len(prompt) if at >= 0 else False


def _compare_openings(written: str, asked: str) -> Iterator[TextFinding]:
    """The template's own prompt for generation, which chat programs use, may lack what it writes before an answer."""
    if written.rstrip() == asked.rstrip():
        return
    if written.startswith(asked):
        added = written[len(asked) :]
        text = f"the template writes {added!r} before an answer: evaluation's prompt has it, and it carries no loss"
    else:
        same = len(commonprefix([written, asked]))
        ways = f"{asked[same:][-SHOWN:]!r}, and has {written[same:][-SHOWN:]!r} before one that is given"
        text = f"the template asks for an answer by {ways}: evaluation asks by the latter, as training does"
    yield TextFinding(NOTE, text)


def _squeeze(text: str) -> str:
    return "".join(text.split())
