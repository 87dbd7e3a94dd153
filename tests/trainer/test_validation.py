"""What Axolotl itself says of every recipe for GPUs, on cards of four kinds: no error, and no warning but those named.

Axolotl's validator runs as it does before training, with the card's abilities in place of those that torch would find.
"""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml

from recipebook.launch.render import Inputs, render_axolotl, render_deepspeed
from recipebook.recipe.layers import list_recipes
from recipebook.recipe.resolve import resolve
from recipebook.train import cards
from recipebook.train.engine_settings import OPTIMIZERS, EngineSetting
from recipebook.train.engine_settings import SETTINGS as SETTINGS_OF_ENGINE
from recipebook.train.settle import find_device, settle

pytestmark = pytest.mark.long

INPUTS = Inputs(train="data/train.jsonl", validation="data/validation.jsonl", prepared="prepared")


class Card(NamedTuple):
    """A GPU, by what Axolotl asks of it."""

    name: str
    capability: str
    bf16: bool = True
    fp8: bool = True


CARDS = [
    Card("H100", "sm_90"), Card("A100-40", "sm_80", fp8=False), Card("4090", "sm_89"),
    Card("T4", "sm_75", bf16=False, fp8=False),
]  # fmt: skip
# `make plan` says so in its line `packed`.
NAMED = "sample_packing & torch sdpa with bf16 is unsupported may results in 0.0 loss. This may work on H100s."
FSDP = "launch.processes=8 launch.strategy=fsdp2 training.global_batch=8"
PACKED = "training.packing=true training.global_batch=null"
# Settings that a user may add, for answers and for pairs.
BOTH = [
    "training.gradient_checkpointing=true", "lora.quantize=4bit", "lora.quantize=8bit", "launch.strategy=zero1",
    "launch.strategy=zero3 lora.quantize=4bit training.gradient_checkpointing=true", "training.precision=fp32",
    "training.precision=fp16", "training.optimizer=adamw_bnb_8bit", FSDP,
    f"{FSDP} training.gradient_checkpointing=true",
]  # fmt: skip
SETTINGS = [
    *(("preference-dpo", settings) for settings in BOTH),
    *(("robot-lora", settings) for settings in
      [*BOTH, f"{FSDP} lora.quantize=4bit", f"{FSDP} lora.quantize=8bit", f"{FSDP} lora=null", "lora=null",
       "launch.strategy=zero3 lora=null", PACKED, f"lora=null {PACKED}"]),
]  # fmt: skip


class Warnings(logging.Handler):
    """Keeps what Axolotl warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@pytest.fixture
def warnings() -> Iterator[Warnings]:
    handler = Warnings()
    logging.getLogger("axolotl").addHandler(handler)
    yield handler
    logging.getLogger("axolotl").removeHandler(handler)


def validate(name: str, profile: str, card: Card, settings: str = "") -> Any:
    """Axolotl's configuration of a recipe on such cards, after its own validation."""
    from axolotl.utils import config as axolotl_config
    from axolotl.utils.dict import DictDefault

    asked = resolve(name, profile, settings.split()).recipe
    recipe = settle(asked, find_device(cards.find_card(card.name))).recipe
    config = DictDefault(yaml.safe_load(render_axolotl(recipe, INPUTS, gpu=True, bf16=card.bf16)))
    assert (render_deepspeed(recipe, gpu=True) is None) == (config.deepspeed is None)
    abilities = {
        "bf16": card.bf16, "fp8": card.fp8, "tf32": card.bf16, "n_gpu": recipe.launch.processes, "n_node": 1,
        "compute_capability": card.capability,
    }  # fmt: skip
    axolotl_config.prepare_plugins(config)
    config = axolotl_config.validate_config(config, abilities, {"torch_version": "2.13.0"})
    axolotl_config.resolve_dtype(config)
    return config


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_no_recipe_has_an_error_or_a_warning_that_the_plan_does_not_name(card: Card, warnings: Warnings) -> None:
    cases = [(name, profile) for name in list_recipes() for profile in ("gpu", "multi-gpu")]
    assert len(cases) >= 36
    for name, profile in cases:
        config = validate(name, profile, card)
        named = [NAMED] if config.sample_packing and card.name != "H100" else []
        assert (warnings.said, config.bf16) == (named, card.bf16), f"{name} under {profile}"
        warnings.said.clear()


@pytest.mark.parametrize("card", [card for card in CARDS if card.name in ("A100-40", "T4")], ids=lambda card: card.name)
@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_no_setting_has_an_error_or_a_warning_that_the_plan_does_not_name(
    name: str, settings: str, card: Card, warnings: Warnings
) -> None:
    config = validate(name, "gpu", card, settings)
    named = [NAMED] if config.sample_packing and config.bf16 else []
    assert warnings.said == named
    assert config.sdpa_varlen is (False if config.sample_packing and not card.bf16 else None)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_fsdp2_shards_on_every_card_by_axolotls_own_keys(card: Card, warnings: Warnings) -> None:
    config = validate("robot-lora", "multi-gpu", card, "launch.strategy=fsdp2")
    assert (warnings.said, config.fsdp_version, config.deepspeed) == ([], 2, None)
    assert config.fsdp_config.cpu_ram_efficient_loading is True


def test_what_is_trained_whole_computes_in_fp32_where_there_is_no_bf16() -> None:
    card = CARDS[-1]
    found = [
        validate("robot-lora", "gpu", card, words) for words in ("", "lora=null", "lora=null launch.strategy=zero2")
    ]
    assert [(config.bf16, config.fp16) for config in found] == [(False, True), (False, False), (False, True)]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
@pytest.mark.parametrize("setting", SETTINGS_OF_ENGINE, ids=lambda setting: setting.name)
def test_axolotl_accepts_its_own_settings_on_the_cards_that_have_them(setting: EngineSetting, card: Card) -> None:
    if card.name in setting.cards:
        # Its vocabulary is large, so that a chunked loss would be chosen.
        assert validate("toolformer-sft", "gpu", card, setting.words)[setting.key]
        return
    with pytest.raises(ValueError, match=f"{setting.key} is not supported on this GPU"):
        validate("toolformer-sft", "gpu", card, setting.words)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_axolotl_accepts_the_optimizers_that_are_listed(optimizer: str, card: Card) -> None:
    for weights in ("", "lora=null"):
        assert validate("robot-lora", "gpu", card, f"training.optimizer={optimizer} {weights}").optimizer == optimizer
