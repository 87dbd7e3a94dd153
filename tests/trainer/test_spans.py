"""Weights of tokens: as the row's spans say, through Axolotl's own strategy, into the loss."""

import math
from typing import Any

import pytest
import torch
from axolotl.utils.dict import DictDefault
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from recipebook.project import CHAT_TEMPLATES, PROJECT
from trainer.spans import load, locate, weigh
from trainer.weighted_loss import WeightedCollator, measure_loss

WEIGHTS = {"tool": 1.0, "position": 0.8, "argument": 0.6, "fluency": 0.4}
ANSWER = "find red <tool>search(query='red')</tool> caps"
SPANS = [
    {"message": 1, "start": 9, "end": 15, "kind": "position"},
    {"message": 1, "start": 15, "end": 21, "kind": "tool"},
    {"message": 1, "start": 21, "end": 41, "kind": "argument"},
]
ROW = {
    "messages": [{"role": "user", "content": "find red caps"}, {"role": "assistant", "content": ANSWER}],
    "spans": SPANS,
    "meta": {"calls": 1},
}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    loaded = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    loaded.chat_template = (CHAT_TEMPLATES / "chatml.jinja").read_text()
    return loaded


def make_strategy(tokenizer: PreTrainedTokenizerBase, weights: dict[str, float]) -> Any:
    settings = {"type": "trainer.spans", "field_messages": "messages", "roles_to_train": ["assistant"]}
    cfg = {"chat_template": "jinja", "chat_template_jinja": tokenizer.chat_template, "sequence_len": 512}
    return load(tokenizer, DictDefault({**cfg, "span_weights": weights}), DictDefault(settings))


def test_each_token_weighs_what_its_span_does_and_is_trained_as_without(tokenizer: PreTrainedTokenizerBase) -> None:
    tokens = make_strategy(tokenizer, WEIGHTS).tokenize_prompt(ROW)
    pieces: dict[float, str] = {}
    for token, label, weight in zip(tokens["input_ids"], tokens["labels"], tokens["weights"], strict=True):
        if label != -100:
            pieces[weight] = pieces.get(weight, "") + str(tokenizer.decode([token]))
    assert {weight: text.strip() for weight, text in pieces.items()} == {
        0.4: "find red caps<|im_end|>",
        0.8: "<tool>",
        1.0: "search",
        0.6: "(query='red')</tool>",
    }


def test_an_answer_that_repeats_the_question_is_found_behind_it(tokenizer: PreTrainedTokenizerBase) -> None:
    row = {**ROW, "messages": [{"role": "user", "content": ANSWER}, ROW["messages"][1]]}  # type: ignore[index]
    tokens = make_strategy(tokenizer, WEIGHTS).tokenize_prompt(row)
    weighed = [weight for weight, label in zip(tokens["weights"], tokens["labels"], strict=True) if label == -100]
    assert set(weighed) == {0.4}


def test_a_kind_without_a_weight_is_named() -> None:
    with pytest.raises(ValueError, match=r"span_weights has no fluency, tool; it has: tol, argument"):
        weigh(["tool", "argument"], {"tol": 1.0, "argument": 0.6})


def test_an_answer_that_the_template_rewrites_is_refused() -> None:
    with pytest.raises(ValueError, match="the chat template changes an answer"):
        locate("USER hi BOT GO", ["hi", "go"], [0, 8], [{"message": 1, "start": 0, "end": 2, "kind": "tool"}])


def test_the_loss_is_the_weighted_mean_of_the_tokens_losses() -> None:
    # Two tokens to tell apart; their log-odds 0, ln 3 and ln 3 give the targets 1/2, 3/4 and 1/4.
    logits = torch.tensor([[[0.0, 0.0], [0.0, math.log(3)], [0.0, math.log(3)], [9.0, 0.0]]])
    labels = torch.tensor([[1, 0, 1, 0]])
    weights = torch.tensor([[7.0, 1.0, 0.5, 2.0]])
    expected = (1.0 * math.log(2) + 0.5 * math.log(4 / 3) + 2.0 * math.log(4)) / 3.5
    assert measure_loss(logits, labels, weights).item() == pytest.approx(expected, abs=1e-6)
    assert measure_loss(logits, labels, 10 * weights).item() == pytest.approx(expected, abs=1e-6)
    masked = torch.tensor([[1, 0, -100, 0]])
    expected = (1.0 * math.log(2) + 2.0 * math.log(4)) / 3.0
    assert measure_loss(logits, masked, weights).item() == pytest.approx(expected, abs=1e-6)


def test_tokens_without_weight_give_no_loss_and_no_gradient() -> None:
    logits = torch.zeros(1, 3, 2, requires_grad=True)
    loss = measure_loss(logits, torch.tensor([[0, 1, 0]]), torch.zeros(1, 3))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert logits.grad is not None and not logits.grad.any()


@pytest.mark.parametrize(("side", "weights"), [("right", [[0.5, 1, 0], [1, 1, 2]]), ("left", [[0, 0.5, 1], [1, 1, 2]])])
def test_weights_are_padded_and_cut_with_their_row(
    tokenizer: PreTrainedTokenizerBase, side: str, weights: list[list[float]]
) -> None:
    tokenizer.padding_side = side
    rows = [
        {"input_ids": [5, 6], "attention_mask": [1, 1], "labels": [-100, 6], "weights": [0.5, 1.0, 9.0]},
        {"input_ids": [5, 6, 7], "attention_mask": [1, 1, 1], "labels": [5, 6, 7], "weights": [1.0, 1.0, 2.0]},
    ]
    batch = WeightedCollator(tokenizer)(rows)
    assert batch["weights"].tolist() == weights
    assert batch["labels"].shape == batch["input_ids"].shape == (2, 3)
