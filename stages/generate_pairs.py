"""Preference pairs from a model's own answers: sampled, scored by a metric, the better against the worse.

In: the recipe's rows. Out: `rows.jsonl`, which the converter preference reads, in short

    {"input": "find red caps", "part": "train", "prompt": [{"role": "user", "content": "find red caps"}],
     "chosen": "find red caps <tool>search(query='red caps')</tool>", "rejected": "find red caps",
     "metadata": {"chosen_score": 1.0, "rejected_score": 0.0, "chosen_by": "reference", "rejection_type": "sampled",
                  "origin": "samples/toolformer.jsonl#12"}}

`answers.jsonl` has every answer with its score, `account.json` what became of the pairs. The k answers to a prompt and,
unless `chosen` is `sampled`, the row's own answer are compared two by two; the strongest pairs are kept, each answer
rejected once. `chosen: sampled` is rejection sampling: the best answer of k against the worst. Where the model makes
no worse answer, one is made from the good one by a rule (stages/_spoil.py). Every score is the metric's, the spoiled
answers' too. `input` is the last thing said to the model: `split: {by: [input]}` parts the pairs as the rows were
parted, if those were split by it.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from converters.preference import compare_scores
from eval.asking.prompts import Prompt, read_prompts
from eval.reading.calls import read_api
from recipebook.data.split import Part
from recipebook.errors import UserError
from recipebook.files import replacing, write_text
from recipebook.frozen import Frozen
from recipebook.libraries import prepare_libraries
from recipebook.pipeline.job import StageJob
from recipebook.project import PROJECT
from recipebook.recipe.evaluation_keys import Generation
from stages._scores import check_metric, score_answers
from stages._spoil import MISTAKEN, Mistakes, collect_values, spoil

Positive = Annotated[int, Field(gt=0)]


class Options(Frozen):
    """What a recipe may set."""

    answers: Annotated[int, Field(ge=0)] = Field(
        8, description="answers sampled for each prompt; 0: pairs by rules alone, no model is loaded."
    )
    temperature: Annotated[float, Field(gt=0)] = Field(
        1.0, description="of the sampled answers. Raise it if they are all the same."
    )
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="share of the probability that is sampled from. Lower it if answers are garbled."
    )
    max_new_tokens: Positive = Field(128, description="the longest answer. Raise it if many are cut off.")
    batch_size: Positive = Field(64, description="answers sampled at a time. Lower it when memory is short.")
    parts: tuple[Part, ...] = Field(
        ("train",), description="the rows that are prompts. Name all three to evaluate on pairs."
    )
    limit: Positive | None = Field(None, description="only the first rows of each part. Set it for a quick try.")
    metric: str = Field(description="a module of eval/metrics/ that scores an answer against the row's own.")
    metric_options: dict[str, Any] = Field(
        default_factory=dict, description="the metric's own options: see metrics.md."
    )
    figures: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="the metric's figures with their weights in the score, a mean of those defined; empty: its first.",
    )
    chosen: Literal["either", "sampled", "reference"] = Field(
        "either", description="what may be chosen: the row's own answer, a sampled one, or whichever is better."
    )
    synthetic: bool = Field(
        True,
        description="rules make worse answers where sampling gives too few. Switch it off for the model's own only.",
    )
    tools: Path | None = Field(None, description="a file of calls that may be mistaken for each other. Rules use it.")
    strength: Literal["difference", "ratio"] = Field(
        "difference",
        description="what the threshold compares: chosen - rejected, or (chosen - rejected) / (chosen + rejected).",
    )
    threshold: Annotated[float, Field(ge=0)] = Field(
        0.1, description="weaker pairs are dropped. Raise it for fewer, clearer pairs."
    )
    min_pairs_per_example: Positive = Field(1, description="prompts with fewer pairs give none at all.")
    max_pairs_per_example: Positive = Field(1, description="the strongest pairs of a prompt. Raise it for more rows.")

    @model_validator(mode="after")
    def _can_make_pairs(self) -> Self:
        if not self.answers and not self.synthetic:
            raise ValueError("answers is 0 and synthetic is off, so there is nothing to make pairs of")
        if not self.answers and self.chosen == "sampled":
            raise ValueError("chosen is sampled, and answers is 0")
        if self.max_pairs_per_example < self.min_pairs_per_example:
            raise ValueError("max_pairs_per_example is less than min_pairs_per_example")
        try:
            check_metric(self.metric, self.metric_options, self.figures)
        except UserError as error:
            raise ValueError(str(error)) from None
        return self


class ScoredAnswer(NamedTuple):
    """An answer to a prompt, what it scores, and whose it is: `reference`, `sampled`, or the rule that spoiled it."""

    text: str
    source: str
    score: float | None
    truncated: bool = False

    @property
    def is_spoiled(self) -> bool:
        """Whether no one gave this answer."""
        return self.source not in ("reference", "sampled")


class ScoredPair(NamedTuple):
    """Two answers to one prompt, and how much better the first is."""

    chosen: ScoredAnswer
    rejected: ScoredAnswer
    strength: float


def run(job: StageJob, options: Options) -> None:
    """Write rows.jsonl, answers.jsonl and account.json into the job's folder."""
    prompts = [(part, prompt) for part in options.parts for prompt in read_prompts(job.rows[part], options.limit)]
    for _, prompt in prompts:
        if prompt.tools:
            raise UserError(f"{prompt.id}: its prompt lists tools, which a pair cannot hold")
    answers = _answer(job, options, [prompt for _, prompt in prompts])
    if options.synthetic:
        _add_spoiled(answers, options, job.seed)
    account: Counter[str] = Counter(prompts=len(prompts), sampled=options.answers * len(prompts))
    records = list(_make_records(prompts, answers, options, account))
    account = Counter(dict(sorted(account.items(), key=lambda item: item[0].startswith("dropped"))))
    if not records:
        counts = ", ".join(f"{name} {count}" for name, count in account.items())
        raise UserError(f"stage '{job.name}': no pair is left of {options.metric}'s scores at {options.strength} "
                        f"{options.threshold:g}: {counts}")  # fmt: skip
    _write_lines(job.folder / "answers.jsonl", _list_answers(prompts, answers))
    write_text(job.folder / "account.json", json.dumps(account, indent=1) + "\n")
    _write_lines(job.folder / "rows.jsonl", records)
    (job.folder / "pieces.jsonl").unlink(missing_ok=True)


def choose_pairs(answers: Sequence[ScoredAnswer], options: Options) -> tuple[list[ScoredPair], Counter[str]]:
    """The pairs that are kept, strongest first and made ones last, and how many were dropped for each reason."""
    dropped: Counter[str] = Counter()
    usable = list(_take_usable(answers, options, dropped))
    given = [answer for answer in usable if not answer.is_spoiled]
    pairs = sorted(_compare(combinations(given, 2), options, dropped), key=lambda pair: -pair.strength)
    kept = _select(pairs, options.max_pairs_per_example, dropped)
    good = [answer for answer in given if _may_be_chosen(answer, options)]
    if good and len(kept) < _count_wanted(options):
        best = max(good, key=lambda answer: answer.score or 0)
        spoiled = _compare([(best, answer) for answer in usable if answer.is_spoiled], options, Counter())
        kept += _select(spoiled, _count_wanted(options) - len(kept), Counter())
    if 0 < len(kept) < options.min_pairs_per_example:
        dropped["fewer than min_pairs_per_example"] += len(kept)
        return [], dropped
    return kept, dropped


def _answer(job: StageJob, options: Options, prompts: Sequence[Prompt]) -> list[list[ScoredAnswer]]:
    """The scored answers to each prompt, the row's own first."""
    if options.answers:
        # Here and not above: whoever checks a recipe should not wait for torch.
        prepare_libraries(job.model)
        from eval.asking.generate import format_reference
        from stages._answers import load_speaker, sample

        speaker = load_speaker(job)
        references = [format_reference(speaker.tokenizer, prompt) for prompt in prompts]
        settings = Generation(**options.model_dump(include={"temperature", "top_p", "max_new_tokens", "batch_size"}))
        said = sample(speaker, prompts, options.answers, settings, job.seed, job.folder / "pieces.jsonl")
    else:
        references, said = [_take_text(prompt) for prompt in prompts], [[] for _ in prompts]
    answers = [
        [
            ScoredAnswer(reference, "reference", None),
            *(ScoredAnswer(one.text, "sampled", None, one.truncated) for one in sampled),
        ]
        for reference, sampled in zip(references, said, strict=True)
    ]
    return _score([(some[0].text, some) for some in answers], options)


def _take_text(prompt: Prompt) -> str:
    if prompt.answer.get("tool_calls"):
        raise UserError(f"{prompt.id}: its answer is tool calls, which only a model's template can write; answers is 0")
    return prompt.answer["content"]


def _score(groups: Sequence[tuple[str, list[ScoredAnswer]]], options: Options) -> list[list[ScoredAnswer]]:
    """The same answers with their scores, each group's by its reference."""
    couples = [(reference, answer.text) for reference, answers in groups for answer in answers]
    scores = iter(score_answers(couples, options.metric, options.metric_options, options.figures))
    return [[answer._replace(score=next(scores)) for answer in answers] for _, answers in groups]


def _add_spoiled(answers: list[list[ScoredAnswer]], options: Options, seed: int) -> None:
    """Give worse answers, made by rule, to the prompts that have too few pairs without."""
    mistakes = Mistakes(_read_mistaken(options), collect_values([some[0].text for some in answers]))
    lacking = [at for at, some in enumerate(answers) if len(choose_pairs(some, options)[0]) < _count_wanted(options)]
    groups = []
    for at in lacking:
        good = [answer for answer in answers[at] if _may_be_chosen(answer, options) and answer.score is not None]
        best = max(good, key=lambda answer: answer.score or 0, default=None)
        worse = spoil(best.text, mistakes, random.Random(f"{seed}/{at}")) if best else []
        groups.append((answers[at][0].text, [ScoredAnswer(text, rule, None) for rule, text in worse]))
    for at, spoiled in zip(lacking, _score(groups, options), strict=True):
        answers[at] += spoiled


def _read_mistaken(options: Options) -> dict[str, tuple[str, ...]]:
    if options.tools is None:
        return MISTAKEN
    names = list(read_api(PROJECT / options.tools))
    return {name: tuple(other for other in names if other != name) for name in names}


def _count_wanted(options: Options) -> int:
    """Pairs below which rules make some."""
    return options.min_pairs_per_example if options.answers else options.max_pairs_per_example


def _may_be_chosen(answer: ScoredAnswer, options: Options) -> bool:
    return not answer.is_spoiled and not answer.truncated and options.chosen in ("either", answer.source)


def _take_usable(answers: Sequence[ScoredAnswer], options: Options, dropped: Counter[str]) -> Iterator[ScoredAnswer]:
    seen: set[str] = set()
    for answer in answers:
        text = answer.text.strip()
        if answer.source == "reference" and options.chosen == "sampled":
            continue
        if not text:
            dropped["answers empty"] += 1
        elif text in seen:
            dropped["answers said before"] += 1
        elif answer.truncated:
            dropped["answers cut off"] += 1
        elif answer.score is None:
            dropped["answers without a score"] += 1
        else:
            seen.add(text)
            yield answer


def _compare(
    couples: Iterable[tuple[ScoredAnswer, ScoredAnswer]], options: Options, dropped: Counter[str]
) -> Iterator[ScoredPair]:
    """The couples whose better answer may be chosen and is better by enough."""
    for couple in couples:
        better, worse = sorted(couple, key=lambda answer: -(answer.score or 0))
        strength = compare_scores(better.score or 0, worse.score or 0)[options.strength]
        if better.score == worse.score or strength is None:
            dropped["pairs of equals"] += 1
        elif not _may_be_chosen(better, options):
            dropped[f"pairs whose better answer is {better.source}"] += 1
        elif strength < options.threshold:
            dropped["pairs under the threshold"] += 1
        else:
            yield ScoredPair(better, worse, strength)


def _select(pairs: Iterable[ScoredPair], limit: int, dropped: Counter[str]) -> list[ScoredPair]:
    kept: dict[str, ScoredPair] = {}
    for pair in pairs:
        if len(kept) == limit or pair.rejected.text in kept:
            dropped["pairs weaker than those kept"] += 1
        else:
            kept[pair.rejected.text] = pair
    return list(kept.values())


def _make_records(
    prompts: Sequence[tuple[Part, Prompt]],
    answers: Sequence[list[ScoredAnswer]],
    options: Options,
    account: Counter[str],
) -> Iterator[dict[str, Any]]:
    for (part, prompt), some in zip(prompts, answers, strict=True):
        pairs, dropped = choose_pairs(some, options)
        account["pairs"] += len(pairs)
        account["prompts without a pair"] += not pairs
        account.update({f"dropped: {reason}": count for reason, count in dropped.items()})
        for pair in pairs:
            account[f"pairs {pair.chosen.source} over {pair.rejected.source}"] += 1
            yield {
                "input": prompt.text,
                "part": part,
                "prompt": list(prompt.messages),
                "chosen": pair.chosen.text,
                "rejected": pair.rejected.text,
                "metadata": {
                    "chosen_score": pair.chosen.score,
                    "rejected_score": pair.rejected.score,
                    "chosen_by": pair.chosen.source,
                    "rejection_type": pair.rejected.source,
                    "origin": prompt.id,
                },
            }


def _list_answers(
    prompts: Sequence[tuple[Part, Prompt]], answers: Sequence[list[ScoredAnswer]]
) -> Iterator[dict[str, Any]]:
    for (part, prompt), some in zip(prompts, answers, strict=True):
        yield {"id": prompt.id, "part": part, "answers": [answer._asdict() for answer in some]}


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with replacing(path) as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
