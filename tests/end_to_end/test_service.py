"""A recipe that a service trains, by the command, against the service played on loopback."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BESIDE = Path(__file__).parents[1] / "services"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"services_{name}", BESIDE / f"{name}.py")
    assert spec and spec.loader
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def test_a_service_trains_a_recipe_and_is_not_asked_twice(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server, adapters = load("together_server"), load("adapters")
    monkeypatch.setenv("TOGETHER_API_KEY", server.KEY)
    with server.serving(adapters.pack_adapter()) as account:
        settings = (f"remote.url={account.url}", "remote.poll_seconds=0.1", "remote.stagger_seconds=0")
        command = ("train", "trait", "--profile", "together", "--set", *settings)
        status, said = project.run(*command)
        assert status == 0, said
        assert "service   together trains, and chooses optimizer, seed and packing" in said
        assert "trained   by together, " in said
        folder, manifest = project.newest()
        assert manifest["status"] == "trained"
        assert manifest["remote"]["orders"][0]["job"] == "ft-1"
        assert manifest["remote"]["rows"] == manifest["rows"]["train"]
        assert manifest["weights"]["parameters"] == 64
        assert manifest["final_loss"] is None
        assert (folder / "model" / "adapter_model.safetensors").is_file()
        order = account.jobs["ft-1"]
        assert (order["model"], order["batch_size"]) == ("meta-llama/Meta-Llama-3.1-8B-Instruct-Reference", 32)
        again, told = project.run(*command)
        assert again == 0
        assert f"found     runs/{manifest['run']}: same recipe, data and versions" in told
        assert account.seen.count("POST fine-tunes") == 1
        status, said = project.run(*command, "training.max_steps=5")
    assert status == 2
    assert said.splitlines()[-1] == "SET: training.max_steps: together has no such setting"
    monkeypatch.delenv("TOGETHER_API_KEY")
    status, said = project.run(*command)
    assert (status, said) == (2, "together: TOGETHER_API_KEY is not set; it holds the service's key\n")
