"""Likelihoods: the same as the model's own loss, whatever else is in the batch."""

from pathlib import Path
from typing import Any

import pytest
import torch

from eval.asking import likelihood
from eval.asking.generate import format_prompt, format_reference, load_base, load_tokenizer, write
from eval.asking.likelihood import measure, measure_tokens
from eval.asking.prompts import Prompt
from eval.asking.span_likelihood import measure_spans
from recipebook.errors import UserError
from recipebook.rows import Message

TINY = Path(__file__).parents[3] / "models" / "tiny-base"
SAID: Message = {"role": "user", "content": "turn left"}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    loaded = load_tokenizer(TINY)
    loaded.chat_template = (TINY.parents[1] / "templates" / "chat" / "chatml.jinja").read_text()
    return loaded


def ask(answer: Message, *said: Message) -> Prompt:
    return Prompt("1", said or (SAID,), (), answer, None, {})


def test_likelihoods_are_those_of_the_model_alone(tokenizer: Any) -> None:
    model = load_base(str(TINY), None)
    texts = [("say it: a", " b c"), ("a much longer prompt than the other: 1 2 3 4", " go"), ("", "stop it")]
    found = measure(model, tokenizer, texts, batch_size=3, label="test")
    for (prompt, answer), one in zip(texts, found, strict=True):
        start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        ids = tokenizer(prompt + answer, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            odds = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        kept = range(max(start, 1), len(ids))
        assert one.tokens == len(kept)
        assert one.log_probability == pytest.approx(sum(odds[at - 1, ids[at]].item() for at in kept), abs=1e-4)


def test_of_a_text_beyond_the_context_nothing_is_measured(tokenizer: Any) -> None:
    model = load_base(str(TINY), None)
    # The tiny base reads 1,024 tokens.
    texts = [("stop " * 1_100, " go"), ("say it:", " go")]
    (alone,) = measure(model, tokenizer, texts[1:], batch_size=2, label="")
    assert measure(model, tokenizer, texts, batch_size=2, label="") == [(0.0, 0), alone]
    assert measure_tokens(model, tokenizer, texts, batch_size=2)[0] == []
    assert measure_spans(model, tokenizer, texts, 2, "")[0] == {}


def test_a_model_whose_numbers_overflow_is_refused(tokenizer: Any) -> None:
    model = load_base(str(TINY), None)
    model.model.norm.weight.data.fill_(float("inf"))
    with pytest.raises(UserError, match=r"^a model computes likelihoods that are no numbers, in float32: its weights"):
        measure(model, tokenizer, [("say it:", " go")], batch_size=1, label="test")


def test_an_answer_is_written_with_the_end_of_its_turn(tokenizer: Any) -> None:
    prompt = ask({"role": "assistant", "content": "robot.stop()"})
    assert format_prompt(tokenizer, prompt) == "<|im_start|>user\nturn left<|im_end|>\n<|im_start|>assistant\n"
    assert write(tokenizer, prompt, prompt.answer).answer == "robot.stop()<|im_end|>"
    assert format_reference(tokenizer, prompt) == "robot.stop()"


def test_calls_are_the_reference_as_the_template_writes_them(tokenizer: Any) -> None:
    call = {"type": "function", "function": {"name": "search", "arguments": '{"q": "red"}'}}
    prompt = ask({"role": "assistant", "content": "", "tool_calls": [call]})
    assert format_reference(tokenizer, prompt) == (
        '<tool_call>{"name": "search", "arguments": {"q": "red"}}</tool_call>'
    )


def test_token_by_token_they_are_the_parts_of_the_whole(tokenizer: Any) -> None:
    model = load_base(str(TINY), None)
    texts = [
        ("say it: a", " b c"),
        ("a much longer prompt than the other: 1 2 3 4", " go"),
        ("stop", " it now and here"),
    ]
    parts = measure_tokens(model, tokenizer, texts, batch_size=2)
    for found, whole in zip(parts, measure(model, tokenizer, texts, 2, "test"), strict=True):
        assert len(found) == whole.tokens
        assert sum(found) == pytest.approx(whole.log_probability, abs=1e-5)


def test_an_answers_likelihood_is_told_by_the_kinds_of_its_spans(tokenizer: Any) -> None:
    model = load_base(str(TINY), None)
    text = ("find red caps: ", "find red <tool>search(query='red')</tool> caps<|im_end|>")
    (whole,) = measure(model, tokenizer, [text], batch_size=1, label="test")
    (parts,) = measure_spans(model, tokenizer, [text], batch_size=1, label="test")
    assert list(parts) == ["fluency", "position", "tool", "argument"]
    assert sum(part.tokens for part in parts.values()) == whole.tokens
    assert sum(part.log_probability for part in parts.values()) == pytest.approx(whole.log_probability, abs=1e-4)
    name = tokenizer(text[0] + "find red <tool>", add_special_tokens=False)["input_ids"]
    ids = tokenizer(text[0] + "find red <tool>search", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        odds = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    expected = sum(odds[at - 1, ids[at]].item() for at in range(len(name), len(ids)))
    assert parts["tool"].log_probability == pytest.approx(expected, abs=1e-4)
    assert parts["tool"].tokens == len(ids) - len(name)


def test_a_processor_takes_fewer_tokens_at_a_time_and_finds_the_same(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_base(str(TINY), None)
    texts = [("say it: a", " b c"), ("say it: a b", " c d"), ("a much longer prompt than the other: 1 2 3 4", " go")]
    whole = measure(model, tokenizer, texts, batch_size=3, label="test")
    widths: list[torch.Size] = []
    model.model.register_forward_pre_hook(lambda *call: widths.append(call[2]["input_ids"].shape), with_kwargs=True)
    monkeypatch.setattr(likelihood, "MOST_TOKENS_ON_CPU", 24)
    parts = measure(model, tokenizer, texts, batch_size=3, label="test")
    assert [width[0] for width in widths] == [2, 1]
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
