"""`make quantize`: a trained run in; its whole model in fewer bits, and what that costs, out.

    make quantize RUN=robot-lora FORMAT=int8 OUT=models/robot-int8
    → models/robot-int8/: model.safetensors, config.json, the tokenizer and its chat template, and
      quantized.json  {"run": "robot-lora-20261121-053004", "format": "int8", "size": 1931848, "whole": 4442384, …}

The run's model is merged first, which refuses an adapter that does nothing. int8 and fp8 keep weights in 8 bits by
torchao, and compute in the model's own precision; int4 needs a GPU and torchao's own kernels. gguf is llama.cpp's q8_0,
written by the converter in the user's own folder of llama.cpp.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from eval.asking.other_model import find_other, load_other
from eval.asking.prompts import spread
from recipebook import project
from recipebook.building import building
from recipebook.errors import UserError, on_one_line
from recipebook.files import write_text
from recipebook.project import shown
from recipebook.terminal import print_field
from release.merging import TOKENIZER, save_merged
from release.opening import FoundModel, find_trained

if TYPE_CHECKING:
    from release.deviation import Deviation, Observed

Format = Literal["int8", "fp8", "int4", "gguf"]
RECORD = "quantized.json"
CONVERTER = "convert_hf_to_gguf.py"


class Cost(NamedTuple):
    """What fewer bits cost: bytes of weights and tokens a second, before (`whole`) and after, and other answers."""

    size: int
    whole_size: int
    speed: float
    whole_speed: float
    deviation: "Deviation"


def quantize_run(
    query: str,
    kind: Format,
    out: Path,
    llama_cpp: Path | None = None,
    checkpoint: int | None = None,
    runs: Path = project.RUNS,
) -> int:
    """Write the model in fewer bits, whole or not at all, and print what became of size, speed and answers."""
    if out.resolve().exists():
        raise UserError(f"OUT: {out} is there already")
    converter = _find_converter(kind, llama_cpp)
    trained = find_trained(query, checkpoint, runs=runs)
    with building(out.name, out.parent) as folder:
        save_merged(trained, folder / "merged")
        new = folder / "quantized"
        new.mkdir()
        file = _convert(converter, folder / "merged", new) if converter else _quantize(kind, folder / "merged", new)
        cost = _measure_cost(trained, folder / "merged", file)
        record = {"run": trained.name, "format": kind, **cost._asdict(), "deviation": cost.deviation._asdict()}
        write_text(new / RECORD, json.dumps(record, indent=1) + "\n")
        new.rename(out)
    place = out / file.name if file != new else out
    print_field("quantized", f"{shown(place.resolve())}: {kind}")
    print_field("size", f"{cost.size / 1e6:,.1f} MB, {cost.whole_size / 1e6:,.1f} MB before")
    print_field("speed", f"{cost.speed:,.1f} tokens a second, {cost.whole_speed:,.1f} before")
    print_field("answers", cost.deviation.format())
    print_field("next", f"make eval RUN={trained.name} MODEL={shown(place.resolve())}")
    return 0


def _find_converter(kind: Format, llama_cpp: Path | None) -> Path | None:
    """llama.cpp's program for gguf; None for the formats of torchao, of which those that do not work are refused."""
    if kind != "gguf":
        if kind == "int4":
            _require_int4()
        return None
    if llama_cpp is None:
        raise UserError("FORMAT=gguf needs LLAMA_CPP=, your folder of llama.cpp, whose converter writes such files")
    if not (llama_cpp / CONVERTER).is_file():
        raise UserError(f"LLAMA_CPP: {llama_cpp} has no {CONVERTER}")
    return llama_cpp / CONVERTER


def _require_int4() -> None:
    from importlib.util import find_spec

    import torch

    if not (torch.cuda.is_available() and find_spec("mslk")):
        raise UserError("FORMAT=int4 needs an NVIDIA GPU and the package mslk; int8 and fp8 need neither")


def _quantize(kind: Format, whole: Path, out: Path) -> Path:
    """Write torchao's form of the model; its linear layers alone are in fewer bits."""
    from torchao import quantization
    from transformers import AutoModelForCausalLM, TorchAoConfig

    from eval.asking.generate import choose_device

    settings: dict[str, Any] = {
        "int8": lambda: quantization.Int8WeightOnlyConfig(version=2),  # version 1 is stored in pickles alone
        "fp8": quantization.Float8WeightOnlyConfig,
        "int4": quantization.Int4WeightOnlyConfig,
    }
    model = AutoModelForCausalLM.from_pretrained(
        whole, dtype="auto", device_map=choose_device(), quantization_config=TorchAoConfig(settings[kind]())
    )
    model.save_pretrained(out)
    for path in (path for pattern in TOKENIZER for path in whole.glob(pattern)):
        shutil.copyfile(path, out / path.name)
    return out


def _convert(converter: Path, whole: Path, out: Path) -> Path:
    """Let llama.cpp's converter write a GGUF file."""
    file = out / "model-q8_0.gguf"
    command = [sys.executable, str(converter), str(whole), "--outfile", str(file), "--outtype", "q8_0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not file.is_file():
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it wrote no file"]
        raise UserError(f"{converter}: {on_one_line(lines[-1])}")
    return file


def _measure_cost(trained: FoundModel, whole: Path, quantized: Path) -> Cost:
    from release.deviation import compare

    before, after = (_observe(trained, place) for place in (whole, quantized))
    return Cost(
        _measure_size(quantized),
        _measure_size(whole),
        round(after.tokens_a_second, 1),
        round(before.tokens_a_second, 1),
        compare(before, after),
    )


def _observe(trained: FoundModel, place: Path) -> "Observed":
    from eval.asking.own_tokenizer import load_own_tokenizer
    from release.deviation import OBSERVED, observe

    run, manifest, recipe, _, prompts = trained
    tokenizer = load_own_tokenizer(run, manifest, recipe, prompts)
    model = load_other(find_other(str(place)))[0]
    return observe(model, tokenizer, spread(prompts, OBSERVED), recipe.eval.generation)


def _measure_size(place: Path) -> int:
    """Bytes of weights."""
    return sum(path.stat().st_size for path in ([place] if place.is_file() else place.glob("*.safetensors")))
