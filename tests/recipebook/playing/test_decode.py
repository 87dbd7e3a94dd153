"""Decoding: the same tokens as the model says alone, whatever else is in the batch and whenever it ends."""

from pathlib import Path
from typing import Any

import pytest
import torch

from eval.asking.generate import load_base, load_tokenizer, stop_tokens
from recipebook.playing.decode import Decoded, decode
from recipebook.recipe.evaluation_keys import Generation

TINY = Path(__file__).parents[3] / "models" / "tiny-base"
TEXTS = ["pick up the red ball", "stop", "a b c d e f g h", "go ahead two meters and then turn left slowly"]


@pytest.fixture(scope="module")
def model() -> Any:
    return load_base(str(TINY), None)


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    tokenizer = load_tokenizer(TINY)
    return [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]


def say_alone(model: Any, ids: list[int], limit: int) -> list[int]:
    """The plainest way: the whole text again for each token."""
    said: list[int] = []
    for _ in range(limit):
        with torch.inference_mode():
            said.append(int(model(torch.tensor([ids + said])).logits[0, -1].argmax()))
    return said


def test_a_batch_that_shrinks_says_what_each_prompt_gets_alone(model: Any, prompts: list[list[int]]) -> None:
    alone = [say_alone(model, ids, 12) for ids in prompts]
    # Tokens that end the answers at unlike places.
    stops = {alone[0][2], alone[3][7]}
    expected = []
    for said in alone:
        end = next((at for at, token in enumerate(said) if token in stops), None)
        expected.append(Decoded(said[:end], end is not None))
    assert decode(model, prompts, stops, Generation(max_new_tokens=12)) == expected


def test_the_limit_cuts_an_answer_off(model: Any, prompts: list[list[int]]) -> None:
    assert decode(model, prompts[:1], {-1}, Generation(max_new_tokens=3)) == [
        Decoded(say_alone(model, prompts[0], 3), False)
    ]


def test_a_seed_samples_the_same_and_a_small_share_is_the_likeliest(model: Any, prompts: list[list[int]]) -> None:
    hot = Generation(max_new_tokens=8, temperature=2.0)
    said = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        said.append(decode(model, prompts, {-1}, hot))
    assert said[0] == said[1] != said[2]
    narrow = Generation(max_new_tokens=8, temperature=2.0, top_p=1e-6)
    assert decode(model, prompts, {-1}, narrow) == decode(model, prompts, {-1}, Generation(max_new_tokens=8))


def test_a_common_beginning_is_read_once_and_changes_no_answer(model: Any, prompts: list[list[int]]) -> None:
    beginning = [token for ids in prompts[:1] * 3 for token in ids]
    asked = [beginning, *(beginning + ids for ids in prompts)]
    widths: list[int] = []
    handle = model.model.register_forward_pre_hook(
        lambda *call: widths.append(call[2]["input_ids"].numel()), with_kwargs=True
    )
    said = decode(model, asked, {-1}, Generation(max_new_tokens=12))
    handle.remove()
    assert said == [Decoded(say_alone(model, ids, 12), False) for ids in asked]
    longest = max(len(ids) for ids in prompts)
    assert widths[:3] == [len(beginning) - 1, 5 * (longest + 1), 5]


def test_progress_counts_answers_that_ended_and_tokens_of_prompts_and_answers(
    model: Any, prompts: list[list[int]]
) -> None:
    alone = [say_alone(model, ids, 3) for ids in prompts[:2]]
    seen: list[tuple[int, int]] = []
    decode(model, prompts[:2], {alone[0][1]}, Generation(max_new_tokens=3), lambda *now: seen.append(now))
    read = len(prompts[0]) + len(prompts[1])
    assert alone[0][1] not in [alone[0][0], *alone[1]]
    assert seen == [(0, 0), (0, read + 2), (1, read + 3), (1, read + 4)]


def test_answers_end_at_the_templates_token_beside_the_tokenizers(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = (TINY.parents[1] / "templates" / "chat" / "chatml.jinja").read_text()
    tokenizer.eos_token = "<|im_start|>"
    monkeypatch.setattr(model.generation_config, "eos_token_id", None)
    assert {tokenizer.decode(token) for token in stop_tokens(model, tokenizer)} == {"<|im_start|>", "<|im_end|>"}
