"""The settings that a GPU gets where a recipe says nothing, and why; what the recipe says is kept."""

from typing import Any

import pytest

from recipebook.recipe.batches import Batch, divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run import identities
from recipebook.train.cards import find_card
from recipebook.train.settle import TrainingDevice, find_device, settle

PROCESSOR = TrainingDevice(gpu=False, bf16=True)


def build(name: str, *settings: str, profile: str = "gpu") -> Recipe:
    return resolve(name, profile, list(settings)).recipe


def read(recipe: Recipe, card: str) -> dict[str, Any]:
    found = find_card(card)
    assert found
    return {one.key.partition(".")[2]: one.value for one in settle(recipe, find_device(found)).reasons}


def explain(recipe: Recipe, key: str, card: str = "H100") -> str:
    (why,) = [one.why for one in settle(recipe, find_device(find_card(card))).reasons if one.key == key]
    return why


@pytest.mark.parametrize(
    ("name", "card", "values"),
    [
        ("robot-lora", "H100", ("records", False, False, True, 2, "bf16", "adamw_torch_fused", True)),
        ("toolformer-sft", "A100-40", ("records", True, False, True, 2, "bf16", "adamw_torch_fused", True)),
        # 73 GiB without checkpointing; a T4 computes in fp16, and without a kernel for packed rows.
        ("trait", "4090", ("records", True, True, True, 2, "bf16", "adamw_torch_fused", True)),
        ("trait", "T4", (False, True, True, False, 2, "fp16", "adamw_torch_fused", True)),
        ("preference-dpo", "H100", (False, False, False, True, 2, "bf16", "adamw_torch_fused", False)),
        ("toolformer-weighted", "H100", (False, False, False, True, 2, "bf16", "adamw_torch_fused", True)),
    ],
)
def test_the_settings_follow_from_recipe_base_and_card(name: str, card: str, values: tuple[Any, ...]) -> None:
    names = (
        "packing", "chunked_loss", "gradient_checkpointing", "tf32", "workers", "precision", "optimizer", "kernels"
    )  # fmt: skip
    assert read(build(name), card) == {**dict(zip(names, values, strict=True)), "pin_memory": True}
    ranks = build(name, "training.global_batch=32", profile="multi-gpu")
    assert read(ranks, card)["timeout"] == 7200


def test_each_has_its_reason() -> None:
    assert explain(build("trait"), "training.gradient_checkpointing", "4090") == (
        "about 73.0 GiB without it, and a GPU has 24.0"
    )
    assert explain(build("trait"), "training.chunked_loss") == "a vocabulary of 128,256 is large"
    assert explain(build("robot-lora"), "training.packing", "T4") == (
        "this GPU has no kernel of varlen attention, which keeps packed rows apart"
    )
    grouped = build("robot-lora", "training.group_by_length=true")
    assert explain(grouped, "training.packing") == "group_by_length puts rows of like length together"
    assert explain(build("robot-lora", profile="multi-gpu"), "training.packing") == "a GPU takes one row at a time"
    assert explain(build("robot-lora", "training.precision=fp32"), "training.packing") == (
        "varlen attention, which keeps packed rows apart, computes in 16 bits"
    )
    assert explain(build("robot-lora", "training.packing=false"), "training.packing") == "as the recipe says"
    assert explain(build("robot-lora", "lora.quantize=8bit"), "lora.kernels") == "Axolotl has none for a base in 8 bits"
    assert explain(build("robot-lora", "lora=null"), "training.precision", "T4") == (
        "the GPU has no bf16, and whole weights in fp16 need DeepSpeed"
    )


def test_axolotls_own_settings_and_optimizers_are_explained() -> None:
    liger = "axolotl.plugins=[axolotl.integrations.liger.LigerPlugin]"
    recipe = build("trait", liger, "axolotl.liger_fused_linear_cross_entropy=true", "training.optimizer=muon")
    assert explain(recipe, "training.chunked_loss") == "axolotl.liger_fused_linear_cross_entropy is another such loss"
    assert explain(recipe, "training.optimizer") == "orthogonal steps for matrices, one moment; not under DeepSpeed"
    assert explain(recipe, "axolotl.liger_fused_linear_cross_entropy").startswith("no logits are kept")


def test_what_the_recipe_says_is_kept() -> None:
    given = ("training.gradient_checkpointing=true", "training.workers=5", "training.chunked_loss=true")
    found = read(build("robot-lora", *given, "training.tf32=false", "training.packing=false"), "H100")
    assert [found[key] for key in ("gradient_checkpointing", "workers", "chunked_loss", "tf32", "packing")] == [
        True, 5, True, False, False
    ]  # fmt: skip


def test_on_a_processor_and_at_a_service_all_are_off() -> None:
    for recipe, device in (
        (build("robot-lora", profile="tiny"), PROCESSOR),
        (build("trait", profile="together"), find_device(find_card("H100"))),
    ):
        training = settle(recipe, device).recipe.training
        found = (training.packing, training.chunked_loss, training.gradient_checkpointing, training.tf32)
        assert (*found, training.workers) == (False, False, False, False, 0)


def test_a_pack_takes_the_rows_of_a_step_at_once_as_far_as_they_surely_fit() -> None:
    """persona-unified has one row of 512 tokens at a time, four times a step."""
    recipe = build("persona-unified")
    assert divide_batch(recipe.training, 1) == Batch(1, 4, 1)
    packed = settle(recipe, find_device(find_card("H100"))).recipe.training
    assert divide_batch(packed, 1) == Batch(4, 1, 1)
    assert divide_batch(packed.model_copy(update={"pack_length": 1024}), 1) == Batch(2, 2, 1)


def test_the_card_is_no_part_of_a_runs_identity() -> None:
    recipe = build("trait")
    assert identities.identify(recipe, "rows") == identities.identify(recipe.model_copy(), "rows")
    inputs = identities.list_inputs(recipe, "rows")
    assert not any(word in key for key in inputs for word in ("packing", "chunked", "checkpointing", "tf32", "workers"))
