"""A recipe in the making, of another tool's configuration: its keys taken one by one, each written or noted.

    draft.take("num_epochs")  →  3, and the key counts as read
    draft.set("training.epochs", 3)
    draft.note("output_dir", "the runner names the folder; OUT= chooses its name")

What was neither taken nor noted is noted at the end, so that no key is dropped silently.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from recipebook.errors import on_one_line

ATTENTION = "attention is torch's own; under axolotl: attn_implementation: flash_attention_2"
OFFLOAD = "launch.offload: weights with launch.strategy: zero3 and an AdamW of PyTorch's puts them into main memory"
SCHEDULERS = ("cosine", "linear", "constant", "constant_with_warmup")
PLACE = "the runner names the folder, runs/<recipe>-<time>; OUT= chooses the name"


class Draft:
    """The configuration that is read, the recipe that is written, and the lines about keys without a counterpart."""

    def __init__(self, given: Mapping[str, Any], description: str) -> None:
        self.given = dict(given)
        self.left = {key: value for key, value in given.items() if value is not None}
        self.recipe: dict[str, Any] = {"description": description}
        self.notes: list[str] = []

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key, which now counts as read."""
        return self.left.pop(key, default)

    def set(self, path: str, value: Any) -> None:
        """Write a key of the recipe: `training.epochs`."""
        *sections, key = path.split(".")
        place = self.recipe
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value

    def move(self, key: str, path: str, default: Any = None) -> None:
        """Write the value of a key, or the other tool's default, under the recipe's name for it."""
        if (value := self.take(key, default)) is not None:
            self.set(path, value)

    def read(self, path: str) -> Any:
        """The value of a key of the recipe; None where it is not set."""
        place: Any = self.recipe
        for key in path.split("."):
            place = place.get(key) if isinstance(place, dict) else None
        return place

    def leave_out(self, path: str, why: str) -> None:
        """Take a key out of the recipe, with a line."""
        section, _, key = path.rpartition(".")
        self.note(path, why, self.read(section).pop(key))

    def drop_epochs(self) -> None:
        """Without a number of epochs where a number of steps ends the training."""
        if "max_steps" in self.recipe["training"]:
            self.recipe["training"].pop("epochs", None)

    def note(self, key: str, why: str, value: Any = None) -> None:
        """Say that a key, with its value, has no counterpart, and what may be done."""
        value = self.take(key) if value is None else value
        self.notes.append(on_one_line(f"{key}: {_format(value)}: {why}"))

    def note_if_given(self, key: str, why: str, harmless: Sequence[Any] = (False,)) -> None:
        """The same where the key is there; a harmless value, which changes nothing, is only taken."""
        if key in self.left:
            if self.left[key] in harmless:
                self.take(key)
            else:
                self.note(key, why)

    def note_rest(self, why: str) -> None:
        """Say so of every key that is left."""
        for key in list(self.left):
            self.note(key, why)

    def format(self) -> str:
        """The recipe as YAML, the notes above it as comments."""
        head = ["# No counterpart:", *(f"#   {note}" for note in self.notes), ""] if self.notes else []
        body = yaml.safe_dump(self.recipe, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
        return "\n".join(head) + body


def set_precision(draft: Draft, bfloat: Sequence[str], half: Sequence[str]) -> None:
    """The precision, by the keys that switch bfloat16 or float16 on; both tools choose it where none is given."""
    bfloats = [value for key in bfloat if (value := draft.take(key)) is not None]
    halves = [value for key in half if (value := draft.take(key)) is not None]
    if "auto" in bfloats or not bfloats + halves:
        precision = "auto"
    else:
        precision = "bf16" if any(bfloats) else "fp16" if any(halves) else "fp32"
    draft.set("training.precision", precision)


def set_scheduler(draft: Draft, key: str, default: str) -> None:
    """The schedule of the learning rate."""
    if (name := draft.left.get(key, default)) in SCHEDULERS:
        draft.move(key, "training.scheduler", name)
    else:
        draft.note(key, f"training.scheduler has {', '.join(SCHEDULERS)}")


def set_warmup(draft: Draft, default: float) -> None:
    """The warm-up as a share of all steps; a number of steps is one where max_steps says how many there are."""
    if draft.read("training.scheduler") == "constant":
        for key in ("warmup_steps", "warmup_ratio"):
            draft.note_if_given(key, "a constant learning rate has no warm-up")
        return
    steps, total = draft.left.get("warmup_steps"), draft.given.get("max_steps")
    if steps and total and steps < total:
        draft.take("warmup_steps")
        draft.set("training.warmup_ratio", round(steps / total, 6))
        return
    draft.move("warmup_ratio", "training.warmup_ratio", 0.0 if steps else default)
    draft.note_if_given("warmup_steps", "training.warmup_ratio is a share of all steps, which make plan counts")


def set_steps(draft: Draft, key: str) -> None:
    """eval_steps or save_steps: a number of steps; a share of all has no counterpart."""
    value = draft.left.get(key)
    data = draft.recipe["data"]
    if key == "eval_steps" and not (data.get("validation") or data["split"].get("validation", True)):
        draft.note_if_given(key, "no rows are held out for validation")
    elif isinstance(value, int) and value > 0:
        draft.move(key, f"training.{key}")
    else:
        draft.note_if_given(key, f"training.{key} is a number of steps; not set, it is once an epoch")


def set_strategy(draft: Draft) -> None:
    """What processes share: by FSDP's settings, or by DeepSpeed's stage, which the name of its file has.

    `zero3_bf16.json` or `ds_z3_config.json`
    """
    shards, flags = draft.take("fsdp_config"), draft.take("fsdp")
    draft.take("fsdp_version")
    if shards or flags:
        draft.set("launch.strategy", "fsdp2")
        own = dict(shards) if isinstance(shards, dict) else {}
        if own.pop("offload_params", False) or "offload" in str(flags):
            draft.note("fsdp_config", f"weights stay on the GPU under fsdp2; {OFFLOAD}", "offload_params")
        if own:
            draft.note("fsdp_config", "launch.strategy: fsdp2 has settings of its own", own)
    name = str(draft.left.get("deepspeed", "")).rpartition("/")[2].lower()
    for stage in "123":
        if f"zero{stage}" in name or f"_z{stage}_" in name:
            draft.take("deepspeed")
            draft.set("launch.strategy", f"zero{stage}")
            if "offload" in name:
                draft.note("deepspeed", f"optimizer and weights stay on the GPU here; {OFFLOAD}", name)
            return
    draft.note_if_given("deepspeed", "launch.strategy has zero1, zero2, zero3 and fsdp2")


def set_quantize(draft: Draft, bits: str) -> None:
    """The base in fewer bits, but for Apple's GPU, which has no kernels for that."""
    draft.set("lora.quantize", bits)
    draft.set("profiles.mps.lora.quantize", None)


def set_held_out(draft: Draft, key: str, has_own: bool) -> None:
    """The share for validation; a tenth is held out for make eval, which neither tool has."""
    share = draft.left.get(key, 0)
    if isinstance(share, int | float) and 0 <= share < 0.9:
        draft.take(key)
        if not has_own:
            draft.set("data.split.validation", share)
    else:
        draft.note(key, "data.split.validation is a share of the records, such as 0.05")
    draft.set("data.split.test", 0.1)


def _format(value: Any) -> str:
    written = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return written.removesuffix("\n...\n").strip()
