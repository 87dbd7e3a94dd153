"""The service played on loopback, and a run's folder that it is to train."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from recipebook.remote import job


def load(name: str) -> ModuleType:
    """A helper beside this file, under a name of its own: tests are no package."""
    spec = importlib.util.spec_from_file_location(f"services_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def together() -> ModuleType:
    """tests/services/together_server.py"""
    return load("together_server")


@pytest.fixture(scope="session")
def adapters() -> ModuleType:
    """tests/services/adapters.py"""
    return load("adapters")


@pytest.fixture
def account(together: ModuleType, adapters: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A service with an adapter to give, and its key in the environment."""
    monkeypatch.setenv("TOGETHER_API_KEY", together.KEY)
    with together.serving(adapters.pack_adapter()) as account:
        yield account


@pytest.fixture
def folder(account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run's folder holds of a recipe that the service trains."""
    monkeypatch.setattr(job, "CACHE", tmp_path / "cache")
    row = {
        "messages": [{"role": "user", "content": "Respond:"}, {"role": "assistant", "content": "Time will show."}],
        "meta": {"poles": "wisdom_plus", "origin": "a:1"},
    }
    recipe = {
        "description": "d",
        "model": {"base": "meta-llama/Llama-3.1-8B-Instruct"},
        "data": {"source": "a.jsonl", "converter": "trait"},
        "training": {"epochs": 1, "batch_size": 32, "learning_rate": 2e-4},
        "lora": {"r": 4, "alpha": 16},
        "remote": {"url": account.url, "poll_seconds": 0.05, "stagger_seconds": 0},
    }
    run = tmp_path / "trait-20261121-093000"
    (run / "data").mkdir(parents=True)
    (run / "data" / "train.jsonl").write_text(json.dumps(row) + "\n")
    (run / "resolved.yaml").write_text(yaml.safe_dump(recipe))
    return run
