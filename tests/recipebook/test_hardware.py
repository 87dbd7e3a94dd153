"""The GPUs of a machine, under the names that `CUDA_VISIBLE_DEVICES` takes."""

import pytest

from recipebook import hardware
from recipebook.hardware import Hardware, name_gpus


@pytest.mark.parametrize(
    ("gpus", "visible", "names"),
    [
        (0, None, []),
        (0, "-1", []),
        (1, None, ["0"]),
        (3, None, ["0", "1", "2"]),
        (3, "", ["0", "1", "2"]),
        (2, "5,3", ["5", "3"]),
        (2, "GPU-3f2a,GPU-77c0", ["GPU-3f2a", "GPU-77c0"]),
        (2, "0,1,2,3", ["0", "1"]),
    ],
)
def test_each_gpu_that_is_seen_has_a_name(
    gpus: int, visible: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Hardware(gpus=("NVIDIA H200",) * gpus, cpu="c", cores=2, memory_gib=8)
    monkeypatch.setattr(hardware, "detect", lambda: machine)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert name_gpus() == names
