"""Fits the three numbers of recipebook/train/memory.py to published peaks, and shows how far the estimate is off.

    python -m benchmarks.memory

benchmarks/published_peaks.csv has 69 peaks that others measured and published: Qwen's README (1.8B to 72B; LoRA, QLoRA
and full; 1, 2 and 4 GPUs) and LitGPT's config_hub (Llama, Mistral, TinyLlama, Gemma). Least squares on the relative
error; then again for each model, on the peaks of all others.
"""

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recipebook.train.memory import Setup, Terms, list_terms
from recipebook.train.shapes import LLAMA_7B, BaseShape

PEAKS = Path(__file__).with_name("published_peaks.csv")
SHAPES = {
    "qwen-1.8b": BaseShape(2048, 24, 5504, 151936, 16, 16),
    "qwen-7b": BaseShape(4096, 32, 11008, 151936, 32, 32),
    "qwen-14b": BaseShape(5120, 40, 13696, 152064, 40, 40),
    "qwen-72b": BaseShape(8192, 80, 24576, 152064, 64, 64),
    "llama-2-7b": LLAMA_7B,
    "llama-3-8b": BaseShape(4096, 32, 14336, 128256, 32, 8),
    "mistral-7b": BaseShape(4096, 32, 14336, 32000, 32, 8),
    "tiny-llama": BaseShape(2048, 22, 5632, 32000, 32, 4),
    "gemma-2b": BaseShape(2048, 18, 16384, 256000, 8, 1, tied=True),
}
# The sources' names of projections; Qwen computes queries, keys and values in one.
TARGETS = {"q": ("q_proj",), "k": ("k_proj",), "v": ("v_proj",), "o": ("o_proj",), "gate": ("gate_proj",)}
TARGETS |= {"up": ("up_proj",), "down": ("down_proj",)}


class Peak(NamedTuple):
    """A published measurement, in bytes, and what the formula makes of its setup."""

    model: str
    measured: float
    terms: Terms


def read_peaks() -> list[Peak]:
    """The published peaks, in the file's order."""
    with PEAKS.open(encoding="utf-8", newline="") as file:
        return [_read(row) for row in csv.DictReader(file)]


def fit(peaks: list[Peak]) -> Any:
    """The bytes per layer's width, per word, and of the context, that fit the peaks best."""
    measured = np.array([peak.measured for peak in peaks])
    factors = np.array([(peak.terms.layer, peak.terms.words, 1.0) for peak in peaks]) / measured[:, None]
    rest = 1 - np.array([peak.terms.counted for peak in peaks]) / measured
    return np.linalg.lstsq(factors, rest, rcond=None)[0]


def find_errors(peaks: list[Peak], numbers: Any) -> list[float]:
    """How far the estimate is off for each, as a share of the measured peak."""
    return [
        float((peak.terms.counted + np.dot(numbers, (peak.terms.layer, peak.terms.words, 1.0))) / peak.measured - 1)
        for peak in peaks
    ]


def find_errors_left_out(peaks: list[Peak]) -> list[float]:
    """The same, each by numbers that were fitted without any peak of its model."""
    errors: list[float] = []
    for peak in peaks:
        errors += find_errors([peak], fit([one for one in peaks if one.model != peak.model]))
    return errors


def _read(row: dict[str, str]) -> Peak:
    shape, rank = SHAPES[row["model"]], int(row["lora_r"])
    fused = row["lora_targets"].replace("c_attn", "").split()
    names = [name for short in fused for name in TARGETS[short]]
    setup = Setup(
        row["method"],  # type: ignore[arg-type]
        int(row["tokens_per_step"]),
        rank,
        tuple(names),
        row["gradient_checkpointing"] == "True",
        int(row["gpus"]),
        int(row["zero_stage"]),
    )
    terms = list_terms(shape, setup)
    if "c_attn" in row["lora_targets"]:
        terms = terms._replace(counted=terms.counted + _weigh_fused(shape, setup))
    return Peak(row["model"], float(row["measured_gb"]) * 1e9, terms)


def _weigh_fused(shape: BaseShape, setup: Setup) -> float:
    """What an adapter of the fused projection of queries, keys and values holds."""
    outputs = sum(shape.modules[name][1] for name in ("q_proj", "k_proj", "v_proj"))
    learned = setup.rank * shape.layers * (shape.hidden + outputs)
    shared = setup.processes if setup.stage >= 2 else 1
    return learned * (4 + 12 / shared + (4 if setup.stage else 0))


def main() -> None:
    """Print the numbers, and the errors of each model."""
    peaks = read_peaks()
    numbers, left_out = fit(peaks), find_errors_left_out(peaks)
    print(f"a layer's width {numbers[0]:.2f} bytes, a word {numbers[1]:.2f} bytes, context {numbers[2] / 1e9:.2f} GB")
    for name, errors in (("fitted to all", find_errors(peaks, numbers)), ("each model left out", left_out)):
        within = sum(abs(error) <= 0.15 for error in errors)
        print(f"{name}: mean error {np.mean(np.abs(errors)):.1%}, within 15 %: {within} of {len(errors)}")
    for model in SHAPES:
        own = [error for peak, error in zip(peaks, left_out, strict=True) if peak.model == model]
        print(f"  {model:<12}{min(own):>8.1%}{max(own):>8.1%}")


if __name__ == "__main__":
    main()
