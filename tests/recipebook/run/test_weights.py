"""Saved weights, read back."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402

from recipebook.run.weights import check_weights  # noqa: E402


def save(folder: Path, **tensors: list[float]) -> Path:
    folder.mkdir(exist_ok=True)
    named = {name.replace("__", "."): torch.tensor(values) for name, values in tensors.items()}
    save_file(named, folder / "model.safetensors")
    return folder


def test_a_fresh_adapter_has_changed_once_its_b_is_not_zero(tmp_path: Path) -> None:
    still = check_weights(save(tmp_path / "a", q__lora_A=[1.0], q__lora_B=[0.0, 0.0]), None)
    moved = check_weights(save(tmp_path / "b", q__lora_A=[1.0], q__lora_B=[0.0, 0.1]), None)
    assert (still["finite"], still["changed"]) == (True, False)
    assert (moved["finite"], moved["changed"], moved["tensors"], moved["parameters"]) == (True, True, 2, 3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_one_bad_number_is_found(tmp_path: Path, bad: float) -> None:
    assert not check_weights(save(tmp_path / "a", w=[1.0, bad]), None)["finite"]


def test_a_full_model_is_compared_with_its_base(tmp_path: Path) -> None:
    base = save(tmp_path / "base", w=[1.0, 2.0])
    assert not check_weights(save(tmp_path / "same", w=[1.0, 2.0]), base)["changed"]
    assert check_weights(save(tmp_path / "other", w=[1.0, 2.5]), base)["changed"]


def test_nothing_saved_is_not_finite(tmp_path: Path) -> None:
    assert not check_weights(tmp_path, None)["finite"]


def test_the_digest_is_of_names_shapes_and_values(tmp_path: Path) -> None:
    digests = {
        check_weights(save(tmp_path / name, **tensors), None)["digest"]
        for name, tensors in {
            "one": {"w": [1.0]},
            "name": {"v": [1.0]},
            "value": {"w": [2.0]},
            "shape": {"w": [1.0, 1.0]},
        }.items()
    }
    assert len(digests) == 4
    again = check_weights(save(tmp_path / "again", w=[1.0]), None)["digest"]
    assert again in digests
