"""Axolotl's own settings of speed and memory: what sets each in a recipe, what it does, and what it needs.

    find_settings(recipe) → [EngineSetting("torch.compile", "axolotl.torch_compile=true", "compiles …", …)]

`make plan` explains those that a recipe has, docs/gpu.md lists all, and a test has Axolotl validate each on four cards.
"""

import importlib.util
from collections.abc import Iterator
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe

LIGER = "axolotl.plugins=[axolotl.integrations.liger.LigerPlugin]"


class EngineSetting(NamedTuple):
    """One setting; `words` are what `SET=` takes, and the last of them is the key that makes it act."""

    name: str
    words: str
    effect: str
    cards: tuple[str, ...] = ("H100", "A100-40", "4090", "T4")
    """Those on which Axolotl accepts it."""

    @property
    def key(self) -> str:
        """`fp8`, of `axolotl.fp8=true`."""
        return self.words.split()[-1].partition("=")[0].partition(".")[2]


SETTINGS = (
    EngineSetting(
        "Liger's kernels",
        f"{LIGER} axolotl.liger_rope=true axolotl.liger_glu_activation=true axolotl.liger_rms_norm=true",
        "one Triton kernel each for positions, the gated layer and norms; needs a GPU",
    ),
    EngineSetting(
        "Liger's fused loss",
        f"{LIGER} axolotl.liger_fused_linear_cross_entropy=true",
        "no logits are kept, as with `training.chunked_loss`, which is off beside it; needs a GPU",
    ),
    EngineSetting(
        "FlashAttention",
        "axolotl.attn_implementation=flash_attention_2",
        "in place of torch's `sdpa`; needs the package flash-attn, which is not installed, and a card from the A100 on",
    ),
    EngineSetting(
        "torch.compile",
        "axolotl.torch_compile=true",
        "compiles the model in the first steps, minutes that a short training does not win back",
    ),
    EngineSetting(
        "fp8",
        "axolotl.torch_compile=true axolotl.fp8=true",
        "matrices are multiplied in 8 bits; needs an H100 or a 4090, and is of use for whole weights",
        ("H100", "4090"),
    ),
    EngineSetting(
        "activation offloading",
        "training.gradient_checkpointing=true axolotl.activation_offloading=true",
        "checkpointed activations wait in the machine's memory: less on the GPU, and slower",
    ),
    EngineSetting(
        "layer offloading",
        "axolotl.layer_offloading=true",
        "frozen layers wait in the machine's memory: for an adapter on one GPU",
    ),
)
OPTIMIZERS = {
    "adamw_bnb_8bit": "each of its two moments takes a byte",
    "adamw_torch_8bit": "each of its two moments takes a byte, under `fsdp2` too",
    "paged_adamw_8bit": "the same, and moves them to the machine's memory where the GPU's runs out",
    "adafactor": "keeps sums of rows and columns instead of moments",
    "lion_8bit": "one moment of a byte; takes a learning rate of a third or less",
    "muon": "orthogonal steps for matrices, one moment; not under DeepSpeed",
    "schedule_free_adamw": "an average in place of a schedule: `training.scheduler=constant`",
}
"""Those of Axolotl's optimizers that others use most, besides adamw_torch and adamw_torch_fused."""
PACKAGES = {
    "apollo_": ("apollo_torch", "apollo-torch"),
    "came_pytorch": ("came_pytorch", "came-pytorch"),
    "flash_": ("flashoptim", "flashoptim"),
    "galore_": ("galore_torch", "galore-torch"),
    "grokadamw": ("grokadamw", "grokadamw"),
    "lomo": ("lomo_optim", "lomo-optim"),
    "adalomo": ("lomo_optim", "lomo-optim"),
    "optimi_": ("optimi", "torch-optimi"),
    "q_galore": ("q_galore_torch", "q-galore-torch"),
    "stable_adamw": ("optimi", "torch-optimi"),
}
"""How an optimizer's name begins: the module that it is in and the package, which the lock does not hold."""


def find_settings(recipe: Recipe) -> Iterator[EngineSetting]:
    """Those that the recipe has."""
    yield from (one for one in SETTINGS if recipe.axolotl.get(one.key))


def require_optimizer(name: str) -> None:
    """Raise if the optimizer's package is not installed; the trainer would say so once the model is loaded."""
    for start, (module, package) in PACKAGES.items():
        if name.startswith(start) and importlib.util.find_spec(module) is None:
            raise UserError(
                f"training.optimizer: {name} needs the package {package}, which is not installed; "
                f"pip install {package}, or adamw_torch, which needs none"
            )
