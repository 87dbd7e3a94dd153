"""The samples in the repository are what their generators make, and what the issue of a sample is: all of a family."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from eval.reading.calls import is_valid, parse_calls, read_api
from samples import _generator, make_robot, make_texts

ROOT = Path(__file__).parents[1]
ROBOT = json.loads((ROOT / "samples" / "robot.json").read_bytes())


def test_the_robot_sample_is_what_its_generator_makes() -> None:
    assert make_robot.make(6000, seed=7) == ROBOT


def test_every_category_has_its_share_and_no_input_comes_twice() -> None:
    assert set(Counter(record["category"] for record in ROBOT).values()) == {500}
    assert len({record["input"].lower() for record in ROBOT}) == 6000


def test_every_output_is_calls_that_the_api_allows() -> None:
    api = read_api(ROOT / "samples" / "robot_api.yaml")
    for record in ROBOT:
        calls = parse_calls(record["output"], api)
        assert calls, record
        assert all(is_valid(call, api) for call in calls), record


def test_all_fifteen_calls_are_used() -> None:
    api = read_api(ROOT / "samples" / "robot_api.yaml")
    used = {call.name for record in ROBOT for call in parse_calls(record["output"], api) or ()}
    assert used == set(api)
    assert len(used) == 15


# The documentation's bounds: the least and the greatest value, both allowed.
BOUNDS = {
    "robot.move_forward(distance={})": (0.1, 10),
    "robot.move_backward(distance={})": (0.1, 10),
    "robot.move_forward(distance=1, speed={})": (0.1, 2.0),
    "robot.move_backward(distance=1, speed={})": (0.1, 2.0),
    'robot.turn(direction="left", angle={})': (30, 360),
    'robot.turn(direction="left", angle=90, speed={})': (0.1, 2.0),
    'robot.gripper.grab(object_name="cup", force={})': (0.1, 5.0),
    "robot.sensors.scan(range={}, angle=90)": (1, 20),
    "robot.sensors.scan(range=5, angle={})": (30, 360),
    'robot.navigate.follow_path(path_name="patrol", speed={})': (0.1, 2.0),
}


def is_allowed(text: str) -> bool:
    api = read_api(ROOT / "samples" / "robot_api.yaml")
    calls = parse_calls(text, api)
    assert calls and len(calls) == 1
    return is_valid(calls[0], api)


@pytest.mark.parametrize("call", BOUNDS)
def test_a_number_is_allowed_from_its_least_to_its_greatest_value(call: str) -> None:
    low, high = BOUNDS[call]
    allowed = [is_allowed(call.format(value)) for value in (low - 0.05, low, high, high + 0.05)]
    assert allowed == [False, True, True, False]


@pytest.mark.parametrize(
    ("call", "words"),
    [("robot.sensors.measure_distance(direction={!r})", "forward backward left right up down"),
     ("robot.turn(direction={!r}, angle=90)", "left right clockwise counterclockwise")],
)  # fmt: skip
def test_a_direction_is_one_of_the_documentations_words(call: str, words: str) -> None:
    every = ["forward", "backward", "left", "right", "up", "down", "clockwise", "counterclockwise", "front", "back"]
    assert " ".join(word for word in every if is_allowed(call.format(word))) == words


def test_the_sample_measures_in_all_directions_and_scans_as_far_as_the_robot_can() -> None:
    outputs = "\n".join(record["output"] for record in ROBOT)
    measured = set(re.findall(r'measure_distance\(direction="(\w+)"\)', outputs))
    assert measured == {"forward", "backward", "left", "right", "up", "down"}
    ranges = {float(number) for number in re.findall(r"scan\(range=([\d.]+)", outputs)}
    assert (min(ranges), max(ranges)) == (1.0, 20.0)


def test_chains_have_two_to_four_actions() -> None:
    lengths = {
        category: {record["output"].count("\n") + 1 for record in ROBOT if record["category"] == category}
        for category in ("complex", "chained_complex")
    }
    assert lengths == {"complex": {2}, "chained_complex": {3, 4}}


def test_a_category_out_of_words_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_generator, "TRIES", 3)
    with pytest.raises(SystemExit, match=r"no more than [0-9]+ different commands, none left in category"):
        make_robot.make(10_000_000, seed=1)


def test_no_text_of_the_tiny_base_stands_beside_its_answer() -> None:
    records = [json.loads(line) for line in (ROOT / "samples" / "texts.jsonl").read_text().splitlines()]
    assert len(records) == 24000
    texts = [record["text"] for record in records]
    assert [text for text in texts if "robot." in text and not text.startswith("robot.")] == []
    tasks = {record["text"] for record in records if record["kind"] == "task"}
    assert [task for task in tasks if "Act:" in task] == []
    turns = [record["text"] for record in records if record["kind"] == "shell"]
    assert [turn for turn in turns if not tasks.isdisjoint(turn.splitlines())] == []


def test_the_tiny_base_has_seen_no_task_of_the_shell_samples_solved() -> None:
    shown = [record["text"] for record in map(json.loads, (ROOT / "samples" / "texts.jsonl").open())]
    tasks = json.loads((ROOT / "samples" / "shell_tasks.json").read_bytes()).values()
    solved = {task["evaluation_info"]["ground_truth_command_item"]["script"] for task in tasks}
    seen = {text.partition("```bash\n")[2].removesuffix("\n```") for text in shown if "```bash\n" in text}
    # Of some kinds there are so few tasks that one in sixty is drawn in both by chance.
    assert len(solved & seen) == 16


def test_texts_of_a_seed_are_always_the_same() -> None:
    assert make_texts.make(60, seed=3) == make_texts.make(60, seed=3)
    texts = make_texts.make(720, seed=3)
    kinds = ["talk", "command", "calls", "shopping", "searches", "home", "task", "shell", "chain"]
    assert Counter(text["kind"] for text in texts) == {**dict.fromkeys(kinds, 60), "words": 180}
    assert {text["kind"] for text in texts[:180]} == {"words"}
