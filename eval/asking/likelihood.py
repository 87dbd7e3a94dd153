"""How likely a model finds answers that are given to it: one forward pass each, no generation.

    measure(model, tokenizer, [("…user: stop…assistant:", "robot.stop()<|im_end|>")], 64, "tuned")
→ [Likelihood(log_probability=-0.31, tokens=5)]

A model whose numbers overflow finds no answer likely or unlikely: that is refused, and not left out as undefined.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from recipebook.errors import UserError
from recipebook.progress import ProgressLine
from recipebook.recipe.base_model import read_context

IGNORED = -100
# A processor is no quicker with more tokens at a time; with fewer, the line of progress moves and memory is spared.
MOST_TOKENS_ON_CPU = 2048


class Likelihood(NamedTuple):
    """The natural logarithm of the answer's probability after its prompt, and the number of its tokens."""

    log_probability: float
    tokens: int


def measure(
    model: Any, tokenizer: Any, texts: Sequence[tuple[str, str]], batch_size: int, label: str
) -> list[Likelihood]:
    """The likelihood of each (prompt, answer), in order; batches are cut from the texts sorted by length.

    Of a text that is longer than the model's context no token is measured.
    """
    rows = [_tokenise(tokenizer, prompt, answer) for prompt, answer in texts]
    found: dict[int, Likelihood] = {}
    for batch in _cut(rows, batch_size, model, label):
        found |= zip(batch, _measure_batch(model, [rows[at] for at in batch]), strict=True)
    return [found.get(at, Likelihood(0.0, 0)) for at in range(len(rows))]


def measure_tokens(
    model: Any, tokenizer: Any, texts: Sequence[tuple[str, str]], batch_size: int, label: str = ""
) -> list[list[float]]:
    """The natural logarithm of each answer token's probability, for each (prompt, answer) in order.

    There is none for a text that is longer than the model's context. Without a `label` no progress is shown.
    """
    rows = [_tokenise(tokenizer, prompt, answer) for prompt, answer in texts]
    found: dict[int, list[float]] = {}
    for batch in _cut(rows, batch_size, model, label):
        losses, labels = _lose(model, [rows[at] for at in batch])
        for at, lost, targets in zip(batch, losses, labels, strict=True):
            found[at] = (-lost[targets != IGNORED]).tolist()
    return [found.get(at, []) for at in range(len(rows))]


def _tokenise(tokenizer: Any, prompt: str, answer: str) -> tuple[list[int], list[int]]:
    """Token ids, and labels that ignore the prompt's; a token that holds text of both belongs to the answer."""
    encoded = tokenizer(prompt + answer, add_special_tokens=False, return_offsets_mapping=True)
    ids = encoded["input_ids"]
    labels = [
        token if end > len(prompt) else IGNORED for token, (_, end) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    return ids, labels


def _cut(rows: Sequence[tuple[list[int], list[int]]], most: int, model: Any, label: str) -> Iterator[list[int]]:
    """Batches of the rows that the model can read, by their places, of like length; a progress line shows the share of
    tokens that are done."""
    lengths, context = [len(ids) for ids, _ in rows], read_context(model.config.to_dict())
    order = sorted((at for at in range(len(rows)) if lengths[at] <= (context or lengths[at])), key=lengths.__getitem__)
    most_tokens = MOST_TOKENS_ON_CPU if str(model.device) == "cpu" else None
    line, done, tokens = ProgressLine(label), 0, 0
    while done < len(order):
        batch = order[done : done + most]
        while most_tokens and len(batch) > 1 and len(batch) * lengths[batch[-1]] > most_tokens:
            batch.pop()
        if label:
            line.draw(done, len(order), share=tokens / max(1, sum(lengths)))
        yield batch
        done += len(batch)
        tokens += sum(lengths[at] for at in batch)
    if label:
        line.clear()


def _measure_batch(model: Any, rows: Sequence[tuple[list[int], list[int]]]) -> list[Likelihood]:
    losses, labels = _lose(model, rows)
    sums, counts = losses.sum(dim=1).tolist(), (labels != IGNORED).sum(dim=1).tolist()
    return [Likelihood(-total, count) for total, count in zip(sums, counts, strict=True)]


def _lose(model: Any, rows: Sequence[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Each token's loss, and the labels that say which tokens count."""
    width = max(len(ids) for ids, _ in rows)
    # The first token of a text has no token before it, and so no likelihood.
    first = max(1, min(_find_first(labels) for _, labels in rows))
    ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in rows], device=model.device)
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows], device=model.device)
    padded = [labels[first:] + [IGNORED] * (width - max(len(labels), first)) for _, labels in rows]
    labels = torch.tensor(padded, device=model.device)
    with torch.inference_mode():
        # Logits take by far the most memory: those of the prompts are left out.
        kept = model(input_ids=ids, attention_mask=mask, logits_to_keep=width - first + 1).logits
        counted = labels != IGNORED
        losses = torch.zeros(labels.shape, device=model.device)
        losses[counted] = torch.nn.functional.cross_entropy(
            kept[:, :-1][counted].float(), labels[counted], reduction="none"
        )
    if not losses.isfinite().all():
        raise UserError(
            f"a model computes likelihoods that are no numbers, in {str(model.dtype).removeprefix('torch.')}: its "
            "weights have diverged, or its values are too large for this precision"
        )
    return losses, labels


def _find_first(labels: Sequence[int]) -> int:
    return next((at for at, label in enumerate(labels) if label != IGNORED), len(labels))
