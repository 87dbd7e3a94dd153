"""The server, started as a user starts it, and its client."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from recipebook.errors import UserError
from recipebook.shell.client import RemoteEpisodes
from recipebook.shell.episodes import EpisodeError, Step
from recipebook.shell.messages import PingReply
from recipebook.shell.server import ServerSettings, require_safe
from recipebook.shell.tasks import Task, read_tasks
from tests.recipebook.shell.boxes import needs_boxes

ROOT = Path(__file__).parents[3]
TASKS = ROOT / "samples" / "shell_tasks.json"
FINISH = "It is done.\n\nAct: finish"
TOKEN = "open sesame"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


def act(script: str) -> str:
    return f"Act: bash\n```bash\n{script}\n```"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
        port, second = (one.getsockname()[1] for one in (free, other))
    ports = ["--port", str(port), str(second)]
    command = [sys.executable, "-m", "recipebook", "serve-env", str(TASKS), *ports, "--episodes", "8"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "SHELL_TASKS_TOKEN": TOKEN})
    address = f"http://127.0.0.1:{port}"
    with RemoteEpisodes(address, TOKEN) as episodes:
        assert episodes.ping().tasks == 1000
    with RemoteEpisodes(f"http://127.0.0.1:{second}", TOKEN) as episodes:
        assert episodes.ping() == PingReply(tasks=1000, episodes=0)
    yield address, process
    process.kill()
    process.wait()


@pytest.fixture
def episodes(server: tuple[str, "subprocess.Popen[bytes]"]) -> Iterator[RemoteEpisodes]:
    with RemoteEpisodes(server[0], TOKEN, patience=5) as episodes:
        yield episodes


def first_task() -> Task:
    return read_tasks(TASKS)[0]


@needs_boxes
def test_a_task_is_solved_over_http_and_a_repeated_step_happens_once(episodes: RemoteEpisodes) -> None:
    task = first_task()
    assert episodes.reset(task, "a")[-1] == {"role": "user", "content": task.instruction}
    count = act("echo x >> /tmp/count; cat /tmp/count")
    once = Step("The output of the OS:\n\nx\n", False, "running")
    assert [episodes.step("a", 1, count), episodes.step("a", 1, count)] == [once, once]
    assert task.truth
    episodes.step("a", 2, act(task.truth))
    assert episodes.step("a", 3, FINISH) == Step("", True, "completed")
    assert (episodes.evaluate("a"), episodes.evaluate("a")) == ("correct", "correct")
    state = episodes.state("a")
    assert (state.task, state.steps, state.status, state.outcome) == (task.number, 3, "completed", "correct")
    episodes.close("a")
    with pytest.raises(EpisodeError, match="no episode 'a' is open"):
        episodes.state("a")


@needs_boxes
def test_episodes_at_once_are_never_mixed_up(episodes: RemoteEpisodes) -> None:
    def play(name: str) -> list[str]:
        episodes.reset(first_task(), name)
        seen = [episodes.step(name, at, act(f"echo {name} >> /me; cat /me")).observation for at in (1, 2)]
        episodes.close(name)
        return seen

    names = [f"e{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(play, names))
    head = "The output of the OS:\n\n"
    assert seen == [[f"{head}{name}\n", f"{head}{name}\n{name}\n"] for name in names]


@needs_boxes
def test_a_full_server_says_so_and_a_wrong_number_or_token_is_refused(episodes: RemoteEpisodes) -> None:
    for number in range(8):
        episodes.reset(first_task(), f"full{number}")
    with RemoteEpisodes(episodes.address, TOKEN, patience=0) as hasty:
        with pytest.raises(UserError, match="8 episodes are open, and no more are taken"):
            hasty.reset(first_task(), "ninth")
        with pytest.raises(EpisodeError, match="step 2 cannot follow 0"):
            hasty.step("full0", 2, FINISH)
    for number in range(8):
        episodes.close(f"full{number}")
    unknown = httpx.post(f"{episodes.address}/reset", json={"task": 7, "episode": "a"}, headers=WITH_TOKEN)
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "no task 7; there are 1000"})
    answer = httpx.post(f"{episodes.address}/api/ping", json={}, headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()) == (401, {"detail": "the token is missing or wrong"})


@needs_boxes
def test_a_task_of_the_servers_file_is_named_by_its_number(episodes: RemoteEpisodes) -> None:
    begun = httpx.post(f"{episodes.address}/reset", json={"task": 560, "episode": "n"}, headers=WITH_TOKEN).json()
    assert begun["messages"][-1]["content"] == first_task().instruction
    assert "You have 5 rounds." in begun["messages"][1]["content"]
    episodes.close("n")


@needs_boxes
def test_the_caller_sets_the_rounds_and_the_seconds_of_its_episodes(episodes: RemoteEpisodes) -> None:
    with RemoteEpisodes(episodes.address, TOKEN, rounds=2, seconds=0.5) as hasty:
        assert "You have 2 rounds." in hasty.reset(first_task(), "hasty")[1]["content"]
        assert hasty.step("hasty", 1, act("sleep 9")).observation.endswith("was ended after 0.5 seconds.")
        assert hasty.step("hasty", 2, act("true")) == Step("The output of the OS is empty.", True, "task_limit_reached")
        hasty.close("hasty")


@needs_boxes
@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        (
            "/reset",
            b'{"task": 560, "episode": "x", "seconds": NaN}',
            422,
            "seconds: Input should be less than or equal to 3600",
        ),
        (
            "/reset",
            b'{"task": {"number": 1, "instruction": "x", "init": "echo \\u0000"}, "episode": "x"}',
            422,
            "task.fields.init: has a NUL character, which no command line can have",
        ),
        ("/reset", b'{"task": "one", "episode": "x"}', 422, "task.number: Input should be a valid integer"),
        ("/reset", b'{"task": 560, "episode": ""}', 422, "episode: String should have at least 1 character"),
        ("/step", b'{"episode": "x", "number": 0, "text": ""}', 422, "number: Input should be greater than 0"),
        ("/step", b'{"episode": "x", "number": 1, "text": "\\ud800"}', 422, "text: Input should be a valid string, "),
        ("/step", b'{"episode": "x", "number": 1, "text": ""}', 404, "no episode 'x' is open"),
        ("/evaluate", b'{"episode": "x\\n\\u001b[31m"}', 404, r"no episode 'x\n\x1b[31m' is open"),
        ("/state", b'{"episode": "x", "more": 1}', 422, "more: Extra inputs are not permitted"),
        ("/close", b"{", 422, "1: JSON decode error"),
        ("/close", b"[" * 100_000, 400, "There was an error parsing the body"),
        ("/close", b'{"episode": ' + b"9" * 5000 + b"}", 400, "There was an error parsing the body"),
        ("/close", b"", 422, "Field required"),
    ],
)
def test_a_call_in_another_form_is_refused_on_one_line(
    episodes: RemoteEpisodes, path: str, body: bytes, status: int, detail: str
) -> None:
    headers = {**WITH_TOKEN, "Content-Type": "application/json"}
    answer = httpx.post(f"{episodes.address}{path}", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status", "detail"),
    [
        ("Content-Length: 99999999999", 401, "the token is missing or wrong"),
        (f"Authorization: Bearer {TOKEN}\r\nContent-Length: 99999999999", 413, "a call has 16,777,216 bytes at most"),
        (
            f"Authorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked",
            411,
            "a call names its Content-Length",
        ),
    ],
)
@needs_boxes
def test_a_call_is_refused_before_its_body_is_read(
    episodes: RemoteEpisodes, headers: str, status: int, detail: str
) -> None:
    place = urlsplit(episodes.address)
    assert place.hostname and place.port
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(f"POST /step HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.endswith(f'{{"detail":"{detail}"}}')


@needs_boxes
def test_what_a_page_in_a_browser_may_send_without_a_question_is_refused(episodes: RemoteEpisodes) -> None:
    given = {"Content-Type": "text/plain", **WITH_TOKEN}
    answer = httpx.post(f"{episodes.address}/close", content=b'{"episode": "x"}', headers=given)
    assert (answer.status_code, answer.json()["detail"][:20]) == (422, "Input should be a va")


@needs_boxes
def test_the_calls_are_described_for_other_programs(episodes: RemoteEpisodes) -> None:
    described = httpx.get(f"{episodes.address}/openapi.json", headers=WITH_TOKEN).json()
    assert [*described["paths"]] == ["/api/ping", "/reset", "/step", "/evaluate", "/state", "/close"]


@needs_boxes
def test_half_a_call_holds_up_nobody(episodes: RemoteEpisodes) -> None:
    place = urlsplit(episodes.address)
    assert place.hostname and place.port
    opened = [socket.create_connection((place.hostname, place.port)) for _ in range(50)]
    for connection in opened:
        connection.sendall(b"POST /step HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer open ses")
    assert episodes.ping() == PingReply(tasks=1000, episodes=0)
    for connection in opened:
        connection.close()


@needs_boxes
def test_calls_that_wait_for_one_command_hold_up_neither_other_episodes_nor_its_end(episodes: RemoteEpisodes) -> None:
    with RemoteEpisodes(episodes.address, TOKEN, seconds=600) as patient:
        for name in ("slow", "quick"):
            patient.reset(first_task(), name)
    step = {"episode": "slow", "number": 1, "text": act("sleep 4321.8767")}
    with ThreadPoolExecutor(60) as pool, httpx.Client(base_url=episodes.address, headers=WITH_TOKEN) as client:
        waiting = [pool.submit(client.post, "/step", json=step, timeout=60) for _ in range(60)]
        wait_for_process(b"4321.8767")
        assert episodes.step("quick", 1, act("echo here")).observation == "The output of the OS:\n\nhere\n"
        episodes.close("slow")
        assert {each.result().status_code for each in waiting} == {404}
    episodes.close("quick")


@needs_boxes
def test_sigterm_ends_all_boxes_and_a_call_that_waits_for_one_is_answered(
    server: tuple[str, "subprocess.Popen[bytes]"], episodes: RemoteEpisodes
) -> None:
    episodes.reset(first_task(), "last")
    episodes.step("last", 1, act("setsid -f sleep 4321.8765"))
    httpx.post(f"{server[0]}/reset", json={"task": 560, "episode": "busy", "seconds": 600}, headers=WITH_TOKEN)
    step = {"episode": "busy", "number": 1, "text": act("sleep 4321.8766")}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(httpx.post, f"{server[0]}/step", json=step, headers=WITH_TOKEN, timeout=60)
        wait_for_process(b"4321.8766")
        server[1].send_signal(signal.SIGTERM)
        answer = waiting.result()
    assert (answer.status_code, answer.json()) == (404, {"detail": "the episode 'busy' was closed"})
    # Without an end of the boxes it would wait for the command.
    assert server[1].wait(20) == -signal.SIGTERM
    wait_for_process(b"4321.876", there=False)


def wait_for_process(words: bytes, there: bool = True) -> None:
    until = time.monotonic() + 20
    while any(words in line for line in read_commands()) != there:
        assert time.monotonic() < until
        time.sleep(0.02)


def read_commands() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


def test_a_server_for_others_needs_a_token() -> None:
    with pytest.raises(
        UserError, match=r"--host 0\.0\.0\.0: others than this machine may only call a server with a token"
    ):
        require_safe(ServerSettings(host="0.0.0.0"))
    require_safe(ServerSettings(host="0.0.0.0", token="x"))
