"""Preference pairs from a model's own answers: sampled, scored by a metric, the better against the worse.

In: the recipe's rows. Out: `rows.jsonl`, which the converter preference reads, in short

    {"input": "find red caps", "part": "train", "prompt": [{"role": "user", "content": "find red caps"}],
     "chosen": "find red caps <tool>search(query='red caps')</tool>", "rejected": "find red caps",
     "metadata": {"chosen_score": 1.0, "rejected_score": 0.0, "chosen_by": "reference", "rejection_type": "sampled",
                  "origin": "samples/toolformer.jsonl#12"}}

`answers.jsonl` has every answer with its score, `account.json` the numbers of pairs kept and dropped. The k answers to
a prompt and, unless `chosen` is `sampled`, the row's own answer are compared two by two. The strongest pairs are kept,
each answer rejected once. `chosen: sampled` is rejection sampling: the best answer of k against the worst. If the model
gives no worse answer, a rule makes one from the good answer (stages/_spoil.py). Every score is the metric's, the
spoiled answers' too. `input` is the last message to the model: `split: {by: [input]}` splits the pairs as the rows were
split, if those were split by it.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from converters.preference import compare_scores
from eval.asking.prompts import Prompt, read_prompts
from eval.reading.calls import read_api
from recipebook.data.split import Part
from recipebook.errors import UserError
from recipebook.files import replacing, write_text
from recipebook.libraries import prepare_libraries
from recipebook.pipeline.job import StageJob
from recipebook.project import locate
from recipebook.recipe.evaluation_keys import Generation
from stages._pair_options import Options as Options
from stages._scores import score_answers
from stages._spoil import MISTAKEN, Mistakes, collect_values, spoil


class ScoredAnswer(NamedTuple):
    """An answer to a prompt with its score; `source` is `reference`, `sampled`, or the rule that spoiled it."""

    text: str
    source: str
    score: float | None
    truncated: bool = False

    @property
    def is_spoiled(self) -> bool:
        """Whether a rule made this answer."""
        return self.source not in ("reference", "sampled")


class ScoredPair(NamedTuple):
    """Two answers to one prompt, and by how much the first is better."""

    chosen: ScoredAnswer
    rejected: ScoredAnswer
    strength: float


def run(job: StageJob, options: Options) -> None:
    """Write rows.jsonl, answers.jsonl and account.json into the job's folder."""
    prompts = [(part, prompt) for part in options.parts for prompt in read_prompts(job.rows[part])[: options.limit]]
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
    """The pairs that are kept, strongest first and those by rules last, and the number dropped for each reason."""
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
        # Here and not above: checking a recipe should not wait for torch.
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
    """Add worse answers, made by rules, for the prompts that have too few pairs."""
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
    names = list(read_api(locate(options.tools)))
    return {name: tuple(other for other in names if other != name) for name in names}


def _count_wanted(options: Options) -> int:
    """The number of pairs of a prompt below which rules make more."""
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
            dropped["repeated answers"] += 1
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
        strength = compare_scores(better.score or 0, worse.score or 0).get(options.strength)
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
