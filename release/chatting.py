"""`make chat`: lines that a person writes in; the model's answers, token by token, out.

    make chat RUN=robot-lora
    you       stop
    tuned     robot.stop()

`/new` begins another conversation, `/quit` or the end of the input ends the chat. `/up` and `/down` rate the last
answer in the log; beside the base, they say whether the tuned model's answer or the base's is the better one.

Where standard input is no terminal, each of its lines is one turn, and of a single model only the answers are printed.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recipebook import project
from recipebook.errors import UserError
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.terminal import format_field, print_field
from release.beginning import ChatOpening, find_beginning
from release.chat_log import Conversation, check_log
from release.opening import FoundModel, OpenedModel, find_trained, open_model
from release.rated_chats import Thumb

if TYPE_CHECKING:
    from release.answering import Answerer

NEW, QUIT = "/new", "/quit"
RATINGS: dict[str, Thumb] = {"/up": "up", "/down": "down"}
OPPOSITE: dict[Thumb, Thumb] = {"up": "down", "down": "up"}


def chat(
    query: str,
    overrides: Sequence[str] = (),
    checkpoint: int | None = None,
    *,
    base: bool = False,
    system: str | None = None,
    log: Path | None = None,
    runs: Path = project.RUNS,
) -> int:
    """Let a person talk with a trained model, with `base` also with its base; the exit status."""
    trained = find_trained(query, checkpoint, tuple(overrides), runs)
    beginning = choose_beginning(trained, system)
    if log:
        check_log(log)
    answerers = {"tuned": make_answerer(trained, open_model(trained))}
    if base:
        answerers = {"base": _open_base(trained.recipe, answerers["tuned"]), **answerers}
    if sys.stdin.isatty():
        _greet(trained, beginning, log)
    talk(answerers, beginning, trained.name, read_lines(), log)
    return 0


def choose_beginning(trained: FoundModel, system: str | None) -> ChatOpening:
    """What the chat begins with: as the run's rows do, but for a system text of the user's own."""
    found = find_beginning(trained.prompts, trained.recipe.model.system)
    return found if system is None else found._replace(system=system, note="")


def make_answerer(trained: FoundModel, opened: OpenedModel) -> "Answerer":
    """The model as its evaluation lets it answer."""
    # Here and not above: a wrong name should not wait for torch.
    from release.answering import Answerer

    preference = any(prompt.preference for prompt in trained.prompts)
    settings, how = trained.recipe.eval.generation, trained.recipe.model.system
    return Answerer(opened.model, opened.tokenizer, settings, preference, how)


def talk(
    answerers: "Mapping[str, Answerer]", beginning: ChatOpening, run: str, lines: Iterator[str], log: Path | None
) -> None:
    """Answer each line by every answerer, each of which has a conversation of its own."""
    conversations = _begin(answerers, beginning, run)
    try:
        for line in lines:
            if line == QUIT:
                break
            if line == NEW:
                _write(conversations.values(), log)
                conversations = _begin(answerers, beginning, run)
                continue
            if line in RATINGS:
                _rate(conversations, line, log)
                continue
            for name, answerer in answerers.items():
                conversations[name].messages.append({"role": "user", "content": line})
                _answer(answerer, conversations[name], labelled=len(answerers) > 1 or sys.stdin.isatty())
    finally:
        _write(conversations.values(), log)


def read_lines() -> Iterator[str]:
    """The user's lines that are not empty; a terminal shows where to write."""
    if not sys.stdin.isatty():
        yield from (text for line in sys.stdin if (text := line.strip()))
        return
    # Here: it lets `input` remember and edit lines.
    import readline  # noqa: F401

    while True:
        try:
            line = input(format_field("you", "")).strip()
        except EOFError:
            print()
            return
        if line:
            yield line


def _open_base(recipe: Recipe, tuned: "Answerer") -> "Answerer":
    from eval.asking.generate import load_base
    from eval.asking.layout import choose_layout
    from release.answering import Answerer

    layout = choose_layout(recipe, recipe.model.base)
    model = load_base(str(find_base(recipe)), recipe.model.revision, layout)
    return Answerer(model, tuned.tokenizer, tuned.settings, tuned.preference, tuned.system)


def _greet(trained: FoundModel, beginning: ChatOpening, log: Path | None) -> None:
    print_field("run", f"{trained.name}, base {trained.recipe.model.base}")
    for label, text in (("system", beginning.system), ("note", beginning.note)):
        if text:
            print_field(label, text.replace("\n", " "))
    print_field("", f"{NEW} begins another conversation, {QUIT} ends the chat")
    if log:
        print_field("", f"{' and '.join(RATINGS)} rate the last answer")


def _begin(answerers: "Mapping[str, Answerer]", beginning: ChatOpening, run: str) -> dict[str, Conversation]:
    return {name: Conversation(run, name, beginning.open(), tools=beginning.tools) for name in answerers}


def _answer(answerer: "Answerer", conversation: Conversation, *, labelled: bool) -> None:
    if labelled:
        print(format_field(conversation.model, ""), end="", flush=True)
    started = time.monotonic()
    try:
        answer = answerer.answer(
            conversation.messages, conversation.tools, lambda piece: print(piece, end="", flush=True)
        )
    except UserError as error:
        # The conversation goes on without the turn that there is no room for.
        conversation.messages.pop()
        _refuse(error, f"; {NEW} begins another conversation")
        return
    full = answer.prompt_tokens + answer.new_tokens >= answerer.longest
    limit = "the end of what the model reads" if full else "eval.generation.max_new_tokens"
    print(f" … cut off by {limit}" if answer.truncated and labelled else "")
    conversation.add(answer, time.monotonic() - started)


def _rate(conversations: Mapping[str, Conversation], line: str, log: Path | None) -> None:
    if log is None:
        _refuse(UserError(f"{line}: ratings are kept in a log: LOG=chats.jsonl"))
    elif not all(one.answers for one in conversations.values()):
        _refuse(UserError(f"{line}: there is no answer to rate yet"))
    else:
        for name, conversation in conversations.items():
            conversation.rate(OPPOSITE[RATINGS[line]] if name == "base" else RATINGS[line])


def _refuse(error: UserError, hint: str = "") -> None:
    """A person at a terminal may go on; a script ends."""
    if not sys.stdin.isatty():
        raise error
    print(f"{error}{hint}")


def _write(conversations: Iterable[Conversation], log: Path | None) -> None:
    if log:
        for one in conversations:
            one.write(log)
