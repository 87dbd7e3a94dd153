"""Tokens a second, memory and loss of each setting on this machine's GPU, beside `axolotl train` on its own examples.

    make bench-gpu      on a GPU: 0.5B, 7B and 8B, no case beginning after MINUTES=9; writes benchmarks/gpu_figures.json
                        without one: four cases in a tiny shape, which show that it works; writes nothing

A base of a true shape gets random weights, made on the GPU; the rows are those of robot-lora. Of each case some steps
are trained: the first are left out, and the median of the others counts. The cases that matter most come first; those
that the minutes do not reach are named. Each case is a line of JSON as it ends, for example

    {"shape": "8B", "case": "recipebook", "tokens_a_second": 9120, "memory_gib": 21.4, "estimate_gib": 20.9, …}

docs/gpu.md shows the figures once `make docs` is run.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.gpu_bases import SHAPES, make_base
from benchmarks.timing import FILE
from recipebook import hardware, project
from recipebook.data.dataset import prepare
from recipebook.files import write_text
from recipebook.launch.command import build_environment
from recipebook.launch.render import Inputs, render_axolotl
from recipebook.project import INSTALLATION
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.progress_file import last_error
from recipebook.train.memory import GIB, describe, estimate
from recipebook.train.settle import find_device, settle
from recipebook.train.shapes import read_shape

FIGURES = Path(__file__).with_name("gpu_figures.json")
GPU_MINUTES = 9
STEPS, SKIPPED = 16, 4
OURS = (
    "data.split.validation=0", "data.split.test=0", f"training.max_steps={STEPS}", f"training.save_steps={STEPS}",
    "training.eval_steps=null", "training.logging_steps=1", "training.batch_size=16", "model.chat_template=chatml",
)  # fmt: skip
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "recipebook": (),
    "recipebook, 4,096 tokens packed": (
        "training.packing=true", "training.max_length=4096", "training.batch_size=1", "training.global_batch=null",
    ),
    "without packing": ("training.packing=false",),
    "without chunked loss": ("training.chunked_loss=false",),
    "without LoRA kernels": ("lora.kernels=false",),
    "with gradient checkpointing": ("training.gradient_checkpointing=true",),
    "without workers": ("training.workers=0",),
    "without tf32": ("training.tf32=false",),
}  # fmt: skip
# Axolotl's examples/llama-3/lora-8b.yml, but for the attention, which here needs no package, and the rows.
AXOLOTL_8B = {
    "sequence_len": 4096, "sample_packing": True, "pad_to_sequence_len": True, "micro_batch_size": 2,
    "gradient_accumulation_steps": 4, "load_in_8bit": True, "optimizer": "adamw_bnb_8bit", "lora_r": 32,
    "lora_alpha": 16, "lora_dropout": 0.05, "gradient_checkpointing": True, "bf16": "auto", "tf32": False,
}  # fmt: skip
# examples/qwen3/32b-qlora.yaml, with the chunked loss in place of a kernel that is in no registry.
AXOLOTL_QLORA = {
    "sequence_len": 2048, "sample_packing": True, "micro_batch_size": 1, "gradient_accumulation_steps": 2,
    "adapter": "qlora", "load_in_4bit": True, "optimizer": "adamw_torch_4bit", "lora_r": 16, "lora_alpha": 32,
    "gradient_checkpointing": True, "chunked_cross_entropy": True, "bf16": "auto", "tf32": True,
    "lora_mlp_kernel": True, "lora_qkv_kernel": True, "lora_o_kernel": True,
}  # fmt: skip
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "axolotl train, llama-3/lora-8b": AXOLOTL_8B,
    "axolotl train, qwen3/32b-qlora": AXOLOTL_QLORA,
}
# What a processor lacks: bitsandbytes' optimizers and bases, kernels, bf16.
WITHOUT_GPU = {
    "sequence_len": 256, "load_in_8bit": False, "load_in_4bit": False, "adapter": "lora", "optimizer": "adamw_torch",
    "bf16": False, "tf32": False, "gradient_checkpointing": False, "lora_mlp_kernel": False, "lora_qkv_kernel": False,
    "lora_o_kernel": False, "chunked_cross_entropy": False,
}  # fmt: skip
FIRST = ("recipebook", *EXAMPLES, "recipebook, 4,096 tokens packed")


class Case(NamedTuple):
    """A shape and what is trained on it."""

    shape: str
    name: str


def main() -> None:
    """Measure; write the figures unless they are of the small form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    gpus, found = hardware.detect().gpus, []
    most = GPU_MINUTES if gpus else math.inf
    parser.add_argument(
        "--minutes", type=float, default=most, help="no case begins after so many (default: %(default)s)"
    )
    minutes = parser.parse_args().minutes
    if not gpus:
        print("no GPU: a tiny shape, to see that the script works; its figures say nothing of speed")
    cases = list(list_cases(small=not gpus))
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as top:
        for line in measure(cases, Path(top), minutes * 60):
            print(json.dumps(line), flush=True)
            found.append(line)
    for case in cases[len(found) :]:
        print(f"left out after {minutes:g} minutes: {case.shape}, {case.name}")
    if gpus:
        write_text(FIGURES, json.dumps({"machine": gpus[0], "figures": found}, indent=1) + "\n")
    if broken := [line for line in found if "error" in line]:
        sys.exit(f"{len(broken)} of {len(found)} cases failed: {broken[0]['case']}: {broken[0]['error']}")


def list_cases(*, small: bool) -> Iterator[Case]:
    """What matters most on all shapes first, then each setting by itself."""
    if small:
        yield from (Case("tiny", name) for name in ("recipebook", "without packing", *EXAMPLES))
        return
    shapes = [name for name in SHAPES if name != "tiny"]
    yield from (Case(shape, name) for name in FIRST for shape in reversed(shapes))
    yield from (Case(shape, name) for shape in shapes for name in VARIANTS if name not in FIRST)


def measure(cases: list[Case], top: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """A line for each case that begins in time; a base's weights are removed after its last case."""
    began = time.monotonic()
    for number, case in enumerate(cases):
        if time.monotonic() - began > seconds:
            return
        base = top / "bases" / case.shape
        if not base.is_dir():
            make_base(SHAPES[case.shape], base)
        folder = top / str(number)
        folder.mkdir()
        yield {"shape": case.shape, "case": case.name, **_measure_case(case, base, folder)}
        shutil.rmtree(folder)
        if case.shape not in {later.shape for later in cases[number + 1 :]}:
            shutil.rmtree(base)


def _measure_case(case: Case, base: Path, folder: Path) -> dict[str, Any]:
    recipe = build_recipe(base, VARIANTS.get(case.name, ()))
    device = find_device()
    settled = settle(recipe, device).recipe
    _write_rows(recipe, folder)
    inputs = Inputs(train="train.jsonl", validation=None, prepared="prepared")
    config = yaml.safe_load(render_axolotl(settled, inputs, gpu=device.gpu, bf16=device.bf16))
    config["plugins"].append("benchmarks.timing.TimingPlugin")
    command, more = [sys.executable, "-m", "trainer", "axolotl.yaml"], {}
    if case.name in EXAMPLES:
        config = build_example(config, EXAMPLES[case.name], gpu=device.gpu)
        command = [str(Path(sys.executable).parent / "axolotl"), "train", "axolotl.yaml", "--launcher", "python"]
    else:
        shape = read_shape(json.loads((base / "config.json").read_bytes()))
        more = {"estimate_gib": round(estimate(shape, describe(settled, shape)) / GIB, 1)} if shape else {}
    (folder / "axolotl.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    with (folder / "log.txt").open("wb") as log:
        environment = os.environ | build_environment(recipe) | {"PYTHONPATH": str(INSTALLATION)}
        subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    return {**summarise(folder), **more}


def build_recipe(base: Path, settings: tuple[str, ...]) -> Recipe:
    """robot-lora on a base of random weights, under the profile of this machine."""
    profile = "gpu" if hardware.detect().gpu else "cpu"
    return resolve("robot-lora", profile, [f"model.base={base}", *OURS, *settings]).recipe


def build_example(ours: Mapping[str, Any], example: dict[str, Any], *, gpu: bool) -> dict[str, Any]:
    """The rows, base and number of steps of ours, and for the rest what the example says."""
    shared = (
        "base_model", "chat_template", "chat_template_jinja", "datasets", "dataset_prepared_path", "output_dir",
        "max_steps", "save_steps", "save_strategy", "logging_steps", "seed", "learning_rate", "lr_scheduler",
    )  # fmt: skip
    config = {key: ours[key] for key in shared if key in ours} | {
        "adapter": "lora", "lora_target_linear": True, "num_epochs": 1, "attn_implementation": "sdpa",
        "eval_sample_packing": False, "eval_strategy": "no",
    }  # fmt: skip
    plugins = (
        ["benchmarks.timing.TimingPlugin"] if gpu else ["trainer.plugin.RunPlugin", "benchmarks.timing.TimingPlugin"]
    )
    return config | example | ({} if gpu else WITHOUT_GPU) | {"plugins": plugins}


def _write_rows(recipe: Recipe, folder: Path) -> None:
    dataset = prepare(recipe.data, system=recipe.model.system)
    (folder / "train.jsonl").symlink_to(dataset.path("train").resolve())


def summarise(folder: Path) -> dict[str, Any]:
    """The medians of a case's steps but the first; its last error where it did not train them."""
    path = folder / FILE
    steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    if len(steps) < STEPS:
        return {"error": last_error(folder / "log.txt")}
    counted = steps[SKIPPED:]
    return {
        "tokens_a_second": round(statistics.median(step["tokens"] / step["seconds"] for step in counted)),
        "seconds_a_step": round(statistics.median(step["seconds"] for step in counted), 4),
        "memory_gib": max(step["memory_gib"] for step in steps),
        "loss": round(statistics.mean(step["loss"] for step in counted), 3),
    }


if __name__ == "__main__":
    project.CACHE.mkdir(exist_ok=True)
    main()
