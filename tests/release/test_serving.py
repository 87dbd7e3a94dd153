"""OpenAI's form: answers are the evaluation's, whole or in pieces; what would change them unseen is refused."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient
from transformers import AutoConfig, AutoTokenizer

from eval.asking.generate import generate
from recipebook.project import CHAT_TEMPLATES, PROJECT
from recipebook.recipe.evaluation_keys import Generation
from recipebook.run.rundir import Run
from recipebook.shell.port import LOOPBACK, take_port
from release.answering import Answerer
from release.chatting import make_answerer
from release.opening import FoundModel, find_trained, open_model
from release.serving import Desk, build_app
from tests.release.asking import refuse_damaged

CHAT = "/v1/chat/completions"
TINY = PROJECT / "models" / "tiny-base"
Served = tuple[TestClient, FoundModel, list[str], Path]
MakeClient = Callable[..., TestClient]


@pytest.fixture
def served(make_trained: Callable[..., Run], tmp_path: Path) -> Iterator[Served]:
    trained = find_trained(make_trained().name, runs=tmp_path)
    opened = open_model(trained)
    log = tmp_path / "served.jsonl"
    desk = Desk(make_answerer(trained, opened), "own-robot-1", log)
    answers = generate(opened.model, opened.tokenizer, trained.prompts, trained.recipe.eval.generation, "")
    with TestClient(build_app(desk, {"own-robot-1", "own-robot"})) as client:
        yield client, trained, [answer.text for answer in answers], log


@pytest.fixture(scope="module")
def refusing() -> MakeClient:
    """A server without weights, for requests that must not reach them."""

    def make(template: str = "chatml") -> TestClient:
        tokenizer: Any = AutoTokenizer.from_pretrained(TINY)
        tokenizer.chat_template = (CHAT_TEMPLATES / f"{template}.jinja").read_text()
        model = SimpleNamespace(config=AutoConfig.from_pretrained(TINY))
        desk = Desk(Answerer(model, tokenizer, Generation()), "own-robot-1")
        return TestClient(build_app(desk, {"own-robot-1", "own-robot"}))

    return cache(make)


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
        (
            {"messages": [{"role": "robot", "content": "x"}]},
            400,
            "messages[0]: its role is 'robot'; roles are system, ",
        ),
        ({"messages": [{"content": "x"}]}, 400, "messages[0]: its role is None"),
        ({"messages": []}, 400, "messages: List should have at least 1 item"),
        ({"messages": None}, 400, "messages: Input should be a valid list"),
        ({"temperature": "hot"}, 400, "temperature: Input should be a valid number"),
        ({"max_tokens": 0}, 400, "max_tokens: Input should be greater than or equal to 1"),
        ({"model": "\ud83d"}, 404, r"no model '\ud83d'; there is own-robot-1"),
        ({"messages": [{"role": "user", "content": "go \ud83d"}]}, 400, r"messages[0]: '\ud83d' is no character"),
        ({"messages": [{"role": "user", "content": 7}]}, 400, "messages[0]: its content is no text"),
        ({"messages": [{"role": "user", "content": "x", "name": 7}]}, 400, "messages[0].name: not a text"),
        (
            {"messages": [{"role": "user", "content": "x", "audio": {"id": "a"}}]},
            400,
            "the model does not read 'audio'",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": "stop"}]},
            400,
            "messages[0].tool_calls: not a list of calls",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": ["stop"]}]}, 400, "tool_calls[0]: no function with a name"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]},
            400,
            "messages[0].tool_calls[0]: its arguments are not an object in JSON",
        ),
        ({"tools": [{"name": "stop"}]}, 400, "tools[0]: no function with a name"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format.type: Input should be 'text'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "messages[0]: its content is no"),
        ({"messages": [{"role": "user", "content": "a b c " * 900}]}, 400, "the model reads 1,024 at most"),
        ({"messages": [{"role": "user", "content": "a b c " * 900}], "stream": True}, 400, "reads 1,024 at most"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    refusing: MakeClient, change: dict[str, Any], status: int, text: str
) -> None:
    asked = {"model": "own-robot", "messages": [{"role": "user", "content": "stop"}], **change}
    # As JSON may have it: half a character is written by its number.
    reply = refusing().post(CHAT, content=json.dumps(asked), headers={"content-type": "application/json"})
    assert reply.status_code == status
    assert text in reply.json()["error"]["message"] and "\n" not in reply.json()["error"]["message"]


def test_it_has_one_model_and_no_other_name_leads_to_it(served: Served) -> None:
    client = served[0]
    assert client.get("/health").json() == {"status": "ok"}
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["own-robot-1"]
    assert client.get("/v1/models", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/v1/models/own-robot").json()["id"] == "own-robot-1"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", CHAT, None, 405, "no GET /v1/chat/completions; there are GET /health, GET /v1/models, POST /v1/chat/"),
        ("POST", "/v1/completions", "{}", 404, "no POST /v1/completions; there are GET /health, "),
        ("GET", "/v1/models/other", None, 404, "no model 'other'; there is own-robot-1"),
        ("POST", CHAT, "{", 400, "the body: JSON decode error"),
        ("POST", CHAT, "", 400, "the body: Field required"),
        ("POST", CHAT, "[]", 400, "the body: Input should be a valid dictionary"),
        ("POST", CHAT, "[" * 200_000, 400, "There was an error parsing the body"),
    ],
)
def test_a_request_that_is_none_is_refused_as_openai_does(
    refusing: MakeClient, method: str, path: str, body: str | None, status: int, text: str
) -> None:
    reply = refusing().request(method, path, content=body, headers={"content-type": "application/json"})
    assert reply.status_code == status
    assert reply.json()["error"]["message"].startswith(text)


def test_json_without_its_header_is_refused_with_the_header(refusing: MakeClient) -> None:
    body = '{"model": "own-robot", "messages": [{"role": "user", "content": "stop"}]}'
    reply = refusing().post(CHAT, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    text = "the body is not JSON by its header; send Content-Type: application/json"
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, text)


def test_settings_that_change_nothing_are_taken_and_keys_of_a_message_that_are_empty_do_not_count(
    served: Served,
) -> None:
    client, trained, answers, _ = served
    messages = [{**message, "audio": None, "annotations": []} for message in trained.prompts[0].messages]
    more = {"stream": None, "response_format": {"type": "text"}, "presence_penalty": 0.0, "max_tokens": 10**30}
    reply = client.post(CHAT, json={"model": "own-robot", "messages": messages, **more, "max_completion_tokens": 8})
    assert reply.json()["choices"][0]["message"]["content"] == answers[0]


def test_tools_that_the_template_does_not_write_are_refused(refusing: MakeClient) -> None:
    tools = [{"type": "function", "function": {"name": "stop", "parameters": {}}}]
    asked = {"model": "own-robot", "messages": [{"role": "user", "content": "stop"}], "tools": tools}
    reply = refusing("instruct").post(CHAT, json=asked)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == "tools: the model's chat template leaves them out"


def test_a_damaged_adapter_is_one_line_without_a_word_of_the_libraries(make_trained: Callable[..., Run]) -> None:
    run = make_trained()
    with take_port(LOOPBACK, 0) as free:
        port = free.getsockname()[1]
    refuse_damaged(run, "serve", run.name, "--port", str(port))
