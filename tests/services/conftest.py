"""The service played on loopback, and a run's folder that it is to train."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from recipebook.remote import job
from tests.services.adapters import pack_adapter
from tests.services.together_server import KEY, Account, serving


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A service with an adapter to give, and its key in the environment."""
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)
    with serving(pack_adapter()) as account:
        yield account


@pytest.fixture
def folder(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
