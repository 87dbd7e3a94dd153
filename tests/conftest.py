"""Order: what trains for real comes last, so that a mistake elsewhere is seen in seconds. And runs without a model."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from recipebook.hardware import Hardware
from recipebook.run import rundir
from recipebook.run.manifest import Manifest, Status
from recipebook.run.rundir import Run

# Machines are shared: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files are made again, and then held."""
    parser.addoption("--remake", action="store_true", help="write tests/golden/ again")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the end-to-end tests behind all others."""
    items.sort(key=lambda item: "end_to_end" in item.path.parts)


@pytest.fixture
def start_run(tmp_path: Path) -> Callable[..., Run]:
    """Makes a run's folder with a recipe and a manifest, both of the hour given."""

    def start(hour: int = 12, status: Status = "trained", recipe: str = "robot", minute: int = 0) -> Run:
        now = datetime(2026, 11, 20, hour, minute, 5)
        run = rundir.create(recipe, now, tmp_path)
        (run.folder / "recipe.yaml").write_text("description: d\n")
        os.utime(run.folder / "recipe.yaml", (now.timestamp(), now.timestamp()))
        run.write(
            Manifest(
                run=run.name, recipe=recipe, status=status, identity="i", created="2026-11-20T12:00:05", profile=None,
                overrides=(), git={}, versions={}, hashes={}, account={}, rows={},
                hardware=Hardware(gpus=(), cpu="c", cores=2, memory_gib=8), command=(), environment={},
            )
        )  # fmt: skip
        return run

    return start
