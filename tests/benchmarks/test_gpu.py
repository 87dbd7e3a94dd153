"""What `make bench-gpu` measures, and how it counts; the whole of it in a tiny shape on the processor."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from benchmarks.gpu import EXAMPLES, FIRST, STEPS, VARIANTS, Case, build_example, list_cases, measure, summarise
from benchmarks.gpu_bases import SHAPES, make_base
from benchmarks.timing import count_tokens


def test_padding_behind_a_row_is_no_token() -> None:
    assert count_tokens(torch.tensor([[5, 6, 0, 0], [7, 0, 8, 0], [0, 0, 0, 0]]), pad=0) == 2 + 3


def test_what_matters_most_comes_first_and_each_case_once() -> None:
    cases = list(list_cases(small=False))
    assert [case.name for case in cases[:3]] == ["recipebook"] * 3
    assert [case.shape for case in cases[:3]] == ["8B", "7B", "0.5B"]
    assert {case.name for case in cases[: 3 * len(FIRST)]} == set(FIRST)
    assert sorted(cases) == sorted(
        {Case(shape, name) for shape in ("0.5B", "7B", "8B") for name in (*VARIANTS, *EXAMPLES)}
    )


def test_the_medians_leave_the_first_steps_out(tmp_path: Path) -> None:
    slow = {"seconds": 10.0, "tokens": 100, "loss": 9.0, "memory_gib": 1.0}
    steps = [slow] * 4 + [
        {"seconds": 0.5, "tokens": 100 + at, "loss": 2.0, "memory_gib": 2.5} for at in range(STEPS - 4)
    ]
    (tmp_path / "timing.jsonl").write_text("".join(f"{json.dumps(step)}\n" for step in steps))
    assert summarise(tmp_path) == {
        # The middle of 100, 101, … 111 tokens in half a second.
        "tokens_a_second": 211, "seconds_a_step": 0.5, "memory_gib": 2.5, "loss": 2.0,
    }  # fmt: skip
    (tmp_path / "timing.jsonl").write_text(f"{json.dumps(slow)}\n")
    (tmp_path / "log.txt").write_text("ValueError: no room\n")
    assert summarise(tmp_path) == {"error": "ValueError: no room"}


def test_an_example_has_our_rows_and_steps_and_its_own_settings() -> None:
    ours = {"base_model": "b", "max_steps": 16, "micro_batch_size": 16, "datasets": [{"path": "train.jsonl"}]}
    found = build_example(ours, EXAMPLES["axolotl train, llama-3/lora-8b"], gpu=True)
    assert (found["base_model"], found["max_steps"], found["datasets"]) == ("b", 16, ours["datasets"])
    assert (found["micro_batch_size"], found["gradient_accumulation_steps"], found["sequence_len"]) == (2, 4, 4096)
    assert (found["load_in_8bit"], found["optimizer"]) == (True, "adamw_bnb_8bit")
    assert found["plugins"] == ["benchmarks.timing.TimingPlugin"]


def test_a_base_has_the_shape_and_its_tokens() -> None:
    shapes = {name: shape.linear + shape.embeddings for name, shape in SHAPES.items()}
    assert [round(shapes[name] / 1e9, 1) for name in ("0.5B", "7B", "8B")] == [0.5, 6.7, 8.0]


@pytest.mark.long
def test_on_a_processor_each_kind_of_case_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "STEPS", 6)
    monkeypatch.setattr(gpu, "OURS", tuple(word.replace(f"={STEPS}", "=6") for word in gpu.OURS))
    make_base(SHAPES["tiny"], tmp_path / "bases" / "tiny")
    cases = [case for case in list_cases(small=True) if case.name in ("recipebook", "axolotl train, llama-3/lora-8b")]
    found = list(measure(cases, tmp_path, seconds=3600))
    assert [(line["shape"], line["case"]) for line in found] == cases
    assert all("error" not in line and line["tokens_a_second"] > 0 for line in found), found
