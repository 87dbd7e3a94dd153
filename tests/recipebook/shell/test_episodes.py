"""Episodes in real boxes: steps, their numbers, their ends and their outcomes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from recipebook.shell.box import Box, BoxError, BoxSettings
from recipebook.shell.bwrap import BwrapBox, find_spawner
from recipebook.shell.dialogue import EMPTY
from recipebook.shell.episodes import EpisodeError, Episodes, FullError, NoEpisodeError, Step
from recipebook.shell.tasks import Task
from tests.recipebook.shell.boxes import needs_boxes

TASK = Task(number=1, instruction="Delete /srv/x.", init="touch /srv/x", check="[ ! -e /srv/x ]", truth="rm /srv/x")
FINISH = "It is done.\n\nAct: finish"


def act(script: str) -> str:
    return f"Act: bash\n```bash\n{script}\n```"


def wait_until_at_work(episodes: Episodes, name: str) -> None:
    until = time.monotonic() + 20
    while not episodes.find(name).lock.locked() and time.monotonic() < until:
        time.sleep(0.01)


@pytest.fixture
def episodes() -> Iterator[Episodes]:
    episodes = Episodes(seconds=5)
    yield episodes
    episodes.end()


@needs_boxes
def test_an_agent_that_solves_its_task_is_correct(episodes: Episodes) -> None:
    assert episodes.reset(TASK, "a")[-1] == {"role": "user", "content": "Delete /srv/x."}
    assert episodes.step("a", 1, act("ls /srv")) == Step("The output of the OS:\n\nx\n", False, "running")
    assert episodes.step("a", 2, act("rm /srv/x")) == Step("The output of the OS is empty.", False, "running")
    assert episodes.step("a", 3, FINISH) == Step("", True, "completed")
    assert episodes.evaluate("a") == "correct"


@needs_boxes
def test_an_agent_that_does_nothing_is_incorrect(episodes: Episodes) -> None:
    episodes.reset(TASK, "a")
    episodes.step("a", 1, FINISH)
    assert episodes.evaluate("a") == "incorrect"


@needs_boxes
def test_a_repeated_step_has_its_stored_answer_and_happens_once(episodes: Episodes) -> None:
    episodes.reset(TASK, "a")
    first = episodes.step("a", 1, act("echo x >> /srv/log; cat /srv/log"))
    assert episodes.step("a", 1, act("echo x >> /srv/log; cat /srv/log")) == first
    assert episodes.step("a", 2, act("cat /srv/log")).observation == "The output of the OS:\n\nx\n"


@needs_boxes
def test_a_step_out_of_turn_and_an_unknown_episode_are_refused(episodes: Episodes) -> None:
    episodes.reset(TASK, "a")
    with pytest.raises(EpisodeError, match="episode 'a': step 2 cannot follow 0"):
        episodes.step("a", 2, FINISH)
    with pytest.raises(EpisodeError, match="no episode 'b' is open"):
        episodes.step("b", 1, FINISH)


@needs_boxes
def test_the_round_limit_ends_an_episode_and_the_task_may_still_be_solved() -> None:
    episodes = Episodes(rounds=2, seconds=5)
    episodes.reset(TASK, "a")
    assert episodes.step("a", 1, act("true")).done is False
    assert episodes.step("a", 2, act("rm /srv/x")) == Step("The output of the OS is empty.", True, "task_limit_reached")
    assert episodes.evaluate("a") == "correct"
    episodes.end()


@needs_boxes
def test_an_answer_without_an_action_ends_the_episode_as_incorrect(episodes: Episodes) -> None:
    episodes.reset(TASK, "a")
    episodes.step("a", 1, act("rm /srv/x"))
    assert episodes.step("a", 2, "It is done.") == Step("", True, "agent_validation_failed")
    assert episodes.evaluate("a") == "incorrect"


@needs_boxes
def test_a_box_broken_by_its_own_commands_is_incorrect() -> None:
    episodes = Episodes(BoxSettings(memory_mib=64), seconds=5)
    episodes.reset(TASK, "a")
    step = episodes.step("a", 1, act("rm /srv/x; python3 -c 'x = b\"x\" * 200_000_000; import time; time.sleep(9)'"))
    assert (step.done, step.status) == (True, "completed")
    assert step.observation.endswith("The machine was ended: the command took too much memory, or broke it.")
    assert episodes.evaluate("a") == "incorrect"
    episodes.end()


@needs_boxes
def test_a_task_without_a_check_has_no_outcome(episodes: Episodes) -> None:
    episodes.reset(Task(number=1, instruction="How many?", init=""), "a")
    assert episodes.evaluate("a") == "unset"


def test_a_box_that_cannot_be_started_leaves_the_outcome_unknown() -> None:
    def fail(settings: BoxSettings) -> Box:
        raise BoxError("no box today")

    episodes = Episodes(opener=fail)
    episodes.reset(TASK, "a")
    assert episodes.step("a", 1, FINISH) == Step("", True, "task_environment_error")
    assert episodes.evaluate("a") == "unknown"


@needs_boxes
def test_episodes_that_nobody_uses_are_closed(episodes: Episodes) -> None:
    episodes.reset(TASK, "a")
    assert episodes.close_idle(60) == []
    assert episodes.close_idle(0) == ["a"]
    assert episodes.list_open() == []


@needs_boxes
def test_closing_an_episode_ends_the_command_that_runs_in_it() -> None:
    episodes = Episodes(seconds=600)
    episodes.reset(TASK, "a")
    with ThreadPoolExecutor(1) as pool:
        step = pool.submit(episodes.step, "a", 1, act("sleep 500"))
        wait_until_at_work(episodes, "a")
        episodes.close("a")
        with pytest.raises(NoEpisodeError, match="the episode 'a' was closed"):
            step.result(60)
    assert episodes.list_open() == []


@needs_boxes
def test_an_episode_at_work_is_not_idle(episodes: Episodes) -> None:
    episodes.reset(TASK, "a")
    with ThreadPoolExecutor(1) as pool:
        step = pool.submit(episodes.step, "a", 1, act("while [ ! -e /srv/go ]; do sleep 0.01; done"))
        wait_until_at_work(episodes, "a")
        assert episodes.close_idle(0) == []
        episodes.close("a")
        assert isinstance(step.exception(60), NoEpisodeError)


@needs_boxes
def test_an_episode_that_is_begun_twice_at_once_leaves_one_box() -> None:
    opened: list[BwrapBox] = []

    def open_slowly(settings: BoxSettings) -> Box:
        box = BwrapBox(settings)
        opened.append(box)
        time.sleep(0.2)
        return box

    episodes = Episodes(opener=open_slowly)
    with ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(episodes.reset, TASK, "a") for _ in range(2)]
    assert sorted(type(one.exception()).__name__ for one in begun) == ["NoEpisodeError", "NoneType"]
    assert [box.closed for box in opened].count(False) == 1
    episodes.close("a")
    assert [box.closed for box in opened].count(False) == 0


@needs_boxes
def test_an_episode_too_many_is_refused_and_one_that_is_open_may_begin_anew() -> None:
    episodes = Episodes(most=1)
    episodes.reset(TASK, "a")
    with pytest.raises(FullError, match="1 episodes are open, and no more are taken"):
        episodes.reset(TASK, "b")
    episodes.reset(TASK, "a")
    assert episodes.list_open() == ["a"]
    episodes.end()
    with pytest.raises(FullError, match="the server is ending, and no more episodes are taken"):
        episodes.reset(TASK, "a")


@needs_boxes
@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("yes | head -n 1000000 | tail -n 1", "y\n"),
        ("seq 10000000; echo end >&2", None),
        ("head -c 3000000 /dev/urandom", None),
        ('cat; read x; echo "$? end"', "1 end\n"),
        ("(sleep 400; echo late) & disown; echo now", "now\n"),
        ("printf 'no newline'", "no newline"),
        ("printf '\\e[2J\\e[31mred\\a\\r\\0'", "\x1b[2J\x1b[31mred\a\r\0"),
        ("unset LANG LC_ALL PATH; echo ü", "ü\n"),
        ("kill -9 -1", None),
        (":(){ :|:& };:", None),
        ("exec >&- 2>&-; echo nowhere", ""),
        ("kill -STOP $$", None),
        ("exit 300", ""),
        ("rm -rf --no-preserve-root /* 2> /dev/null", None),
    ],
)
def test_an_odd_command_ends_in_time_and_its_episode_has_an_outcome(script: str, output: str | None) -> None:
    episodes = Episodes(seconds=5)
    episodes.reset(TASK, "a")
    began = time.monotonic()
    step = episodes.step("a", 1, act(script))
    assert time.monotonic() - began < 60
    if output is not None:
        assert step.observation == (f"The output of the OS:\n\n{output}" if output else EMPTY)
    assert len(step.observation) < 70_000
    episodes.step("a", 2, FINISH)
    # Whatever it has done, it is not the environment's fault.
    assert episodes.evaluate("a") in ("correct", "incorrect")
    episodes.end()


@needs_boxes
@pytest.mark.parametrize("killed", ["before the step", "before the check"])
def test_a_machine_that_loses_its_boxes_leaves_the_outcome_unknown_and_starts_others(
    episodes: Episodes, killed: str
) -> None:
    episodes.reset(TASK, "a")
    if killed == "before the check":
        episodes.step("a", 1, act("rm /srv/x"))
    spawner = find_spawner().process
    spawner.kill()
    spawner.wait()
    # The kernel ends the boxes a moment later.
    time.sleep(0.5)
    if killed == "before the step":
        assert episodes.step("a", 1, act("rm /srv/x")) == Step("", True, "task_environment_error")
    assert episodes.evaluate("a") == "unknown"
    episodes.reset(TASK, "a")
    assert episodes.step("a", 1, act("ls /srv")).observation == "The output of the OS:\n\nx\n"
