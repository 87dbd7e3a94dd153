"""Strategies that divide the weights, with every kind of training: two CPU ranks have the losses of data-parallel."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recipebook.project import PROJECT
from tests.end_to_end.short_trainings import KINDS

pytestmark = pytest.mark.long


def train_all(strategy: str, folder: Path) -> dict[str, dict[str, Any]]:
    """What two steps of each kind of training came to."""
    command = [sys.executable, "-m", "tests.end_to_end.short_trainings", strategy, str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line.pop("kind"): line for line in lines}


@pytest.fixture(scope="module")
def data_parallel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return train_all("data-parallel", tmp_path_factory.mktemp("whole") / "data-parallel")


@pytest.mark.parametrize("strategy", ["zero3", "fsdp2"])
def test_weights_that_ranks_share_are_trained_as_whole_ones(
    strategy: str, data_parallel: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    found = train_all(strategy, tmp_path / strategy)
    assert [kind for kind, what in found.items() if "error" in what] == []
    assert list(found) == list(data_parallel) == list(KINDS)
    for kind, whole in data_parallel.items():
        assert found[kind]["losses"] == pytest.approx(whole["losses"], rel=1e-4), kind
        assert found[kind]["parameters"] == whole["parameters"], kind
        assert (found[kind]["finite"], found[kind]["changed"]) == (True, True), kind
