"""The memory that a training takes on each GPU, in words; and where it does not fit, the settings with which it does.

about 22.9 GiB a GPU, of 23.7 GiB
about 96.4 GiB a GPU, of 79.6 GiB: it does not fit; it does with training.gradient_checkpointing=true (31.4 GiB)
"""

from collections.abc import Iterator

from recipebook.recipe.keys import Recipe
from recipebook.recipe.sharing import OFFLOADED_OPTIMIZERS
from recipebook.train.memory import GIB, Setup, describe, estimate
from recipebook.train.shapes import BaseShape

# The estimate's mean error; a training that fits by less may not.
MARGIN = 0.06


def format_memory(recipe: Recipe, shape: BaseShape, card: float, longest: int | None = None) -> str:
    """The estimate against the GiB of a GPU, at the longest row that there is, else at the longest that may be."""
    setup = describe(recipe, shape, longest)
    needed, limit = estimate(shape, setup) / GIB, estimate(shape, describe(recipe, shape)) / GIB
    rows = f" with rows of {longest} tokens, {limit:.1f} with {recipe.training.max_length}" if longest else ""
    text = f"about {needed:.1f} GiB a GPU{rows}; it has {card:.1f} GiB"
    room = card * (1 - MARGIN)
    if needed <= room:
        return text
    fitting = [
        f"{settings} ({size:.1f} GiB)"
        for settings, other in _list_smaller(setup, recipe)
        if (size := estimate(shape, other) / GIB) <= room
    ]
    lacking = f"{text}. That {'does' if needed > card else 'may'} not fit"
    return (
        f"{lacking}; it does with {', or '.join(fitting)}" if fitting else f"{lacking}, with any setting of this recipe"
    )


def _list_smaller(setup: Setup, recipe: Recipe) -> Iterator[tuple[str, Setup]]:
    """Settings that take less memory, those that cost least first."""
    spare = setup._replace(checkpointing=True)
    checkpoint = "" if setup.checkpointing else "training.gradient_checkpointing=true "
    if checkpoint:
        yield checkpoint.strip(), spare
    # DeepSpeed divides the state of an optimizer; here a process holds all of it.
    if setup.method == "full" and setup.stage == 0 and not setup.optimizer_8bit:
        yield f"{checkpoint}training.optimizer=adamw_bnb_8bit", spare._replace(optimizer_8bit=True)
    one_row = spare._replace(tokens=setup.tokens // recipe.training.batch_size or setup.tokens)
    if recipe.training.batch_size > 1:
        yield f"{checkpoint}training.batch_size=1", one_row
    if setup.method == "lora":
        yield f"{checkpoint}lora.quantize=4bit", spare._replace(method="qlora")
    if setup.processes == 1 or recipe.training.method == "grpo":
        return
    if setup.stage < 3:
        yield f"{checkpoint}launch.strategy=zero3", spare._replace(stage=3, deepspeed=True)
    if setup.offload != "weights" and recipe.training.optimizer in OFFLOADED_OPTIMIZERS:
        offloaded = spare._replace(stage=3, deepspeed=True, offload="weights")
        yield f"{checkpoint}launch.strategy=zero3 launch.offload=weights", offloaded
