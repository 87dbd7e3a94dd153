"""gpu.md.j2, the estimates of recipebook/train/memory.py and the figures of `make bench-gpu` in; docs/gpu.md out.

| training | data-parallel | zero1 | …       `sharing`: which strategy trains what
| setting | `SET=` | what it does |             `engine`: Axolotl's own settings; `optimizers`
| base | QLoRA, 1 GPU | LoRA, 1 GPU | …      `memory`: what each known base takes
| shape | case | tokens a second | …          `measured`: what a card did
"""

import json
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from recipebook.project import PROJECT
from recipebook.recipe.sharing import SHARES, find_sharing_fault
from recipebook.recipe.training_keys import Lora, Training
from recipebook.train.engine_settings import OPTIMIZERS, SETTINGS
from recipebook.train.memory import GIB, Setup, estimate
from recipebook.train.shapes import KNOWN

PAGE = Path(__file__).parent / "gpu.md.j2"
FIGURES = PROJECT / "benchmarks" / "gpu_figures.json"
MEMORY = (
    "| base | QLoRA, 1 GPU | LoRA, 1 GPU | LoRA, zero3: 2 GPUs | 4 | 8 | full, 1 GPU | full, zero2: 8 GPUs | "
    "full, zero3: 2 GPUs | 4 | 8 | full, fsdp2: 8 GPUs |"
)


def render_gpu() -> str:
    """The page."""
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(PAGE.read_text("utf-8"))
    return template.render(
        sharing="\n".join(_list_sharing()),
        engine="\n".join(_list_engine()),
        optimizers="\n".join(["| optimizer | what it is |", "| --- | --- |", *_list_optimizers()]),
        memory="\n".join(_list_memory()),
        measured="\n".join(_list_measured()),
    )


def _list_sharing() -> Iterator[str]:
    """What `make check` refuses, of each kind of training on two processes."""
    adapter, quantised = Lora(), Lora(quantize="4bit")
    pairs = "dpo, ipo, kto, orpo"
    kinds: list[tuple[str, list[str], Lora | None]] = [
        ("sft, an adapter or weighted spans", ["sft"], adapter),
        ("sft, all weights", ["sft"], None),
        ("sft, an adapter on 4 or 8 bits", ["sft"], quantised),
        (f"{pairs}, simpo, an adapter", [*pairs.split(", "), "simpo"], adapter),
        (f"{pairs}, simpo, all weights", [*pairs.split(", "), "simpo"], None),
        (f"{pairs}, an adapter on 4 or 8 bits", pairs.split(", "), quantised),
        ("grpo", ["grpo"], adapter),
    ]
    yield f"| training | {' | '.join(f'`{strategy}`' for strategy in SHARES)} |"
    yield "| --- |" + " --- |" * len(SHARES)
    for label, methods, lora in kinds:
        trainings = [Training.model_validate({"method": method}) for method in methods]
        faults = {one: any(find_sharing_fault(one, 2, training, lora) for training in trainings) for one in SHARES}
        yield f"| {label} | {' | '.join('refused' if faults[one] else 'trains' for one in SHARES)} |"


def _list_engine() -> Iterator[str]:
    yield "| setting | `SET=` | what it does |"
    yield "| --- | --- | --- |"
    yield from (f"| {one.name} | `{one.words}` | {one.effect} |" for one in SETTINGS)


def _list_optimizers() -> Iterator[str]:
    yield from (f"| `{name}` | {what} |" for name, what in OPTIMIZERS.items())


def _list_memory() -> Iterator[str]:
    yield MEMORY
    yield "| --- |" + " ---: |" * (MEMORY.count("|") - 2)
    for base, shape in KNOWN.items():
        lora = Setup("lora", tokens=2048, rank=32, targets=tuple(shape.modules), checkpointing=True)
        full = lora._replace(method="full", rank=0, targets=())
        setups = (
            lora._replace(method="qlora"),
            lora,
            *(lora._replace(processes=count, stage=3) for count in (2, 4, 8)),
            full,
            full._replace(processes=8, stage=2),
            *(full._replace(processes=count, stage=3) for count in (2, 4, 8)),
            full._replace(processes=8, stage=3, deepspeed=False),
        )
        cells = " | ".join(f"{estimate(shape, setup) / GIB:.0f}" for setup in setups)
        yield f"| `{base}` | {cells} |"


def _list_measured() -> Iterator[str]:
    if not FIGURES.is_file():
        yield "Not measured yet: no GPU was at hand."
        return
    found = json.loads(FIGURES.read_bytes())
    yield f"On {found['machine']}; medians of the steps but the first:\n"
    yield "| shape | case | tokens a second | s a step | GiB | estimate | loss |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for line in found["figures"]:
        if "error" in line:
            yield f"| {line['shape']} | {line['case']} | failed: {line['error']} | | | | |"
            continue
        cells = (line["tokens_a_second"], line["seconds_a_step"], line["memory_gib"], line.get("estimate_gib", ""))
        numbers = " | ".join(f"{cell:,}" if cell != "" else "" for cell in cells)
        yield f"| {line['shape']} | {line['case']} | {numbers} | {line['loss']} |"
