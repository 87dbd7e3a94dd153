"""The memory of a training is counted from the base's shape, and agrees with what others have measured."""

import json
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.memory import find_errors, find_errors_left_out, read_peaks
from recipebook.pipeline.train import resolve_stages
from recipebook.recipe.resolve import resolve
from recipebook.train.memory import CONTEXT_BYTES, GIB, LAYER_BYTES, WORD_BYTES, Setup, describe, estimate
from recipebook.train.memory_words import format_memory
from recipebook.train.shapes import KNOWN, LLAMA_7B, BaseShape, find_shape, read_shape

# Two layers; each has four projections of 8 x 8 but for keys and values, 8 x 4, and three of 8 x 16.
SMALL = BaseShape(hidden=8, layers=2, inner=16, vocabulary=100, heads=2, key_heads=1)


def test_a_shape_counts_the_weights_of_its_model() -> None:
    assert (SMALL.linear, SMALL.embeddings) == (2 * (2 * 64 + 2 * 32 + 3 * 128), 1600)
    llama = KNOWN["meta-llama/Llama-3.1-8B-Instruct"]
    assert (llama.linear + llama.embeddings) / 1e9 == pytest.approx(8.03, abs=0.005)
    assert (LLAMA_7B.linear + LLAMA_7B.embeddings) / 1e9 == pytest.approx(6.738, abs=0.005)


def test_each_part_of_the_memory_is_counted_by_hand() -> None:
    """10 tokens through the small shape: the parts in bytes."""
    fitted = LAYER_BYTES * 10 * 16 * 2 + WORD_BYTES * 10 * 100 + CONTEXT_BYTES
    weights, inputs, adapter = 2 * (1152 + 1600), 2 * 10 * 8 * 2, 4 * 2 * (8 + 8)
    lora = Setup("lora", tokens=10, rank=4, targets=("q_proj",))
    assert estimate(SMALL, lora) == pytest.approx(weights + inputs + 16 * adapter + fitted)
    full = Setup("full", tokens=10, processes=2, stage=2)
    one = Setup("full", tokens=10)
    # Gradients and moments in 16 bits, but for the embeddings, and a copy of the output layer.
    assert estimate(SMALL, one) == pytest.approx(8 * 1152 + 16 * 1600 + 2 * 800 + inputs + fitted)
    wide = one._replace(width=4)
    assert estimate(SMALL, wide) == pytest.approx(16 * 2752 + inputs + fitted)
    # Of 8 bits each, but for the moments of the embedding that is looked up.
    assert estimate(SMALL, wide) - estimate(SMALL, wide._replace(optimizer_8bit=True)) == pytest.approx(6 * 1952)
    buckets = 4 * 2752
    assert estimate(SMALL, full) == pytest.approx(weights + inputs + 18 * 2752 / 2 + buckets + fitted)
    # Two layers of 576 and the embeddings are whole while they compute.
    live = 2 * (2 * 576 + 1600)
    sharded = full._replace(stage=3, deepspeed=False)
    assert estimate(SMALL, sharded) == pytest.approx(8 * 2752 / 2 + inputs + live + fitted)


def test_published_peaks_are_met_without_the_peaks_of_their_model() -> None:
    peaks = read_peaks()
    left_out = find_errors_left_out(peaks)
    shipped = find_errors(peaks, (LAYER_BYTES, WORD_BYTES, CONTEXT_BYTES))
    assert len(peaks) == 69
    assert sum(abs(error) <= 0.15 for error in left_out) == 64
    assert sum(abs(error) <= 0.15 for error in shipped) == 66


def test_the_setup_of_a_recipe_is_read_from_it() -> None:
    recipe = resolve("robot-lora", "multi-gpu", ["launch.processes=2", "lora.target_modules=all-linear"]).recipe
    setup = describe(recipe, LLAMA_7B)
    # 8 records a step on two GPUs: four rows of 256 tokens each.
    assert (setup.method, setup.tokens, setup.processes, setup.stage) == ("lora", 1024, 2, 2)
    assert setup.targets == tuple(LLAMA_7B.modules)
    assert describe(recipe, LLAMA_7B, rows_tokens=100).tokens == 400
    by_torch = resolve("robot-lora", "multi-gpu", ["launch.strategy=fsdp2"]).recipe
    found = describe(by_torch, LLAMA_7B)
    assert (found.stage, found.deepspeed, found.width, found.optimizer_8bit) == (3, False, 2, False)
    wide = resolve("robot-lora", "gpu", ["training.precision=fp32"]).recipe
    assert describe(wide, LLAMA_7B).width == 4
    pairs = resolve("preference-dpo", "gpu", []).recipe
    assert describe(pairs, LLAMA_7B).tokens == 2 * pairs.training.batch_size * pairs.training.max_length


@pytest.mark.parametrize(
    ("card", "longest", "words"),
    [
        (139.0, None, "about 20.8 GiB a GPU; it has 139.0 GiB"),
        (139.0, 128, "about 18.3 GiB a GPU with rows of 128 tokens, 20.8 with 256; it has 139.0 GiB"),
        (21.0, None, "about 20.8 GiB a GPU; it has 21.0 GiB. That may not fit; it does with "
                     "training.gradient_checkpointing=true (16.5 GiB), or "),
        (4.0, None, "about 20.8 GiB a GPU; it has 4.0 GiB. That does not fit, with any setting of this recipe"),
    ],
)  # fmt: skip
def test_the_plan_says_whether_it_fits_and_what_would(card: float, longest: int | None, words: str) -> None:
    recipe = resolve("robot-lora", "gpu", []).recipe
    shape = find_shape(recipe.model.base)
    assert shape
    assert format_memory(recipe, shape, card, longest).startswith(words)


def test_where_all_weights_are_trained_an_optimizer_of_8_bits_may_fit() -> None:
    recipe = resolve("robot-lora", "gpu", ["lora=null"]).recipe
    shape = find_shape("Qwen/Qwen2.5-0.5B-Instruct")
    assert shape
    assert format_memory(recipe, shape, 9.0) == (
        "about 9.8 GiB a GPU; it has 9.0 GiB. That does not fit; it does with "
        "training.gradient_checkpointing=true (8.4 GiB), or "
        "training.gradient_checkpointing=true training.optimizer=adamw_bnb_8bit (7.8 GiB), or "
        "training.gradient_checkpointing=true training.batch_size=1 (7.4 GiB)"
    )
    small = resolve("robot-lora", "gpu", ["lora=null", "training.optimizer=adamw_bnb_8bit"]).recipe
    assert describe(small, shape).optimizer_8bit
    assert "adamw_bnb_8bit" not in format_memory(small, shape, 4.0)


def test_a_shape_comes_from_a_folder_from_the_hubs_cache_or_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 99, "num_attention_heads": 4,
        "num_key_value_heads": 2, "tie_word_embeddings": True, "head_dim": 32,
    }  # fmt: skip
    shape = BaseShape(64, 2, 128, 99, heads=4, key_heads=2, tied=True, head_width=32)
    assert shape.modules["o_proj"] == (128, 64)
    for folder in (tmp_path / "own", tmp_path / "hub" / "models--some--base" / "snapshots" / "1"):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert find_shape(str(tmp_path / "own")) == find_shape("some/base") == shape
    assert find_shape("some/other") is None
    assert read_shape({"model_type": "mamba"}) is None


def test_the_shipped_recipe_of_a_base_of_32_billion_weights_trains_by_zero3_since_zero2_does_not_fit() -> None:
    _, stages = resolve_stages("os-interaction-rl", "multi-gpu", [], elsewhere=True)
    recipe = stages[0].recipe
    shape = find_shape(recipe.model.base)
    assert shape
    assert (recipe.launch.strategy, recipe.launch.processes, recipe.training.global_batch) == ("zero3", 8, 8)
    setup = describe(recipe, shape)
    assert [round(estimate(shape, setup._replace(stage=stage)) / GIB) for stage in (2, 3)] == [111, 62]


def test_what_waits_in_main_memory_takes_none_of_the_gpu() -> None:
    whole = Setup("full", tokens=1, processes=2, stage=3)
    # A weight takes 2 bytes, its gradient 2, and 16 more are DeepSpeed's; each of two GPUs holds half.
    held = 20 * (LLAMA_7B.linear + LLAMA_7B.embeddings) / 2
    weights = 2 * (LLAMA_7B.linear + LLAMA_7B.embeddings) / 2

    def saved(offload: Literal["optimizer", "weights"]) -> float:
        return estimate(LLAMA_7B, whole) - estimate(LLAMA_7B, whole._replace(offload=offload))

    assert saved("weights") == pytest.approx(held)
    assert saved("optimizer") == pytest.approx(held - weights)


def test_the_plan_names_main_memory_where_no_gpu_has_room() -> None:
    recipe = resolve("robot-lora", "multi-gpu", ["lora=null", "launch.processes=2"]).recipe
    words = format_memory(recipe, LLAMA_7B, 40.0)
    assert words.endswith("launch.strategy=zero3 launch.offload=weights (5.9 GiB)")
    adam = ["lora=null", "launch.processes=2", "training.optimizer=adamw_bnb_8bit"]
    assert "offload" not in format_memory(resolve("robot-lora", "multi-gpu", adam).recipe, LLAMA_7B, 40.0)
