"""Decoding: the same tokens as the model says alone, whatever else is in the batch and whenever it ends."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Qwen3Config

from eval.asking.generate import load_base, load_tokenizer, stop_tokens
from recipebook.playing.decode import Decoded, DecodingProgress, decode, order_prompts
from recipebook.recipe.evaluation_keys import Generation

TINY = Path(__file__).parents[3] / "models" / "tiny-base"
LENGTHS = (5, 3, 17, 2, 9, 9, 4, 12, 6, 21, 3, 8, 15, 2)
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


def test_an_answer_ends_where_the_context_does(model: Any, prompts: list[list[int]]) -> None:
    # The tiny base reads 1,024 tokens.
    filler = (prompts[0] * 1_024)[:1_024]
    full, nearly = filler, filler[:1_021]
    settings = Generation(max_new_tokens=5)
    assert decode(model, [full, nearly, prompts[1]], {-1}, settings, room=2) == [
        Decoded([], False),
        Decoded(say_alone(model, nearly, 3), False),
        Decoded(say_alone(model, prompts[1], 5), False),
    ]
    assert decode(model, [full], {-1}, settings) == [Decoded([], False)]


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


def watch_rows(model: Any) -> tuple[list[tuple[int, ...]], Any]:
    """The rows and columns of all tokens that the model reads, and the handle that ends it."""
    shapes: list[tuple[int, ...]] = []
    handle = model.model.register_forward_pre_hook(
        lambda *call: shapes.append(tuple(call[2]["input_ids"].shape)), with_kwargs=True
    )
    return shapes, handle


def make_prompts(beginning: int = 0) -> list[list[int]]:
    """Prompts of unlike lengths, which may begin alike."""
    draw = torch.Generator().manual_seed(3)
    same = torch.randint(5, 1990, (beginning,), generator=draw).tolist()
    return [same + torch.randint(5, 1990, (length,), generator=draw).tolist() for length in LENGTHS]


def cut(said: list[int], stops: set[int]) -> Decoded:
    end = next((at for at, token in enumerate(said) if token in stops), None)
    return Decoded(said[:end], end is not None)


@pytest.mark.parametrize("beginning", [0, 11])
def test_prompts_that_join_a_batch_get_what_each_gets_alone(model: Any, beginning: int) -> None:
    asked = make_prompts(beginning)
    alone = [say_alone(model, ids, 20) for ids in asked]
    stops = {alone[2][0], alone[9][1], alone[4][3], alone[0][6]}
    shapes, handle = watch_rows(model)
    said = decode(model, asked, stops, Generation(max_new_tokens=20), room=4)
    handle.remove()
    assert said == [cut(one, stops) for one in alone]
    assert 0 < sum(one.ended for one in said) < len(said)
    steps = [rows for rows, columns in shapes if columns == 1]
    joining = [rows for rows, columns in shapes if columns > 1]
    # Longer prompts join while answers are being written.
    assert joining[1 if beginning else 0] == 4
    assert max(steps) == 4
    assert len(joining) > 4
    assert max(len(one.ids) for one in said) == 20


def test_a_batch_with_room_for_one_answers_one_prompt_after_another(model: Any) -> None:
    asked = make_prompts()[:3]
    shapes, handle = watch_rows(model)
    said = decode(model, asked, {-1}, Generation(max_new_tokens=4), room=1)
    handle.remove()
    assert said == [Decoded(say_alone(model, ids, 4), False) for ids in asked]
    assert [columns for _, columns in shapes] == [3, 1, 1, 1, 5, 1, 1, 1, 17, 1, 1, 1]


def test_a_short_answer_is_not_written_beside_long_prompts(model: Any) -> None:
    asked = make_prompts()
    shapes: list[tuple[int, ...]] = []
    handle = model.model.register_forward_pre_hook(
        lambda *call: shapes.append(tuple(call[2]["attention_mask"].shape)), with_kwargs=True
    )
    decode(model, asked, {-1}, Generation(max_new_tokens=4), room=7)
    handle.remove()
    # Seven prompts of 2 to 6 tokens and their answers, then seven of 8 to 21.
    assert shapes == [(7, 6), (7, 7), (7, 8), (7, 9), (7, 21), (7, 22), (7, 23), (7, 24)]


def test_on_a_gpu_the_longest_prompts_come_first_so_that_too_large_a_batch_fails_at_once() -> None:
    prompts = [[1, 2], [1], [1, 2, 3]]
    assert order_prompts(range(3), prompts, torch.device("cpu")) == [1, 0, 2]
    assert order_prompts(range(3), prompts, torch.device("cuda")) == [2, 0, 1]


@pytest.mark.parametrize("adapted", [False, True])
def test_answers_are_those_of_generate(adapted: bool) -> None:
    model: Any = load_base(str(TINY), None)
    if adapted:
        torch.manual_seed(0)
        targets = ["q_proj", "v_proj", "down_proj"]
        settings = LoraConfig(r=4, lora_alpha=32, target_modules=targets, init_lora_weights=False)
        model = get_peft_model(model, settings).eval()
    inner = model.get_base_model() if adapted else model
    asked, limit = make_prompts(beginning=9), 24
    width = max(map(len, asked))
    padded = torch.tensor([[0] * (width - len(ids)) + ids for ids in asked])
    seen = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in asked])

    def generate(ends: list[int]) -> list[list[int]]:
        ids: Any = inner.generate(
            padded, attention_mask=seen, do_sample=False, max_new_tokens=limit, eos_token_id=ends, pad_token_id=0
        )
        return [one[width:].tolist() for one in ids]

    without = generate([1999])
    ends = [without[1][2], without[6][9]]
    expected = [cut(one, {*ends}) for one in generate(ends)]
    assert {one.ended for one in expected} == {True, False}
    assert decode(inner, asked, {*ends}, Generation(max_new_tokens=limit), room=5) == expected


def test_layers_that_see_a_window_of_tokens_get_batch_after_batch() -> None:
    torch.manual_seed(1)
    layers = ["sliding_attention", "full_attention"]
    config = Qwen3Config(
        vocab_size=2000, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, sliding_window=6, use_sliding_window=True, layer_types=layers,
    )  # fmt: skip
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(config).eval()
    asked = make_prompts(beginning=10)
    shapes, handle = watch_rows(model)
    said = decode(model, asked, {-1}, Generation(max_new_tokens=10), room=5)
    handle.remove()
    assert said == [Decoded(say_alone(model, ids, 10), False) for ids in asked]
    assert [rows for rows, columns in shapes if columns > 1] == [5, 5, 4]


def test_progress_counts_answers_that_left_and_tokens_of_prompts_and_answers(
    model: Any, prompts: list[list[int]]
) -> None:
    alone = [say_alone(model, ids, 3) for ids in prompts[:2]]
    seen: list[DecodingProgress] = []
    decode(model, prompts[:2], {alone[0][1]}, Generation(max_new_tokens=3), seen.append)
    read = len(prompts[0]) + len(prompts[1])
    assert alone[0][1] not in [alone[0][0], *alone[1]]
    assert seen == [(0, 0, 0), (0, 0, read + 2), (1, 1, read + 3), (2, 4, read + 4)]


def test_answers_end_at_the_templates_token_beside_the_tokenizers(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = (TINY.parents[1] / "templates" / "chat" / "chatml.jinja").read_text()
    tokenizer.eos_token = "<|im_start|>"
    monkeypatch.setattr(model.generation_config, "eos_token_id", None)
    assert {tokenizer.decode(token) for token in stop_tokens(model, tokenizer)} == {"<|im_start|>", "<|im_end|>"}
