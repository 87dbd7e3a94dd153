"""A recipe that a service trains, by the command, against the service played on loopback."""

import json

import pytest

from tests.end_to_end.project import Project
from tests.services import adapters, together_server


def test_a_service_trains_a_recipe_and_is_not_asked_twice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", together_server.KEY)
    with together_server.serving(adapters.pack_adapter()) as account:
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


def test_a_run_that_an_earlier_version_left_unfinished_is_resumed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with together_server.serving(adapters.pack_adapter()) as account:
        settings = (f"remote.url={account.url}", "remote.poll_seconds=0.1", "remote.stagger_seconds=0")
        command = ("train", "trait", "--profile", "together", "--set", *settings, "training.epochs=2")
        monkeypatch.setenv("TOGETHER_API_KEY", "wrong")
        status, _ = project.run(*command)
        assert status == 1
        folder, manifest = project.newest()
        # As the version before the rooms wrote it: another identity, and a module that has moved since.
        del manifest["form"]
        changed = {"identity": "e5bebbc79ee919e5", "command": ["python", "-m", "recipebook.remote_job"]}
        (folder / "manifest.json").write_text(json.dumps({**manifest, **changed}))
        monkeypatch.setenv("TOGETHER_API_KEY", together_server.KEY)
        status, said = project.run(*command)
        assert status == 0, said
    resumed, manifest = project.newest()
    assert (resumed, manifest["status"]) == (folder, "trained")
    assert manifest["command"][1:] == ["-m", "recipebook.remote.job"]
    assert [attempt["outcome"] for attempt in manifest["attempts"]] == ["failed", "trained"]
