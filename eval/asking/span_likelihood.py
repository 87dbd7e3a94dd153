"""How likely a model finds the parts of annotated answers: a call's opening, its tool's name, its arguments, the rest.

measure_spans(model, tokenizer, [("…assistant:", "red caps <tool>search(query='red')</tool><|im_end|>")], 64, "tuned")
→ [{"fluency": Likelihood(-3.1, 3), "position": Likelihood(-0.9, 1), "tool": Likelihood(-0.2, 1), …}]
"""

from collections.abc import Sequence
from typing import Any

from eval.asking.likelihood import Likelihood, measure_tokens
from recipebook.text.inline_calls import mark_spans
from recipebook.text.token_spans import find_kinds


def measure_spans(
    model: Any, tokenizer: Any, texts: Sequence[tuple[str, str]], batch_size: int, label: str
) -> list[dict[str, Likelihood]]:
    """The likelihood of each (prompt, answer) in order, by the kinds of spans in the answer; its end is `fluency`."""
    measured = measure_tokens(model, tokenizer, texts, batch_size, label)
    found = []
    for (prompt, answer), odds in zip(texts, measured, strict=True):
        parts: dict[str, list[float]] = {}
        kinds = _list_kinds(tokenizer, prompt, answer) if odds else []
        # The first token of a text without a prompt has nothing before it, and no probability.
        for kind, one in zip(kinds[-len(odds) :], odds, strict=True):
            parts.setdefault(kind, []).append(one)
        found.append({kind: Likelihood(sum(each), len(each)) for kind, each in parts.items()})
    return found


def _list_kinds(tokenizer: Any, prompt: str, answer: str) -> list[str]:
    """The kind of each token of the answer; tokens that lie wholly in the prompt are left out."""
    spans = [
        (len(prompt) + span.start, len(prompt) + span.end, span.kind)
        for span in mark_spans(answer)
        if span.kind != "fluency"
    ]
    offsets = tokenizer(prompt + answer, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    kinds = find_kinds(prompt + answer, offsets, spans)
    return [kind for kind, (_, end) in zip(kinds, offsets, strict=True) if end > len(prompt)]
