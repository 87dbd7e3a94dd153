"""Calls inserted into plain texts, and kept where they help the model, after Toolformer (Schick et al. 2023).

In: texts, and tools as data (stages/_tools.py). Out: `rows.jsonl`, which the converter toolformer reads,

    {"original_text": "the Nova watch costs 2400 rupees",
     "augmented_text": "the Nova watch costs <tool>price(item='Nova watch')</tool> 2400 rupees",
     "tool_calls": [{"tool_name": "price", "arguments": {"item": "Nova watch"}, "position": 20, "utility_score": 0.71}],
     "quality_score": 0.71, "language": "en"}

and `account.json`. Calls are proposed by the tools' rules, or by the model: at the places where it most likely opens a
call, the calls that it writes there. A call is kept if it lowers the model's loss on the following text by `threshold`
(stages/_utility.py). The decrease is its `utility_score`; `quality_score` is their mean, 0 without calls. Of several
calls at one place the most useful is kept. Positions count characters of the original text.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from recipebook.errors import UserError
from recipebook.files import digest, digest_file, replacing, write_text
from recipebook.frozen import Frozen
from recipebook.libraries import prepare_libraries
from recipebook.pipeline.job import StageJob
from recipebook.progress import ProgressLine
from recipebook.project import PROJECT, locate
from recipebook.rows import BadRecord
from recipebook.sources.inputs import MADE, find_inputs
from recipebook.text.call_arguments import format_arguments
from recipebook.text.inline_calls import find_spans, format_call, insert_calls
from stages._pieces import Pieces
from stages._tools import ToolCall, Tools, answer, is_allowed, propose, read_tools

Positive = Annotated[int, Field(gt=0)]
CHUNK = 32


class Options(Frozen):
    """What a recipe may set."""

    tools: Path = Field(
        description="the file of tools, from the project's folder: parameters, rules, results. Set it to your own "
        "tools."
    )
    source: str | None = Field(
        None,
        description="texts: a file, glob or folder, or stage:NAME; null: the last message to the model in train rows.",
    )
    limit: Positive | None = Field(None, description="only the first texts. Set it for a quick try.")
    propose: Literal["rules", "model"] = Field(
        "rules", description="what proposes places and calls. Use model where rules cannot be written."
    )
    positions: Positive = Field(
        5, description="with `model`: places of a text that are tried. Raise it for long texts."
    )
    min_probability: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05, description="with `model`: the least probability of a call's opening. Lower it if none is found."
    )
    calls: Positive = Field(5, description="with `model`: calls sampled at each place. Raise it for more variety.")
    temperature: Annotated[float, Field(gt=0)] = Field(
        1.0, description="with `model`: the temperature of the calls. Lower it if they are broken."
    )
    max_new_tokens: Positive = Field(
        64, description="with `model`: tokens that a call may have. Raise it for long arguments."
    )
    threshold: float = Field(
        1.0, description="nats by which a call must lower the loss on what follows. Raise it for fewer, better calls."
    )
    keep_plain: bool = Field(
        True, description="texts that no call helps are kept, unchanged. Switch it off to train on calls alone."
    )
    batch_size: Positive = Field(64, description="texts measured at a time. Lower it when memory is short.")


class Text(NamedTuple):
    """A plain text, and its language if the record has one."""

    said: str
    language: str | None


def run(job: StageJob, options: Options) -> None:
    """Write rows.jsonl and account.json into the job's folder."""
    prepare_libraries(job.model)
    # Here and not above: checking a recipe should not wait for torch.
    from stages._answers import load_speaker

    tools = read_tools(locate(options.tools))
    account: Counter[str] = Counter()
    texts = list(_read_texts(job, options, account))
    if not texts:
        raise UserError(f"stage '{job.name}': {options.source or 'the train rows'}: no text in it")
    speaker = load_speaker(job)
    said = digest(*(text.said for text in texts))
    settings = options.model_dump_json(), digest_file(locate(options.tools)), str(job.seed)
    pieces = Pieces(job.folder / "pieces.jsonl", digest(said, *settings, speaker.digest))
    chunks = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    line = ProgressLine("augment")
    for number, chunk in enumerate(chunks):
        line.draw(number, len(chunks))
        if number not in pieces:
            pieces.keep(number, _augment(chunk, tools, speaker, options, job.seed + number))
    line.clear()
    records = list(_join(chunks, pieces, options, account))
    if not account["calls kept"]:
        counts = ", ".join(f"{name} {count}" for name, count in account.items())
        raise UserError(f"stage '{job.name}': no call lowers the loss by {options.threshold:g}: {counts}")
    write_text(job.folder / "account.json", json.dumps(account, indent=1) + "\n")
    with replacing(job.folder / "rows.jsonl") as file:
        file.writelines(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
    pieces.drop()


def make_record(text: Text, kept: Sequence[tuple[ToolCall, float]]) -> dict[str, Any]:
    """The text with its calls and their utilities, in the order of their places."""
    kept = sorted(kept, key=lambda pair: pair[0].position)
    written = [format_call(asked.name, asked.arguments) for asked, _ in kept]
    record = {
        "original_text": text.said,
        "augmented_text": insert_calls(text.said, written, [asked.position for asked, _ in kept]),
        "tool_calls": [
            {
                "tool_name": asked.name,
                "arguments": asked.arguments,
                "position": asked.position,
                "utility_score": round(utility, 4),
            }
            for asked, utility in kept
        ],
        "quality_score": round(sum(utility for _, utility in kept) / len(kept), 4) if kept else 0.0,
    }
    return {**record, "language": text.language} if text.language else record


def sift(text: str, asked: Iterable[ToolCall], tools: Tools, account: Counter[str]) -> Iterator[tuple[ToolCall, str]]:
    """The calls that can be tried with their results, each once; the others are counted by reason in `account`."""
    seen = set()
    for one in asked:
        if not is_allowed(one, tools):
            account["dropped: not in the tools' parameters"] += 1
            continue
        key = (one.name, format_arguments(one.arguments), one.position)
        result, following = answer(one, tools), text[one.position :]
        if key in seen:
            account["dropped: proposed twice"] += 1
        elif result is None:
            account["dropped: no result"] += 1
        elif not one.position or not following.strip():
            account["dropped: nothing before it or nothing after"] += 1
        elif following[0].isalnum():
            account["dropped: inside a word"] += 1
        else:
            yield one, result
        seen.add(key)


def _read_texts(job: StageJob, options: Options, account: Counter[str]) -> Iterator[Text]:
    seen: set[str] = set()
    for text in _find_texts(job, options):
        if text is None or not text.said.strip():
            account["records without a text"] += 1
        elif find_spans(text.said):
            account["texts with calls already"] += 1
        elif text.said in seen:
            account["repeated texts"] += 1
        else:
            seen.add(text.said)
            yield text
            if len(seen) == options.limit:
                return


def _find_texts(job: StageJob, options: Options) -> Iterator[Text | None]:
    if options.source is None:
        with job.rows["train"].open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                said = [message["content"] for message in row["messages"] if message["role"] == "user"]
                yield Text(said[-1], row["meta"].get("language")) if said else None
        return
    stage = options.source.removeprefix(MADE) if options.source.startswith(MADE) else None
    if stage is not None and stage not in job.sources:
        raise UserError(
            f"stage '{job.name}': no earlier stage '{stage}' with rows; there are: {', '.join(job.sources)}"
        )
    for each in find_inputs(str(job.sources[stage]) if stage else options.source, PROJECT):
        for record in each.read({}):
            yield from [None] if isinstance(record.value, BadRecord) else _find_said(record.value)


def _find_said(record: dict[str, Any]) -> Iterator[Text | None]:
    """A record's `text` or `original_text`, or every message of the user in its `messages`."""
    metadata = record.get("metadata")
    found = record.get("language") or (metadata.get("language") if isinstance(metadata, dict) else None)
    language = found if isinstance(found, str) else None
    said = next((record[field] for field in ("text", "original_text") if isinstance(record.get(field), str)), None)
    if said is not None:
        yield Text(said, language)
        return
    messages = record.get("messages")
    users = [each for each in messages if each.get("role") == "user"] if isinstance(messages, list) else []
    spoken = [content for each in users if isinstance(content := each.get("content"), str)]
    if not spoken:
        yield None
    for one in spoken:
        yield Text(one, language)


def _augment(
    texts: Sequence[Text], tools: Tools, speaker: Any, options: Options, seed: int
) -> tuple[list[list[tuple[ToolCall, float]]], dict[str, int]]:
    """The measured calls of each text, and the counts of the calls dropped before, by reason."""
    from stages._propose import propose_calls
    from stages._utility import Tried, measure_utility

    account: Counter[str] = Counter()
    said = [text.said for text in texts]
    if options.propose == "model":
        asked = propose_calls(speaker, said, options, seed)
    else:
        asked = [list(propose(text, tools)) for text in said]
    account["calls proposed"] = sum(map(len, asked))
    sifted = [list(sift(text, some, tools, account)) for text, some in zip(said, asked, strict=True)]
    tried = [
        Tried(text, one.position, one.name, format_arguments(one.arguments), result)
        for text, some in zip(said, sifted, strict=True)
        for one, result in some
    ]
    utilities = iter(measure_utility(speaker, tried, options.batch_size))
    return [[(one, round(next(utilities), 6)) for one, _ in some] for some in sifted], dict(account)


def _join(
    chunks: Sequence[Sequence[Text]], pieces: Pieces, options: Options, account: Counter[str]
) -> Iterator[dict[str, Any]]:
    for number, chunk in enumerate(chunks):
        measured, dropped = pieces.read(number)
        account.update(dropped)
        for text, calls in zip(chunk, measured, strict=True):
            kept = _choose([(ToolCall(*asked), utility) for asked, utility in calls], options, account)
            account["calls kept"] += len(kept)
            account["texts with calls" if kept else "texts without calls"] += 1
            if kept or options.keep_plain:
                yield make_record(text, kept)


def _choose(
    measured: Iterable[tuple[ToolCall, float]], options: Options, account: Counter[str]
) -> list[tuple[ToolCall, float]]:
    best: dict[int, tuple[ToolCall, float]] = {}
    for asked, utility in measured:
        if utility < options.threshold:
            account["dropped: helps too little"] += 1
        elif asked.position in best:
            account["dropped: another helps more at its place"] += 1
            best[asked.position] = max(best[asked.position], (asked, utility), key=lambda pair: pair[1])
        else:
            best[asked.position] = (asked, utility)
    return list(best.values())
