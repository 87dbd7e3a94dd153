"""A launch's strategy and a training in; why they do not go together out, or nothing.

    find_sharing_fault("fsdp2", 8, Training(optimizer="adamw_bnb_8bit"), None)
    → "launch.strategy: fsdp2 does not go with training.optimizer: adamw_bnb_8bit; adamw_torch_8bit does"

What is here, Axolotl or the engine under it refuses after its start, or does wrongly without a word.
"""

import math

from recipebook.recipe.reinforcement_keys import Reinforcement
from recipebook.recipe.training_keys import Lora, Training

# Their kernels read a tensor's memory, and a shard has none of the whole one's.
OPTIMIZERS = ("adamw_8bit", "adamw_bnb_8bit")
PAIRS = ("dpo", "ipo", "kto", "orpo")
SHARES = {
    "data-parallel": "each process holds all weights, and the optimizer's whole state",
    "zero1": "by DeepSpeed, each process holds a part of the optimizer's state",
    "zero2": "by DeepSpeed, each process holds a part of the optimizer's state and of the gradients",
    "zero3": "by DeepSpeed, each process holds a part of the weights, the gradients and the optimizer's state",
    "fsdp2": "by PyTorch, each process holds a part of the weights, the gradients and the optimizer's state; any "
    "number of GPUs resumes from its checkpoints",
}
WHOLE = "data-parallel, zero1 or zero2"
OFFLOADS = {
    "optimizer": "the optimizer's state and the gradients wait in main memory",
    "weights": "weights, the optimizer's state and the gradients wait in main memory",
}
OFFLOADED = {"optimizer": ("zero1", "zero2", "zero3"), "weights": ("zero3",)}
# DeepSpeed's AdamW for processors takes the place of the optimizer; of others accelerate would make plain Adam.
OFFLOADED_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused")


def shards_by_torch(strategy: str, ranks: int) -> bool:
    """Whether PyTorch shares the weights out: one process has nobody to share them with, and trains as ever."""
    return strategy == "fsdp2" and ranks > 1


def describe_sharing(strategy: str, ranks: int, offload: str | None = None) -> str:
    """What the processes of a launch share, in words."""
    if strategy == "fsdp2" and ranks == 1:
        return "fsdp2: one process has nobody to share with, and trains as data-parallel does"
    return f"{strategy}: {SHARES[strategy]}{f'; {OFFLOADS[offload]}' if offload else ''}"


def find_episodes_fault(rl: Reinforcement, records: int, ranks: int) -> str | None:
    """Why the episodes of a collection cannot be played and learned from by these ranks; None where they can.

    Each rank plays whole groups, and each step learns from `records` episodes.
    """
    unit = math.lcm(records, rl.group * ranks)
    if rl.episodes % unit == 0:
        return None
    below = rl.episodes - rl.episodes % unit
    nearest = ", ".join(str(number) for number in (below, below + unit) if number)
    shared = f"whole groups of {rl.group} on each of {ranks} processes" if ranks > 1 else f"whole groups of {rl.group}"
    return (
        f"rl.episodes: {rl.episodes} are not {shared}, in steps of {records} records; the nearest that are: {nearest}"
    )


def find_offload_fault(offload: str | None, strategy: str, optimizer: str) -> str | None:
    """Why main memory cannot take what GPUs share; None where it can, or nothing is said."""
    if offload is None:
        return None
    if strategy == "fsdp2":
        return (
            f"launch.offload: {offload} is DeepSpeed's, and fsdp2 keeps its shares on the GPUs; launch.strategy: zero3 "
            "shares as much"
        )
    if strategy not in OFFLOADED[offload]:
        return f"launch.offload: {offload} needs launch.strategy: {', '.join(OFFLOADED[offload])}, and not {strategy}"
    if optimizer not in OFFLOADED_OPTIMIZERS:
        return (
            f"launch.offload: {offload} does not go with training.optimizer: {optimizer}; "
            f"{' and '.join(OFFLOADED_OPTIMIZERS)} do"
        )
    return None


def find_sharing_fault(strategy: str, ranks: int, training: Training, lora: Lora | None) -> str | None:
    """Why the strategy does not go with the training; None where it does."""
    if training.method == "grpo" and ranks > 1 and strategy in ("zero3", "fsdp2"):
        return (
            f"launch.strategy: {strategy} divides the weights among processes, and each plays episodes with whole ones "
            f"under grpo; {WHOLE}"
        )
    if not shards_by_torch(strategy, ranks):
        return None
    if training.optimizer in OPTIMIZERS:
        return (
            f"launch.strategy: fsdp2 does not go with training.optimizer: {training.optimizer}; adamw_torch_8bit does"
        )
    if lora and lora.quantize and training.method in PAIRS:
        return (
            f"launch.strategy: fsdp2 does not go with lora.quantize under {training.method}; zero2 or zero3 do, or "
            "lora.quantize: null"
        )
    return None
