"""Conversations by templates and by a server: complete, repeatable, and the key told to no one but the server."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from converters import chat
from recipebook.errors import UserError
from stages import _endpoint
from stages.generate_conversations import Options, read_conversation, run
from tests.stages.conftest import MakeJob

SECRET = "sk-very-secret"
GOOD = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}]}
Reply = tuple[int, dict[str, str], str]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_templates_fill_profiles_and_conversations_that_the_chat_converter_takes(make_job: MakeJob) -> None:
    job = make_job()
    run(job, Options(profiles=30, conversations=90))
    profiles, records = read(job.folder / "profiles.jsonl"), read(job.folder / "rows.jsonl")
    assert (len(profiles), len(records)) == (30, 90)
    assert [record["profile_id"] for record in records] == [f"user_{at // 3:05}" for at in range(90)]
    for record, profile in zip(records, [profile for profile in profiles for _ in range(3)], strict=True):
        (row,) = chat.convert(record, chat.Options())
        assert row["messages"] == record["messages"]
        assert row["messages"][0]["content"].endswith(f"User Profile: {profile['character']}")
        assert row["meta"]["language"] == profile["language"]
        assert 2 <= row["meta"]["exchanges"] <= 4
    account = json.loads((job.folder / "account.json").read_text())
    assert (account["profiles"], account["conversations"]) == (30, 90)
    assert sum(account[f"conversations in {code}"] for code in ("en", "hi", "mixed")) == 90


def test_the_same_seed_makes_the_same_file_and_another_another(make_job: MakeJob) -> None:
    made = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        job = make_job(folder=folder, seed=seed)
        run(job, Options(profiles=5, conversations=20))
        made.append((job.folder / "rows.jsonl").read_bytes())
    assert made[0] == made[1] != made[2]


class Server:
    """A server on loopback that plays a script: each request gets the next reply, and the last again and again."""

    def __init__(self, script: list[Reply]) -> None:
        self.script = script
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        lock, server = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    server.keys.append(self.headers["Authorization"])
                    server.asked.append({"path": self.path, **body})
                    status, headers, said = script.pop(0) if len(script) > 1 else script[0]
                answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]})
                content = (answer if status == 200 else f"wrong key {self.headers['Authorization']}").encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


Serve = Callable[..., Server]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr(_endpoint, "FIRST_DELAY", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MY_KEY", SECRET)
    servers: list[Server] = []

    def start(*script: Reply) -> Server:
        servers.append(Server(list(script)))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def say(said: Any = GOOD) -> Reply:
    return 200, {}, said if isinstance(said, str) else json.dumps(said)


def make(server: Server, conversations: int = 4, **endpoint: Any) -> Options:
    given = {"url": server.url, "model": "m", "key": "MY_KEY", "parallel": 1, **endpoint}
    return Options.model_validate({"profiles": 2, "conversations": conversations, "endpoint": given})


def test_a_server_is_told_the_profile_and_its_answers_become_records(make_job: MakeJob, serve: Serve) -> None:
    job, server = make_job(), serve(say(f"Sure!\n```json\n{json.dumps(GOOD)}\n```"))
    run(job, make(server, parallel=3))
    records, profiles = read(job.folder / "rows.jsonl"), read(job.folder / "profiles.jsonl")
    assert [record["messages"][1:] for record in records] == [GOOD["messages"]] * 4
    assert {asked["path"] for asked in server.asked} == {"/v1/chat/completions"}
    assert {asked["model"] for asked in server.asked} == {"m"} and set(server.keys) == {f"Bearer {SECRET}"}
    for profile in profiles:
        assert sum(profile["character"] in asked["messages"][0]["content"] for asked in server.asked) == 2
    assert not any(SECRET in path.read_text() for path in job.folder.iterdir())
    assert sorted(path.name for path in job.folder.iterdir()) == ["account.json", "profiles.jsonl", "rows.jsonl"]


def test_a_busy_server_is_asked_again_and_an_answer_that_is_no_conversation_too(
    make_job: MakeJob, serve: Serve
) -> None:
    job = make_job()
    server = serve((429, {"Retry-After": "0"}, ""), (503, {}, ""), say("I cannot."), say())
    run(job, make(server, conversations=2))
    assert [len(server.asked), len(read(job.folder / "rows.jsonl"))] == [5, 2]


def test_what_a_server_never_writes_is_counted_and_too_much_of_it_ends_the_stage(
    make_job: MakeJob, serve: Serve
) -> None:
    job = make_job()
    run(job, make(serve(say("?"), say("?"), say("?"), say()), conversations=2))
    account = json.loads((job.folder / "account.json").read_text())
    assert (account["conversations"], account["dropped: no conversation written"]) == (1, 1)
    with pytest.raises(UserError, match=r"11 of 11 answers of m are no conversations in JSON"):
        run(make_job(folder="other"), make(serve(say("?")), conversations=20))


def test_a_stage_that_was_stopped_asks_only_for_what_it_lacks(make_job: MakeJob, serve: Serve) -> None:
    job = make_job()
    first = serve(say({"messages": [*GOOD["messages"], *GOOD["messages"]]}), say(), (500, {}, ""))
    with pytest.raises(UserError, match=r"status 500 after 2 attempts; run the same command again to resume$") as error:
        run(job, make(first, attempts=2))
    assert SECRET not in str(error.value) and not (job.folder / "rows.jsonl").exists()
    first.script[:] = [say()]
    run(job, make(first, attempts=1, parallel=2))
    # Two answers were there, two requests failed, and two answers were still to come.
    assert len(first.asked) == 6
    records = read(job.folder / "rows.jsonl")
    assert [len(record["messages"]) for record in records] == [5, 3, 3, 3]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, r"status 401 for model m; is the key in MY_KEY right\?$"),
        (404, r"status 404 for model m; is the address right, up to and with /v1\?$"),
        (400, r"status 400 for model m$"),
    ],
)
def test_what_will_not_pass_ends_at_once_and_tells_no_key(
    make_job: MakeJob, serve: Serve, status: int, told: str
) -> None:
    server = serve((status, {}, ""))
    with pytest.raises(UserError, match=told) as error:
        run(make_job(), make(server))
    assert len(server.asked) == 1 and SECRET not in str(error.value)


def test_a_server_that_speaks_otherwise_or_not_at_all_is_one_line(
    make_job: MakeJob, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(say())
    server.http.server_close()
    with pytest.raises(UserError, match=r"ConnectError after 2 attempts"):
        run(make_job(), make(server, attempts=2))
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(UserError, match=r"^no key for http://127.0.0.1:[0-9]+/v1: the environment has no MY_KEY$"):
        run(make_job(), make(server))


@pytest.mark.parametrize("url", ["127.0.0.1:80/v1", "ftp://x/v1", "http://me:pass@x/v1", "https://x/v1?key=abc"])
def test_an_address_is_an_address_and_holds_no_key(url: str) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"endpoint": {"url": url, "model": "m"}})


@pytest.mark.parametrize(
    "written",
    ["", "hi", "{}", '{"messages": []}', '{"messages": 3}', '{"messages": [{"role": "user", "content": "a"}]}',
     '{"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]}',
     '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": " "}]}',
     '{"messages": [1, 2]}', "{" * 5000 + "}" * 5000, '["messages"]'],
)  # fmt: skip
def test_what_is_no_conversation_is_none(written: str) -> None:
    assert read_conversation(written) is None
