"""OpenAI's form: answers are the evaluation's, whole or in pieces; what would change them unseen is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from eval.asking.generate import generate
from recipebook.run.rundir import Run
from release.chatting import make_answerer
from release.opening import FoundModel, find_trained, open_model
from release.serving import Desk, build_app

CHAT = "/v1/chat/completions"
Served = tuple[TestClient, FoundModel, list[str], Path]


@pytest.fixture
def served(make_trained: Callable[..., Run], tmp_path: Path) -> Iterator[Served]:
    trained = find_trained(make_trained().name, runs=tmp_path)
    opened = open_model(trained)
    log = tmp_path / "served.jsonl"
    desk = Desk(make_answerer(trained, opened), "own-robot-1", log)
    answers = generate(opened.model, opened.tokenizer, trained.prompts, trained.recipe.eval.generation, "")
    with TestClient(build_app(desk, {"own-robot-1", "own-robot"})) as client:
        yield client, trained, [answer.text for answer in answers], log


def read_events(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_served_answers_are_those_of_the_evaluation(served: Served) -> None:
    client, trained, answers, log = served
    asked = [{"model": "own-robot", "messages": list(prompt.messages)} for prompt in trained.prompts]
    replies = [client.post(CHAT, json=one).json() for one in asked]
    assert [reply["choices"][0]["message"]["content"] for reply in replies] == answers
    usage = replies[0]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    logged = [json.loads(line)["messages"][-1]["content"] for line in log.read_text().splitlines()]
    assert logged == answers


def test_a_stream_adds_up_to_the_answer(served: Served) -> None:
    client, trained, answers, _ = served
    asked = {
        "model": "own-robot-1", "messages": list(trained.prompts[1].messages), "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    *pieces, last, usage = read_events(client.post(CHAT, json=asked).text)
    assert "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces) == answers[1]
    assert last["choices"][0]["finish_reason"] in ("stop", "length")
    assert usage["choices"] == [] and usage["usage"]["completion_tokens"] > 0


def test_settings_of_a_caller_count(served: Served) -> None:
    client = served[0]
    messages = [{"role": "user", "content": [{"type": "text", "text": "stop"}]}]
    reply = client.post(CHAT, json={"model": "own-robot", "messages": messages, "max_tokens": 1}).json()
    assert reply["usage"]["completion_tokens"] <= 1
    assert reply["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"model": "other"}, 404, "no model 'other'; there is own-robot-1"),
        ({"stop": ["x"]}, 400, "stop: "),
        ({"n": 2}, 400, "n: Input should be 1"),
        ({"temprature": 1}, 400, "temprature: Extra inputs are not permitted"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages[0]: its role is 'robot'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "messages[0]: its content is no"),
        ({"messages": [{"role": "user", "content": "a b c " * 900}]}, 400, "the model reads 1,024 at most"),
        ({"messages": [{"role": "user", "content": "a b c " * 900}], "stream": True}, 400, "reads 1,024 at most"),
    ],
)
def test_what_cannot_be_answered_is_one_line(served: Served, change: dict[str, Any], status: int, text: str) -> None:
    asked = {"model": "own-robot", "messages": [{"role": "user", "content": "stop"}], **change}
    reply = served[0].post(CHAT, json=asked)
    assert reply.status_code == status
    assert text in reply.json()["error"]["message"] and "\n" not in reply.json()["error"]["message"]


def test_it_has_one_model_and_no_other_name_leads_to_it(served: Served) -> None:
    client = served[0]
    assert client.get("/health").json() == {"status": "ok"}
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["own-robot-1"]
    assert client.get("/v1/models", headers={"host": "evil.example"}).status_code == 400
