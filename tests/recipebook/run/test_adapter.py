"""Adapters on the embedded base: where whole ones act, and why broken ones cannot."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from recipebook.errors import UserError
from recipebook.run.adapter import compare_with_base, put_on
from recipebook.run.adapter_names import CONFIG, WEIGHTS
from recipebook.run.norms import measure_adapter
from tests.recipebook.run.adapters import (
    TINY,
    change_config,
    change_weights,
    drop_weights,
    load_base,
    map_weights,
    rename_weights,
    write_adapter,
)

FIRST = "model.layers.0.self_attn.q_proj"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """One that acts at the q_proj and v_proj of four layers."""
    return write_adapter(tmp_path / "model")


def refuse(adapter: Path) -> str:
    with pytest.raises(UserError) as caught:
        put_on(load_base(), adapter)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_norm_at_a_module_is_that_of_what_is_added_to_its_weights(adapter: Path) -> None:
    weights = load_file(adapter / WEIGHTS)
    a, b = (weights[f"base_model.model.{FIRST}.lora_{side}.weight"] for side in "AB")
    tuned, acting = put_on(load_base(), adapter)
    norms = measure_adapter(tuned, "default")
    # alpha 8 and r 4
    assert norms[FIRST] == pytest.approx(float((2 * b @ a).norm()), rel=1e-5)
    assert acting and acting.model_dump() == {
        "kind": "adapter", "modules": 8, "idle": (), "without_weights": (), "surplus": (), "unmatched": (),
        "smallest": min(norms.values()), "median": pytest.approx(sum(sorted(norms.values())[3:5]) / 2),
        "largest": max(norms.values()),
    }  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"use_rslora": True},
        {"use_dora": True},
        {"target_modules": ["embed_tokens", "q_proj"]},
        {"target_modules": "all-linear"},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}},
        {"layers_to_transform": [1, 3]},
        {"modules_to_save": ["lm_head"]},
        {"target_modules": r".*\.layers\.[01]\.mlp\..*_proj"},
    ],
)
def test_the_norms_are_those_of_what_merging_adds(tmp_path: Path, settings: dict[str, Any]) -> None:
    tuned, acting = put_on(load_base(), write_adapter(tmp_path / "model", **settings))
    norms = measure_adapter(tuned, "default")
    merged, base = tuned.merge_and_unload(), load_base()
    for name, norm in norms.items():
        added = merged.get_submodule(name).weight - base.get_submodule(name).weight
        assert norm == pytest.approx(float(added.norm()), rel=1e-4)
    assert acting and acting.modules == len(norms) and acting.unmatched == ()


def test_a_bias_acts_as_well(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "model", lora_bias=True)
    change_weights(adapter, map_weights(lambda name, one: torch.full_like(one, 0.5 if "bias" in name else 0.0)))
    # 128 biases of 0.5, times alpha 8 by r 4.
    tuned, _ = put_on(load_base(), adapter)
    assert [*measure_adapter(tuned, "default").values()] == pytest.approx([math.sqrt(128)] * 8)


def test_a_module_without_weights_is_named(adapter: Path) -> None:
    change_weights(adapter, drop_weights(f"{FIRST}.lora"))
    change_config(adapter, init_lora_weights=True)
    _, acting = put_on(load_base(), adapter)
    assert acting and (acting.modules, acting.active, acting.idle, acting.without_weights) == (8, 7, (FIRST,), (FIRST,))


def test_a_module_whose_b_is_zero_is_named(adapter: Path) -> None:
    change_weights(adapter, map_weights(lambda name, one: one * (f"{FIRST}.lora_B" not in name)))
    _, acting = put_on(load_base(), adapter)
    assert acting and (acting.active, acting.idle, acting.without_weights) == (7, (FIRST,), ())
    assert acting.smallest > 0


def test_weights_and_targets_that_fit_nothing_are_named(adapter: Path) -> None:
    change_config(adapter, layers_to_transform=[0, 99], target_modules=["q_proj", "v_proj", "query"])
    _, acting = put_on(load_base(), adapter)
    assert acting and (acting.modules, acting.idle, acting.unmatched) == (2, (), ("query",))
    assert acting.surplus == tuple(
        f"model.layers.{layer}.self_attn.{name}_proj" for layer in (1, 2, 3) for name in "qv"
    )


def test_names_of_another_library_put_nothing_on_the_base(adapter: Path) -> None:
    change_weights(adapter, rename_weights("base_model.model.", "transformer."))
    assert refuse(adapter).endswith(
        f"the adapter acts at no module: its weights are of transformer.{FIRST}, and the base has {FIRST}"
    )


def test_weights_for_no_targeted_module_put_nothing_on_the_base(adapter: Path) -> None:
    change_weights(adapter, rename_weights("layers", "h"))
    assert f"its weights are of {FIRST.replace('layers', 'h')}, and the base has {FIRST}" in refuse(adapter)


def test_zeros_in_every_b_add_nothing(adapter: Path) -> None:
    change_weights(adapter, map_weights(lambda name, one: one * ("lora_B" not in name)))
    assert refuse(adapter).endswith(
        "the adapter acts at no module: lora_B is zero at all 8, so B·A adds nothing to the base"
    )


def test_zeros_in_either_matrix_add_nothing(adapter: Path) -> None:
    change_weights(adapter, map_weights(lambda name, one: one * (("q_proj" in name) == ("lora_B" in name))))
    assert "lora_A or B is zero at all 8" in refuse(adapter)


def test_dora_whose_b_is_zero_acts_nowhere(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "model", size=0.0, use_dora=True)
    assert refuse(adapter).endswith("the adapter acts at no module: B·A is zero at all 8")


def test_a_scale_of_zero_adds_nothing(adapter: Path) -> None:
    change_config(adapter, lora_alpha=0)
    assert refuse(adapter).endswith("the adapter acts at no module: B·A is zero at all 8")


def test_an_adapter_of_a_wider_model_does_not_fit(adapter: Path) -> None:
    change_weights(adapter, map_weights(lambda name, one: torch.cat([one, one], dim=int("lora_A" in name))))
    assert refuse(adapter).endswith(
        f"{FIRST} is 256 to 256 in the adapter and 128 to 128 in the base: it was trained on another model"
    )


def test_whole_numbers_are_no_weights(adapter: Path) -> None:
    change_weights(adapter, map_weights(lambda _, one: one.to(torch.int8)))
    assert refuse(adapter).endswith(
        f"{FIRST}.lora_A.weight is stored as int8; an adapter's weights are fractions, which int8 cannot hold"
    )


def test_an_overflow_of_float16_is_told_from_other_infinities(adapter: Path) -> None:
    change_weights(adapter, map_weights(lambda name, one: (one * (1e8 if "lora_B" in name else 1)).half()))
    assert "of 512 weights are NaN or infinite; float16 ends at 65,504, larger weights overflow" in refuse(adapter)


def test_one_nan_is_found(adapter: Path) -> None:
    change_weights(
        adapter, map_weights(lambda name, one: one.index_fill(0, torch.tensor(0), math.nan) if FIRST in name else one)
    )
    assert refuse(adapter).endswith(f"base_model.model.{FIRST}.lora_A.weight: 128 of 512 weights are NaN or infinite")


def test_another_rank_than_the_weights_is_refused(adapter: Path) -> None:
    change_config(adapter, r=8)
    assert refuse(adapter).endswith(f"{CONFIG} has r: 8, and the weights have rank 4")


def test_another_rank_of_one_module_is_refused(adapter: Path) -> None:
    change_config(adapter, rank_pattern={"q_proj": 2})
    assert "PEFT cannot put it on the base: Error(s) in loading state_dict" in refuse(adapter)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"target_modules": ["query"]}, "with target_modules: ['query']"),
        ({"layers_to_transform": [99]}, "layers_to_transform: [99]"),
        ({"exclude_modules": ["q_proj", "v_proj"]}, "exclude_modules: ['q_proj', 'v_proj']"),
    ],
)
def test_settings_that_target_no_module_are_refused(adapter: Path, settings: dict[str, Any], told: str) -> None:
    change_config(adapter, **settings)
    message = refuse(adapter)
    assert f"the adapter acts at no module: no module of the base fits {CONFIG} with target_modules: [" in message
    assert told in message


def test_modules_that_would_be_random_are_refused(adapter: Path) -> None:
    change_weights(adapter, drop_weights(f"{FIRST}.lora"))
    assert refuse(adapter).endswith(
        f"{WEIGHTS} has no weights of {FIRST}, which by init_lora_weights: False would act with random ones"
    )


def test_whole_modules_that_were_not_saved_are_refused(adapter: Path) -> None:
    change_config(adapter, modules_to_save=["lm_head"])
    assert refuse(adapter).endswith(f"{WEIGHTS} has no 'base_model.model.lm_head.weight', which {CONFIG} names")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "header too small"),
        ((2).to_bytes(8, "little") + b"{}", "it is empty: no weights are in it"),
        (None, "it has no"),
    ],
)
def test_files_without_weights_are_refused(adapter: Path, content: bytes | None, told: str) -> None:
    (adapter / WEIGHTS).unlink()
    if content is not None:
        (adapter / WEIGHTS).write_bytes(content)
    assert told in refuse(adapter)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "cannot be read"), ("[]", "peft_type is None"), ('{"peft_type": "NO"}', "peft_type is NO")],
)
def test_broken_settings_are_refused(adapter: Path, content: str, told: str) -> None:
    (adapter / CONFIG).write_text(content)
    assert f"{CONFIG}: {told}" in refuse(adapter)


def test_a_second_adapter_is_checked_as_the_first(adapter: Path, tmp_path: Path) -> None:
    other = write_adapter(tmp_path / "other", seed=2, target_modules=["k_proj"])
    first, _ = put_on(load_base(), adapter, "one")
    both, acting = put_on(first, other, "other")
    assert acting and (acting.modules, acting.active) == (4, 4)
    assert len(measure_adapter(both, "one")) == 8
    change_weights(other, rename_weights("layers", "h"))
    with pytest.raises(UserError, match="acts at no module"):
        put_on(both, other, "again")


def test_a_whole_model_is_compared_weight_by_weight(tmp_path: Path) -> None:
    model = load_base()
    model.model.norm.weight.data += 1
    model.to(torch.bfloat16).save_pretrained(tmp_path / "model")
    acting = compare_with_base(tmp_path / "model", TINY, None)
    assert acting and (acting.kind, acting.active, len(acting.idle) + 1) == ("model", 1, acting.modules)
    # 128 weights, each larger by 1, up to bfloat16.
    assert acting.largest == pytest.approx(math.sqrt(128), rel=0.02)


def test_a_whole_model_that_is_its_base_is_refused() -> None:
    with pytest.raises(UserError, match=r"all 46 weights of the model are those of its base models/tiny-base"):
        compare_with_base(TINY, TINY, None)


def test_a_base_that_is_not_on_this_machine_cannot_be_compared() -> None:
    assert compare_with_base(TINY, "nobody/nothing", None) is None
