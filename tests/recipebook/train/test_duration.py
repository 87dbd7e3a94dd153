"""How long a training will take: by an earlier run of this machine, else by the GPU's peak; literal values by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.hardware import Hardware, detect
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import Attempt
from recipebook.run.rundir import Run, list_readable
from recipebook.train import cards, duration
from recipebook.train.cards import CARDS, Card, Target, choose_target, find_card
from recipebook.train.duration import Load, average_padded, count_operations, format_duration
from recipebook.train.shapes import LLAMA_7B, BaseShape

# Two layers of 576 weights, and 100 words of 8.
SMALL = BaseShape(hidden=8, layers=2, inner=16, vocabulary=100, heads=2, key_heads=1)


def robot(*overrides: str) -> Recipe:
    return resolve("robot-lora", "gpu", list(overrides)).recipe


def test_a_slice_has_its_memory_and_its_sevenths_of_what_the_card_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "measure_gpu_memory", lambda: 18.6)
    for name, teraflops in (("MIG 3g.20gb", 312 * (3 / 7)), ("MIG 1c.3g.20gb", 312 * (1 / 7)), ("", 312)):
        machine = Hardware(gpus=(f"NVIDIA A100-SXM4-40GB {name}",), cpu="c", cores=2, memory_gib=8)
        monkeypatch.setattr(cards, "detect", lambda machine=machine: machine)
        assert choose_target(None, None) == Target(Card("A100-40", 18.6, teraflops), None)


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA A100-SXM4-40GB", "A100-40"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA A10G", "A10G"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 4090", "4090"),
        ("h200", "H200"),
    ],
)
def test_a_card_is_found_by_the_name_that_its_driver_prints(name: str, card: str) -> None:
    found = find_card(name)
    assert found
    assert found.name == card


@pytest.mark.parametrize("name", ["GeForce GT 710", "NVIDIA RTX A1000", "NVIDIA T400 4GB", "", "1"])
def test_a_name_that_only_begins_as_a_cards_is_another(name: str) -> None:
    assert find_card(name) is None


def test_a_card_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"^no card 'GT 710' is known; there are: B200, H200, "):
        choose_target("GT 710", None)
    assert choose_target("H100", 2.5) == Target(next(card for card in CARDS if card.name == "H100"), 2.5, named=True)


def test_rows_are_padded_to_the_longest_of_their_batch() -> None:
    """Of two rows drawn from lengths 2 and 4, one batch in four has a longest row of 2."""
    assert average_padded([2, 4], robot(), 2) == 2 / 4 + 4 * 3 / 4
    assert average_padded([2, 4], robot("training.packing=true"), 2) == 3
    assert average_padded([2, 1000], robot("training.max_length=4"), 1) == 3


def test_the_operations_of_a_training_are_counted_by_hand() -> None:
    load = Load(records=10, tokens=5, record_bytes=1)
    weights = 2 * (2 * 64 + 2 * 32 + 3 * 128) + 800
    assert count_operations(robot(), load, SMALL) == 4 * 50 * weights
    assert count_operations(robot("training.gradient_checkpointing=true"), load, SMALL) == 6 * 50 * weights
    assert count_operations(robot().model_copy(update={"lora": None}), load, SMALL) == 6 * 50 * weights
    pairs = resolve("preference-dpo", "gpu", []).recipe
    assert count_operations(pairs, load, SMALL) == 2 * 4 * 50 * weights


def test_a_gpu_without_an_earlier_run_works_at_a_third_of_its_peak() -> None:
    """7.0e9 weights less an embedding, 4 operations each, 10^6 tokens at 330 * 10^12 a second: 80 s."""
    target = choose_target("H100", 36.0)
    load = Load(records=1_000, tokens=1_000, record_bytes=3_000)
    assert format_duration(robot(), load, LLAMA_7B, target) == (
        "about 1:20 on H100, at a third of its 989 TFLOP/s, which is assumed and not measured; 0.80 at 36 an hour"
    )
    assert format_duration(robot(), load, None, target).startswith("shown once training runs: ")


def test_the_ranks_of_all_machines_share_the_work_and_each_machine_has_its_price() -> None:
    """The same as above on 2 x 4 GPUs: an eighth of 80 s, and twice the price of an hour."""
    machines = robot("launch.machines=2", "launch.processes=4", "training.batch_size=16")
    load = Load(records=1_000, tokens=1_000, record_bytes=3_000)
    assert format_duration(machines, load, LLAMA_7B, choose_target("H100", 36.0)) == (
        "about 10 s on H100, at a third of its 989 TFLOP/s, which is assumed and not measured; "
        "0.20 at 36 an hour for each of 2 machines"
    )


def test_many_small_batches_take_the_time_that_starting_them_takes() -> None:
    load = Load(records=4_000, tokens=10, record_bytes=30)
    assert format_duration(robot(), load, SMALL, choose_target("H100", None)) == (
        "about 1:40 on H100, at 0.1 s a batch, which is assumed and not measured"
    )


def test_an_earlier_run_on_this_machine_decides(
    start_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_run()
    trained = {"attempts": (Attempt(started=""),), "rows": {"train": 2}, "hardware": detect()}
    run.write(run.read().model_copy(update=trained))
    leave(run.folder, robot())
    monkeypatch.setattr(duration, "list_readable", lambda: list_readable(tmp_path))
    load = Load(records=100, tokens=10, record_bytes=6)
    # Four records a second of four bytes each; six bytes take half as long again.
    assert format_duration(robot("training.epochs=9"), load, SMALL, Target(None)) == (
        f"about 38 s, as a record of {run.name} took 0.25 s here"
    )
    assert format_duration(robot("lora.r=7"), load, SMALL, Target(None)).startswith("shown once training runs: ")
    named = choose_target("H100", None)
    assert "on H100" in format_duration(robot(), load, SMALL, named)


def leave(folder: Path, recipe: Recipe) -> None:
    """What a training leaves: its recipe, its rows, its speed."""
    (folder / "resolved.yaml").write_text(json.dumps(recipe.model_dump(mode="json")))
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "train.jsonl").write_text("{1}\n{2}\n")
    (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 1.0}\n{"step": 2, "train_samples_per_second": 4.0}\n')
