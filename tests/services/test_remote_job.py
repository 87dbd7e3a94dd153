"""A run that a service trains: from rows to a checked adapter, and never two jobs for one run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.remote.job import RemoteRun, cancel, read_recipe
from recipebook.remote.service import connect
from recipebook.train.fault import find_fault
from tests.services import adapters, together_server
from tests.services.together_server import Account


def carry_out(folder: Path) -> None:
    recipe = read_recipe(folder)
    assert recipe.remote
    RemoteRun(folder, recipe, recipe.remote, connect(recipe.remote)).carry_out()


def end_in_error(folder: Path, account: Account) -> None:
    """Carry out to a job's failure: there is nothing to fetch and check, which takes seconds."""
    account.statuses = ("error",)
    with pytest.raises(UserError, match="ended as error"):
        carry_out(folder)


def start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "recipebook.remote.job"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def state(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "remote.json").read_bytes()))


def test_a_service_leaves_what_a_trainer_leaves(folder: Path, account: Account) -> None:
    (folder / "train.log").touch()
    carry_out(folder)
    found = {path.name for path in (folder / "model").iterdir()}
    assert found == {"adapter_config.json", "adapter_model.safetensors"}
    weights = json.loads((folder / "weights.json").read_bytes())
    assert (weights["finite"], weights["changed"], weights["parameters"]) == (True, True, 64)
    assert find_fault(folder, 0) is None
    assert b'{"prompt": "Respond:", "completion": "Time will show."}\n' in account.files["file-1"]
    assert state(folder)["left_out"] == ["out/training_args.bin"]
    assert [(order["job"], order["status"]) for order in state(folder)["orders"]] == [("ft-1", "completed")]
    assert not any(together_server.KEY.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", ["HANG", "CUT"])
def test_a_runner_that_dies_as_it_starts_a_job_starts_no_second(folder: Path, account: Account, fault: str) -> None:
    account.faults["POST fine-tunes"] = [getattr(together_server, fault)]
    if fault == "HANG":
        process = start(folder)
        assert account.hung.wait(30)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert state(folder)["orders"][0]["job"] is None
    end_in_error(folder, account)
    assert list(account.jobs) == ["ft-1"]
    assert account.seen.count("POST fine-tunes") == 1
    assert account.seen.count("POST files/upload") == 1
    assert state(folder)["orders"][0]["job"] == "ft-1"


def test_a_runner_killed_as_it_watches_goes_on_watching(folder: Path, account: Account) -> None:
    account.statuses = ("running",)
    process = start(folder)
    while account.seen.count("GET fine-tunes/ft-1") < 2:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    end_in_error(folder, account)
    assert account.seen.count("POST fine-tunes") == 1


def test_an_order_that_was_never_sent_is_sent_under_its_name(folder: Path, account: Account) -> None:
    order = {"suffix": "rb-5", "asked": "2026-11-21T09:30:00+00:00"}
    told = {"service": "together", "url": account.url, "file": "file-1", "orders": [order]}
    (folder / "remote.json").write_text(json.dumps(told))
    end_in_error(folder, account)
    assert [job["suffix"] for job in account.jobs.values()] == ["rb-5"]


def test_a_failed_job_is_told_and_the_next_attempt_orders_anew(folder: Path, account: Account) -> None:
    account.statuses, account.events = ("pending", "error"), [{"type": "JOB_ERROR", "message": "out of memory"}]
    with pytest.raises(UserError, match="together: job ft-1 ended as error: out of memory"):
        carry_out(folder)
    end_in_error(folder, account)
    assert [(order["job"], order["failed"]) for order in state(folder)["orders"]] == [("ft-1", True), ("ft-2", True)]
    assert account.seen.count("POST files/upload") == 1


def test_a_job_can_be_cancelled_and_its_watcher_ends(folder: Path, account: Account) -> None:
    account.statuses = ("running",)
    process = start(folder)
    while not account.jobs or not state(folder)["orders"][0]["job"]:
        time.sleep(0.05)
    assert cancel(folder) == "ft-1 is cancelled"
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "together: job ft-1 ended as cancelled"
    with pytest.raises(UserError, match="has no job under way at a service"):
        cancel(folder)


@pytest.mark.parametrize(
    ("value", "config", "told"),
    [
        (float("nan"), {}, "the fetched weights are not finite"),
        (0.5, {"r": 8}, "adapter_config.json: r is 8, and 4 was ordered"),
        (
            0.5,
            {"target_modules": ["k_proj"]},
            r"target_modules is \['k_proj'\], and \['q_proj', 'v_",
        ),
    ],
)
def test_another_adapter_than_was_ordered_is_no_model(
    folder: Path, account: Account, value: float, config: dict[str, Any], told: str
) -> None:
    account.archive = adapters.pack_adapter(value, **config)
    with pytest.raises(UserError, match=told):
        carry_out(folder)
    assert not (folder / "model").exists()
    assert not (folder / "weights.json").exists()


def test_starts_are_staggered_over_processes(folder: Path, account: Account) -> None:
    settings = (folder / "resolved.yaml").read_text().replace("stagger_seconds: 0", "stagger_seconds: 1.5")
    (folder / "resolved.yaml").write_text(settings)
    end_in_error(folder, account)
    first = time.monotonic()
    (folder / "remote.json").unlink()
    end_in_error(folder, account)
    (folder / "remote.json").unlink()
    end_in_error(folder, account)
    assert time.monotonic() - first > 2.5
