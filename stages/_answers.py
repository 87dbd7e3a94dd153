"""Several answers to each prompt, sampled from a stage's model: prompts in, answers out in the prompts' order.

    sample(model, prompts, 2, settings, seed, Path("stages/pairs/pieces.jsonl"))
    → [[GeneratedAnswer("stop()", 3, truncated=False), GeneratedAnswer("halt()", 3, truncated=False)], …]

Each batch has a seed of its own, so that its answers are the same whether or not the process was killed before it.
Answers are kept batch by batch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from eval.asking.generate import (
    GeneratedAnswer,
    format_prompt,
    load_base,
    load_tokenizer,
    load_tuned,
    merge,
    stop_tokens,
)
from eval.asking.prompts import Prompt, digest_prompts
from recipebook.files import digest, digest_file
from recipebook.pipeline.job import StageJob
from recipebook.playing.decode import decode
from recipebook.progress import ProgressLine
from recipebook.recipe.evaluation_keys import Generation
from recipebook.run.provenance import digest_model, package_versions
from stages._pieces import Pieces


class Speaker(NamedTuple):
    """A stage's model, ready to speak, its tokenizer with the stage's chat template, and the hash of all that."""

    model: Any
    tokenizer: Any
    stops: set[int]
    digest: str


def load_speaker(job: StageJob) -> Speaker:
    """Load the model that the stage starts from; its adapter is merged where that is exact."""
    tokenizer = load_tokenizer(job.tokenizer)
    if job.chat_template:
        tokenizer.chat_template = job.chat_template
    if job.adapter is None:
        model = load_base(str(job.model), job.revision)
    else:
        model = merge(load_tuned(job.adapter, job.model, job.revision).model)
    # Not a wrapped one: decoding calls the inner model, whose layers hold the adapter all the same.
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return Speaker(inner, tokenizer, stop_tokens(inner, tokenizer), _digest_speaker(job, tokenizer.chat_template))


def sample(
    speaker: Speaker, prompts: Sequence[Prompt], count: int, settings: Generation, seed: int, kept: Path
) -> list[list[GeneratedAnswer]]:
    """`count` answers a prompt; a batch has `settings.batch_size` answers, to prompts of like length."""
    texts = [format_prompt(speaker.tokenizer, prompt) for prompt in prompts]
    ids: list[list[int]] = speaker.tokenizer(texts, add_special_tokens=False)["input_ids"]
    order = sorted(range(len(prompts)), key=lambda at: (len(ids[at]), at))
    size = max(1, settings.batch_size // count)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    of = digest(digest_prompts(list(prompts)), settings.model_dump_json(), str((count, seed)), speaker.digest)
    pieces = Pieces(kept, of)
    line = ProgressLine("sample")
    for number, batch in enumerate(batches):
        line.draw(number, len(batches))
        if number not in pieces:
            torch.manual_seed(int(digest(str(seed), str(number))[:12], 16))
            asked = [ids[at] for at in batch for _ in range(count)]
            pieces.keep(number, _generate(speaker, asked, settings))
    line.clear()
    answers: dict[int, list[GeneratedAnswer]] = {}
    for number, batch in enumerate(batches):
        said = [GeneratedAnswer(*one) for one in pieces.read(number)]
        answers |= {at: said[place * count : (place + 1) * count] for place, at in enumerate(batch)}
    return [answers[at] for at in range(len(prompts))]


def _generate(speaker: Speaker, asked: list[list[int]], settings: Generation) -> list[tuple[str, int, bool]]:
    said = decode(speaker.model, asked, speaker.stops, settings)
    texts = [speaker.tokenizer.decode(one.ids, skip_special_tokens=True).strip() for one in said]
    return [(text, len(one.ids), not one.ended) for text, one in zip(texts, said, strict=True)]


def _digest_speaker(job: StageJob, template: str) -> str:
    base = digest_model(job.model) if isinstance(job.model, Path) else f"{job.model}@{job.revision}"
    adapter = digest_file(job.adapter / "adapter_model.safetensors") if job.adapter else ""
    return digest(base, adapter, template, str(sorted(package_versions().items())))
