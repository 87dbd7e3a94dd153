"""User profiles and their conversations, in several languages, by templates or by a model on a server.

Out: `profiles.jsonl`, and `rows.jsonl`, which the converter chat reads,

    {"profile_id": "user_00007", "language": "mixed",
     "messages": [{"role": "system", "content": "You are a helpful shopping assistant.\\n\\nUser Profile: Pune se …"},
                  {"role": "user", "content": "hello, mujhe office ke liye bag chahiye"},
                  {"role": "assistant", "content": "sure Kabir ji, 1500 rupaye tak kala bag dekhun?"}],
     "metadata": {"language": "mixed", "profile_id": "user_00007", "exchanges": 3}}

A profile's conversations are together in the file; `split: {by: [profile_id]}` keeps them in one part. With the same
seed, templates give the same conversations. An endpoint gets the profile and the first words that the templates drew,
and writes the rest. Its answers are kept one by one, so that a killed stage requests only the missing ones. An answer
that is no conversation is requested again, and counted if all attempts fail.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import orjson
from pydantic import Field, model_validator

from recipebook.errors import UserError
from recipebook.files import digest, digest_file, replacing, write_text
from recipebook.frozen import Frozen
from recipebook.pipeline.job import StageJob
from recipebook.progress import ProgressLine
from recipebook.project import locate
from recipebook.rows import Message
from stages._endpoint import Ask, Endpoint
from stages._pieces import Pieces
from stages._talk import Profile, Talk, read_talk

Positive = Annotated[int, Field(gt=0)]
TRIES = 3
PROGRESS_EVERY = 1000
TOLERATED = 0.1
"""The share of conversations that an endpoint may fail to write."""


class Options(Frozen):
    """What a recipe may set."""

    profiles: Positive = Field(10_000, description="users that are drawn. Set it to the size that you need.")
    conversations: Positive = Field(50_000, description="conversations in all, several for each user.")
    exchanges: tuple[Positive, Positive] = Field(
        (2, 4), description="fewest and most questions with their answers in a conversation."
    )
    templates: Path = Field(
        Path("samples/conversations.yaml"),
        description="the templates of users and their talk, by language. Set it to your own domain.",
    )
    system: str = Field("You are a helpful shopping assistant.", description="the system prompt before the profile.")
    endpoint: Endpoint | None = Field(
        None, description="a server whose model writes the conversations; null: templates write them."
    )

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.exchanges[0] > self.exchanges[1]:
            raise ValueError("exchanges: the fewest are more than the most")
        return self


class Drawn(NamedTuple):
    """One conversation's profile, and its exchanges as drawn from the templates."""

    profile: Profile
    said: list[tuple[str, str]]


Draw = Callable[[int], Drawn]
Converse = Callable[[int], list[Message] | None]


def run(job: StageJob, options: Options) -> None:
    """Write profiles.jsonl, rows.jsonl and account.json into the job's folder."""
    talk = read_talk(locate(options.templates))
    draw = _prepare_draw(talk, options, job.seed)
    account: Counter[str] = Counter()
    with replacing(job.folder / "profiles.jsonl") as file:
        for number in range(options.profiles):
            file.write(_encode_profile(talk.draw_profile(job.seed, number)))
    account["profiles"] = options.profiles
    pieces = _generate_by_endpoint(job, options, talk, draw, options.endpoint) if options.endpoint else None
    line = ProgressLine("talk")
    with replacing(job.folder / "rows.jsonl") as file:
        for number in range(options.conversations):
            if number % PROGRESS_EVERY == 0:
                line.draw(number, options.conversations)
            drawn = draw(number)
            messages = _join(drawn.said) if pieces is None else pieces.read(number)
            if messages is None:
                account["dropped: no conversation written"] += 1
                continue
            account["conversations"] += 1
            account[f"conversations in {drawn.profile.language}"] += 1
            file.write(_encode_record(drawn.profile, messages, options.system))
    line.clear()
    write_text(job.folder / "account.json", json.dumps(account, indent=1) + "\n")
    if pieces is not None:
        pieces.drop()


def read_conversation(written: str) -> list[Message] | None:
    """The messages of the JSON in a model's answer, whatever text is around it; None if it is no conversation."""
    start, end = written.find("{"), written.rfind("}")
    try:
        listed = json.loads(written[start : end + 1])["messages"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not isinstance(listed, list) or len(listed) < 2 or len(listed) % 2:
        return None
    messages: list[Message] = []
    for at, message in enumerate(listed):
        role = "assistant" if at % 2 else "user"
        content = message.get("content") if isinstance(message, dict) and message.get("role") == role else None
        if not isinstance(content, str) or not content.strip():
            return None
        messages.append({"role": role, "content": content.strip()})
    return messages


def _prepare_draw(talk: Talk, options: Options, seed: int) -> Draw:
    # A profile's conversations stand together, so that it is drawn once.
    draw_profile = lru_cache(maxsize=64)(partial(talk.draw_profile, seed))

    def draw(number: int) -> Drawn:
        profile = draw_profile(number * options.profiles // options.conversations)
        return Drawn(profile, talk.draw_exchanges(profile, seed, number, options.exchanges))

    return draw


def _join(said: list[tuple[str, str]]) -> list[Message]:
    roles = ("user", "assistant")
    return [{"role": role, "content": text} for couple in said for role, text in zip(roles, couple, strict=True)]


def _generate_by_endpoint(job: StageJob, options: Options, talk: Talk, draw: Draw, endpoint: Endpoint) -> Pieces:
    """Request every missing conversation; a piece is its messages, or None if every attempt failed."""
    # The number of parallel requests and of attempts does not change the conversations.
    asked_for = options.model_dump_json(exclude={"endpoint": {"key", "parallel", "attempts", "timeout"}})
    of = digest(asked_for, digest_file(locate(options.templates)), str(job.seed))
    pieces = Pieces(job.folder / "pieces.jsonl", of)
    lacking = (number for number in range(options.conversations) if number not in pieces)
    failed = 0
    line = ProgressLine("talk")
    wish = partial(_word_wish, talk, options.system)
    with endpoint.open() as ask:
        converse = partial(_converse, ask, wish, draw, job.seed)
        for number, messages in _ask_all(converse, lacking, endpoint.parallel):
            pieces.keep(number, messages)
            line.draw(len(pieces), options.conversations)
            failed += messages is None
            if failed > max(10, TOLERATED * options.conversations):
                raise UserError(f"{endpoint.url}: {failed} of {len(pieces)} answers of {endpoint.model} are no "
                                "conversations in JSON, each requested three times")  # fmt: skip
    line.clear()
    return pieces


def _ask_all(converse: Converse, numbers: Iterator[int], parallel: int) -> Iterator[tuple[int, list[Message] | None]]:
    """The conversations in the order of their arrival, with `parallel` requests at a time."""
    running: dict[Future[list[Message] | None], int] = {}
    with ThreadPoolExecutor(parallel) as pool:
        while True:
            for number in islice(numbers, parallel - len(running)):
                running[pool.submit(converse, number)] = number
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()


def _converse(ask: Ask, wish: Callable[[Drawn], str], draw: Draw, seed: int, number: int) -> list[Message] | None:
    wished = wish(draw(number))
    for attempt in range(TRIES):
        messages = read_conversation(ask([{"role": "user", "content": wished}], (seed + number) * TRIES + attempt))
        if messages is not None:
            return messages
    return None


def _word_wish(talk: Talk, system: str, drawn: Drawn) -> str:
    language, begins = talk.languages[drawn.profile.language].name, json.dumps(drawn.said[0][0], ensure_ascii=False)
    return (
        f"Write a conversation of {len(drawn.said)} exchanges between a user and an assistant, in {language}. "
        f"The assistant's instruction: {system} What it knows of the user: {drawn.profile.character} "
        f"The user begins: {begins}\n"
        'Answer with nothing but JSON: {"messages": [{"role": "user", "content": "…"}, '
        '{"role": "assistant", "content": "…"}, …]}, the two in turn, the assistant last.'
    )


def _encode_profile(profile: Profile) -> bytes:
    return _dump({"profile_id": profile.id, "language": profile.language, "character": profile.character})


def _encode_record(profile: Profile, messages: list[Message], system: str) -> bytes:
    instruction: Message = {"role": "system", "content": f"{system}\n\nUser Profile: {profile.character}"}
    return _dump(
        {
            "profile_id": profile.id,
            "language": profile.language,
            "messages": [instruction, *messages],
            "metadata": {
                "language": profile.language,
                "profile_id": profile.id,
                "exchanges": len(messages) // 2,
            },
        }
    )


def _dump(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
