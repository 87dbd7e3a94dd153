"""The client against Together's documented answers, over sockets: good ones, refusals, and no answers."""

import time
from pathlib import Path
from typing import Any

import pytest

from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.remote import web
from recipebook.remote.service import Unclear
from services import together as service
from tests.services import together_server
from tests.services.together_server import Account

RECIPE: dict[str, Any] = {
    "description": "d",
    "model": {"base": "meta-llama/Llama-3.1-8B-Instruct"},
    "data": {"source": "a.jsonl", "converter": "trait"},
    "training": {"epochs": 1, "batch_size": 16, "gradient_accumulation": 2, "learning_rate": 2e-4},
    "lora": {"r": 4, "alpha": 16},
    "remote": {"model": "meta-llama/Meta-Llama-3.1-8B-Instruct-Reference"},
}
JOB = {"id": "ft-1", "status": "running", "suffix": "rb-1", "model_output_name": "me/x-rb-1"}


@pytest.fixture
def client(account: Account) -> service.Together:
    return service.connect(account.url, together_server.KEY, "TOGETHER_API_KEY")


def obstacles(**sections: Any) -> list[str]:
    return [fault.text for fault in service.find_obstacles(Recipe.model_validate({**RECIPE, **sections}))]


def test_a_recipe_is_ordered_in_the_words_of_the_service() -> None:
    assert service.build_order(Recipe.model_validate(RECIPE)) == {
        "model": "meta-llama/Meta-Llama-3.1-8B-Instruct-Reference",
        "n_epochs": 1,
        "n_checkpoints": 1,
        "batch_size": 32,
        "learning_rate": 2e-4,
        "lr_scheduler": {
            "lr_scheduler_type": "cosine",
            "lr_scheduler_args": {"min_lr_ratio": 0.0, "num_cycles": 0.5},
        },
        "warmup_ratio": 0.1,
        "max_grad_norm": 1.0,
        "weight_decay": 0.0,
        "training_method": {"method": "sft", "train_on_inputs": False},
        "training_type": {
            "type": "Lora",
            "lora_r": 4,
            "lora_alpha": 16,
            "lora_dropout": 0.05,
            "lora_trainable_modules": "q_proj,v_proj",
        },
    }


def test_what_the_service_cannot_do_is_refused() -> None:
    assert obstacles() == []
    assert obstacles(lora=None) == ["lora: together trains adapters here, without quantize"]
    assert obstacles(training={"epochs": 1.5, "max_steps": 9}) == [
        "training.epochs: together takes whole ones, not 1.5",
        "training.max_steps: together has no such setting",
    ]
    assert obstacles(training={"method": "dpo"}) == ["training.method: together trains by sft, not dpo"]


def test_rows_go_up_and_an_adapter_comes_down(client: service.Together, account: Account, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n')
    assert client.upload(rows, "run.jsonl") == "file-1"
    form = account.files["file-1"]
    assert b'name="purpose"\r\n\r\nfine-tune' in form
    assert b'{"prompt": "a", "completion": "b"}\n' in form
    assert client.start({"model": "m"}, "file-1", "rb-1").id == "ft-1"
    assert account.jobs["ft-1"]["training_file"] == "file-1"
    client.download("ft-1", tmp_path / "packed")
    assert (tmp_path / "packed").read_bytes() == account.archive


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "running"), ("uploading", "running"), ("completed", "completed"), ("cancelled", "failed"),
        ("error", "failed"),
    ],
)  # fmt: skip
def test_every_status_is_understood(client: service.Together, account: Account, status: str, state: str) -> None:
    account.jobs["ft-1"], account.statuses = dict(JOB), (status,)
    account.events = [{"type": "job_error", "message": "bad rows"}, {"type": "epoch", "step": 3, "total_steps": 9}]
    assert client.look("ft-1") == ("ft-1", state, status, "bad rows", 3, 9)


def test_a_job_is_found_by_its_suffix_even_in_its_models_name(client: service.Together, account: Account) -> None:
    account.jobs["ft-1"] = {"id": "ft-1", "status": "running", "model_output_name": "me/llama-rb-77-a1"}
    found = client.find("rb-77")
    assert found and found.id == "ft-1"
    assert client.find("rb-78") is None


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            401,
            {"error": {"message": "Invalid API key"}},
            "401 Unauthorized: Invalid API key (the key is from TOGETHER_",
        ),
        (402, {"error": {"message": "no credits"}}, "402 Payment Required: no credits"),
        (404, {"error": {"message": "no such job"}}, "404 Not Found: no such job"),
        (422, {"error": {"message": "batch_size\nis 99"}}, r"422 Unprocessable Entity: batch_size\\nis 99"),
        (400, b"<html>bad</html>", "400 Bad Request: <html>bad</html>"),
        (200, b"[]", "no JSON object: '[]'"),
        (200, {"id": "ft-1"}, "an answer without 'status'; it has: id"),
    ],
)
def test_a_refusal_is_one_line(client: service.Together, account: Account, status: int, body: Any, told: str) -> None:
    account.faults["GET fine-tunes"] = [(status, {}, body)]
    with pytest.raises(UserError) as error:
        client.look("ft-1")
    assert str(error.value).startswith(f"together: {told}".replace("\\\\", "\\"))
    assert len(account.seen) == 1


def test_the_key_is_in_no_message(account: Account) -> None:
    client = service.connect(account.url, "wrong-key-123", "TOGETHER_API_KEY")
    with pytest.raises(UserError, match=r"Invalid API key Bearer \*\*\*") as error:
        client.look("ft-1")
    assert "wrong-key-123" not in str(error.value)


def test_the_key_goes_to_no_unencrypted_address() -> None:
    with pytest.raises(UserError, match=r"http://api\.together\.xyz/v1 would carry the key in the clear"):
        service.connect("http://api.together.xyz/v1", "k", "TOGETHER_API_KEY")


def test_busy_and_broken_answers_are_asked_again(
    client: service.Together, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.jobs["ft-1"] = dict(JOB)
    account.faults["GET fine-tunes"] = [(429, {"Retry-After": "1"}, {}), (503, {}, {}), together_server.DROP]
    before = time.monotonic()
    assert client.look("ft-1").id == "ft-1"
    # A second as asked, then pauses of about 1 and 2 s.
    assert time.monotonic() - before > 3
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 3
    assert told[0] == "together: 429 Too Many Requests: {}; again in 1.0 s"


def test_a_start_is_repeated_only_where_it_was_surely_not_heard(client: service.Together, account: Account) -> None:
    account.faults["POST fine-tunes"] = [(429, {}, {}), together_server.CUT]
    with pytest.raises(Unclear):
        client.start({"model": "m"}, "file-1", "rb-1")
    assert account.seen == ["POST fine-tunes"] * 2
    account.faults["POST fine-tunes"] = [(500, {}, {})]
    with pytest.raises(Unclear):
        client.start({"model": "m"}, "file-1", "rb-2")


def test_a_server_that_stays_away_is_given_up(
    client: service.Together, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE_SECONDS", 0.1)
    account.faults["GET fine-tunes"] = [(500, {}, {})] * 3
    with pytest.raises(
        UserError, match=r"500 Internal Server Error: \{\}; given up after 0 minutes: run the same command to resume"
    ):
        client.look("ft-1")


def test_a_download_that_breaks_off_leaves_nothing_and_is_repeated(
    client: service.Together, account: Account, tmp_path: Path
) -> None:
    account.jobs["ft-1"] = dict(JOB)
    account.faults["GET finetune"] = [(200, {"Content-Length": "99999"}, b"half")]
    client.download("ft-1", tmp_path / "packed")
    assert (tmp_path / "packed").read_bytes() == account.archive
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]
