"""How a model lies on GPUs while it answers; the GPUs are named, and none is there."""

from typing import Any

import pytest
import torch

from eval.asking import generate, layout
from eval.asking.layout import Layout, choose_layout, estimate_answering
from recipebook.hardware import Hardware
from recipebook.recipe.resolve import resolve
from recipebook.train.memory import CONTEXT_BYTES
from recipebook.train.shapes import BaseShape

BASE_34B = "codellama/CodeLlama-34b-Python-hf"


def show_gpus(monkeypatch: pytest.MonkeyPatch, count: int, memory: float) -> None:
    monkeypatch.setattr(layout, "name_gpus", lambda: [str(number) for number in range(count)])
    monkeypatch.setattr(layout, "measure_gpu_memory", lambda: memory if count else None)


def test_a_model_lies_in_one_slice_of_a_gpu_since_cuda_shows_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    show_gpus(monkeypatch, 2, 18.6)
    machine = Hardware(gpus=("A", "A"), cpu="c", cores=2, memory_gib=8, slices=("MIG-1", "MIG-2"))
    monkeypatch.setattr(layout, "detect", lambda: machine)
    assert choose_layout(resolve("robot-lora", "gpu", [f"model.base={BASE_34B}"]).recipe, BASE_34B) == Layout()


@pytest.mark.parametrize(
    ("count", "memory", "settings", "wanted"),
    [
        (0, 0.0, (), Layout()),
        (1, 24.0, (), Layout()),
        (4, 79.6, (), Layout()),
        (4, 79.6, ("lora.quantize=4bit",), Layout("4bit")),
        # 34 billion weights of two bytes are 63 GiB.
        (4, 39.6, (f"model.base={BASE_34B}",), Layout(spread=True)),
        (4, 139.8, (f"model.base={BASE_34B}",), Layout()),
        (4, 39.6, (f"model.base={BASE_34B}", "lora.quantize=4bit"), Layout("4bit")),
        (1, 39.6, (f"model.base={BASE_34B}",), Layout()),
        (4, 0.5, ("model.base=nobody/knows-it",), Layout()),
    ],
)
def test_a_model_lies_on_several_gpus_only_where_one_is_too_small(
    count: int, memory: float, settings: tuple[str, ...], wanted: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_gpus(monkeypatch, count, memory)
    recipe = resolve("robot-lora", "gpu", list(settings)).recipe
    assert choose_layout(recipe, recipe.model.base) == wanted


def test_the_memory_of_answering_is_counted_by_hand() -> None:
    shape = BaseShape(hidden=8, layers=2, inner=16, vocabulary=100, heads=2, key_heads=1)
    # Weights; keys and values of ten tokens in two layers, 4 wide; logits of three rows.
    plain = 2 * (1152 + 1600) + 2 * 2 * 2 * 4 * 10 + 4 * 3 * 100 + CONTEXT_BYTES
    assert estimate_answering(shape, tokens=10, rows=3) == plain
    assert estimate_answering(shape, tokens=10, rows=3, bits="8bit") == plain - 1152


class Loaded:
    """What transformers would return."""

    def to(self, device: str) -> "Loaded":
        self.device = device
        return self

    def eval(self) -> "Loaded":
        return self


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (Layout(), {}),
        (Layout(spread=True), {"device_map": "auto"}),
        (Layout("8bit"), {"device_map": {"": 0}, "quantization_config": ("8bit", None)}),
        (Layout("4bit"), {"device_map": {"": 0}, "quantization_config": ("4bit", torch.float16)}),
        (Layout("4bit", spread=True), {"device_map": "auto", "quantization_config": ("4bit", torch.float16)}),
    ],
)
def test_transformers_is_told_the_layout(chosen: Layout, wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {}

    def load(name: str, revision: str | None, dtype: Any, **more: Any) -> Loaded:
        said.update(more, dtype=dtype)
        return Loaded()

    monkeypatch.setattr(generate, "load_model", load)
    monkeypatch.setattr(generate, "choose_device", lambda: "cuda")
    monkeypatch.setattr(generate, "computes_bf16", lambda: False)
    generate.load_base("some/model", None, chosen)
    if config := said.pop("quantization_config", None):
        bits = "4bit" if config.load_in_4bit else "8bit"
        wanted = {**wanted, "quantization_config": (bits, config.bnb_4bit_compute_dtype if bits == "4bit" else None)}
        said["quantization_config"] = wanted["quantization_config"]
        assert bits == chosen.bits
    assert said == {"dtype": "auto", **wanted}
    assert generate.describe_precision(chosen) == f"cuda {chosen.bits or 'auto'}"


def test_on_a_processor_no_layout_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "choose_device", lambda: "cpu")
    assert generate.describe_precision(Layout("4bit")) == "cpu float32"
