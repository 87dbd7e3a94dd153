"""Order: what trains for real comes last, so that a mistake elsewhere is seen in seconds. And runs without a model,
and a real browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, sync_playwright

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium. It ends with the module: its event loop would be in the way of others."""
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if command is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of a file; at the end nothing in it may have failed, or asked for a network."""
    complaints: list[str] = []
    tabs: list[Page] = []

    def open_file(path: Path, width: int = 1280, dark: bool = False) -> Page:
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab.set_default_timeout(20_000)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "request", lambda asked: None if asked.url.startswith(("file:", "blob:")) else complaints.append(asked.url)
        )
        tabs.append(tab)
        tab.goto(path.as_uri())
        return tab

    yield open_file
    for tab in tabs:
        tab.close()
    assert complaints == []
