"""The shell tasks and sessions: what their generators make, and true, since some are played in a folder of the test."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from converters.sessions import Options, choose_join, convert
from recipebook.data.split import PARTS, choose_part
from recipebook.recipe.layers import read_layers
from recipebook.recipe.stages import read_stages
from recipebook.records import Record
from recipebook.rows import LeftOut, Row
from recipebook.shell.dialogue import observe
from samples._shell_tasks import LEVELS, WORDS, MadeTask
from samples.make_shell import (
    FORMS,
    NumberedTask,
    draw_tasks,
    format_tasks,
    make_agentbench_records,
    make_records,
    make_sessions,
)

FOLDER = Path(__file__).parents[1] / "samples"
TASKS = json.loads((FOLDER / "shell_tasks.json").read_bytes())
SESSIONS = [json.loads(line) for line in (FOLDER / "sessions.jsonl").read_text().splitlines()]
KINDS = sum(len(kinds) for kinds in LEVELS.values())
gnu_tools = pytest.mark.skipif(sys.platform == "darwin", reason="the tasks are for GNU's sed and stat")


def play(script: str, folder: Path) -> tuple[int, str]:
    """Run a script as one step, in a folder that it must not leave."""
    paths = re.findall(r"""(?:^|[\s'"(=<>])(/[^\s'")]*)""", script)
    assert [path for path in paths if not path.startswith(f"{folder}/") or ".." in path] == [], script
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        ["bash", "-c", f"umask 022; {script}"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def begin(record: dict[str, Any], folder: Path) -> None:
    """Make a task's files in an empty folder."""
    folder.mkdir()
    assert play(record["initialization_command_item"]["script"], folder) == (0, "")


def check(record: dict[str, Any], folder: Path) -> bool:
    """Whether the task in the folder is solved."""
    return play(record["evaluation_info"]["evaluation_command_item"]["script"], folder)[0] == 0


def draw(folder: Path, first: int, tasks: int = KINDS) -> list[tuple[NumberedTask, dict[str, Any], Path]]:
    """Tasks with a root of their own below the folder, each beside its record."""
    roots = [folder / str(index) for index in range(first, first + tasks)]
    drawn = [draw_tasks(1, 29, first + at, root=str(root))[0] for at, root in enumerate(roots)]
    return [*zip(drawn, make_records(drawn), roots, strict=True)]


def convert_all(options: Options) -> list[Row]:
    rows: list[Row] = []
    join = choose_join(options) or iter
    for record in join([Record(number, number, value) for number, value in enumerate(SESSIONS, 1)]):
        assert isinstance(record.value, dict)
        with suppress(LeftOut):
            rows += convert(record.value, options)
    return rows


def test_the_samples_are_what_their_generator_makes() -> None:
    drawn = draw_tasks(1560, 29)
    assert (FOLDER / "sessions.jsonl").read_text() == format_tasks(drawn[:560], "sessions")
    assert (FOLDER / "shell_tasks.json").read_text() == format_tasks(drawn[560:], "dict")
    assert draw_tasks(1000, 29, first=560) == drawn[560:]


def test_no_instruction_comes_twice_and_no_task_is_in_both_samples() -> None:
    asked = {record["instruction"] for record in TASKS.values()}
    shown = {record["chat_history"]["value"][2]["content"] for record in SESSIONS}
    assert (len(asked), len(shown), asked & shown) == (1000, 560, set())


def test_the_recipe_trains_on_no_instruction_that_it_holds_out_and_has_every_kind_on_both_sides() -> None:
    stage = read_stages(read_layers("os-interaction-rl", "tiny", (), FOLDER.parent))[-1]
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    for record in TASKS.values():
        if record["level"] in stage.recipe.data.options["levels"]:
            parts[choose_part(record, stage.recipe.data.split)].append(record)
    assert {part: len(records) for part, records in parts.items()} == {"train": 208, "validation": 42, "test": 200}
    trained, held_out = ({record["instruction"] for record in parts[part]} for part in ("train", "test"))
    assert trained & held_out == set()
    kinds = [{record["kind"] for record in parts[part]} for part in PARTS]
    assert kinds == [{kind.__name__ for level in (1, 2) for kind in LEVELS[level]}] * 3


def test_the_samples_are_small() -> None:
    assert (FOLDER / "shell_tasks.json").stat().st_size < 650_000
    assert (FOLDER / "sessions.jsonl").stat().st_size < 1_000_000


@gnu_tools
def test_doing_nothing_fails_every_kind_of_task_and_its_ground_truth_solves_it(tmp_path: Path) -> None:
    for first in (0, KINDS, 10 * KINDS, 30 * KINDS):
        for (_, kind, _, task), record, folder in draw(tmp_path, first):
            begin(record, folder)
            assert not check(record, folder), kind
            assert play(task.right, folder) == (0, ""), kind
            assert check(record, folder), kind


@gnu_tools
def test_the_mistake_of_every_kind_of_task_does_not_solve_it_and_prints_its_complaint(tmp_path: Path) -> None:
    for first in (0, KINDS, 10 * KINDS, 30 * KINDS):
        for (_, kind, _, task), record, folder in draw(tmp_path, first):
            begin(record, folder)
            assert play(task.wrong, folder)[1] == task.complaint, kind
            assert not check(record, folder), kind


@gnu_tools
def test_recorded_sessions_say_what_bash_says_and_end_as_the_check_does(tmp_path: Path) -> None:
    outcomes = Counter[str]()
    for number, (task, record, folder) in enumerate(draw(tmp_path, 0, 60)):
        for session in make_sessions([task]):
            begin(record, folder)
            turns = session["chat_history"]["value"][3:]
            for turn, reply in zip(turns, [*turns[1:], None], strict=True):
                for command in re.findall(r"Act: bash\n```bash\n(.*)\n```", turn["content"]):
                    assert reply == {"role": "user", "content": observe(play(command, folder)[1])}, command
            outcome = session["evaluation_record"]["outcome"]
            assert check(record, folder) == (outcome == "correct"), session
            outcomes[outcome] += 1
            folder.rename(f"{folder} played {len(outcomes)} {number} {outcomes.total()}")
    assert outcomes == {"correct": 60, "incorrect": 54, "unknown": 6}


@gnu_tools
def test_agentbenchs_form_makes_the_same_files_and_asks_for_numbers_that_are_right(tmp_path: Path) -> None:
    questions = 0
    for number, (task, _, folder) in enumerate(draw(tmp_path, 0, 2 * KINDS)):
        (record,) = make_agentbench_records([task])
        folder.mkdir()
        assert play(record["create"]["init"]["code"], folder) == (0, "")
        assert play(record["start"], folder) == (0, "")
        assert play(task.task.right, folder) == (0, "")
        evaluation = record["evaluation"]
        if "match" in evaluation:
            questions += 1
            written = task.task.right.rpartition("> ")[2]
            assert Path(written).read_text() == f"{evaluation['match']}\n", number
            assert record["description"].endswith(("?", f"{evaluation['match']}"))
        else:
            assert record["description"] == task.task.instruction
            assert play(evaluation["check"][0]["code"], folder)[0] == 0
            assert evaluation["example"] == {"code": task.task.right}
    assert questions == 6


def test_a_record_has_the_sources_fields_and_its_level() -> None:
    (record,) = make_records(draw_tasks(1, 29, first=KINDS + 1))
    scripts = record["evaluation_info"]
    path = scripts["ground_truth_command_item"]["script"].removeprefix("rm ")
    assert re.fullmatch(r"/[a-z]+/[a-z]+\.txt", path)
    assert record == {
        "sample_index": KINDS + 1,
        "instruction": f"Delete the file {path}.",
        "initialization_command_item": record["initialization_command_item"],
        "evaluation_info": {
            "evaluation_command_item": scripts["evaluation_command_item"],
            "ground_truth_command_item": {"command_name": "bash", "script": f"rm {path}"},
        },
        "skill_list": ["rm"],
        "kind": "delete_file",
        "level": 1,
    }
    assert record["initialization_command_item"]["script"].startswith(f"mkdir -p {path.rpartition('/')[0]} && printf '")


def test_kinds_and_levels_take_turns_and_the_lowest_may_be_chosen() -> None:
    assert Counter(record["level"] for record in TASKS.values()) == {1: 180, 2: 270, 3: 230, 4: 184, 5: 136}
    easy = draw_tasks(40, 3, levels=2)
    assert Counter(task.kind for task in easy) == dict.fromkeys(
        [kind.__name__ for level in (1, 2) for kind in LEVELS[level]], 4
    )


def test_skills_are_the_programs_of_the_solution() -> None:
    task = MadeTask("x", "I do it.", "sort -u /a | wc -l > /b && chmod 600 /b", "true", "false", "/", {})
    assert task.skills == ["chmod", "sort", "wc"]


def test_a_root_goes_before_every_path_and_changes_nothing_else() -> None:
    plain, rooted = (format_tasks(draw_tasks(KINDS, 5, root=root), "list") for root in ("", "/root"))
    assert rooted.replace("/root/", "/") == plain


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_a_record_a_line(form: str) -> None:
    text = format_tasks(draw_tasks(4, 5), form)
    records = [json.loads(line) for line in text.splitlines()] if form == "sessions" else json.loads(text)
    assert len(records) == (8 if form == "sessions" else 4)
    assert [*records] == ["0", "1", "2", "3"] if form == "dict" else type(records) is list


def test_no_word_is_part_of_another() -> None:
    assert [(one, other) for one in WORDS for other in WORDS if one != other and one in other] == []


def test_every_task_has_two_sessions_and_most_a_success_and_a_failure() -> None:
    outcomes: dict[str, list[str]] = {}
    for record in SESSIONS:
        outcomes.setdefault(record["sample_index"], []).append(record["evaluation_record"]["outcome"])
    assert Counter(" ".join(sorted(each)) for each in outcomes.values()) == {
        "correct incorrect": 448,
        "correct correct": 56,
        "incorrect unknown": 56,
    }


def test_sessions_have_the_reward_of_their_outcome() -> None:
    rewards = {(one["outcome"], one["detail_dict"]["reward"]) for one in (r["evaluation_record"] for r in SESSIONS)}
    assert rewards == {("correct", 1.0), ("incorrect", -0.5), ("unknown", 0.0)}


def test_every_success_becomes_a_chat_that_ends_with_the_agent() -> None:
    rows = convert_all(Options())
    assert Counter(row["meta"]["status"] for row in rows) == {"completed": 504, "task_limit_reached": 56}
    assert {row["messages"][-1]["role"] for row in rows} == {"assistant"}
    assert {row["meta"]["rounds"] for row in rows} == {2, 3, 5}


def test_every_failure_beside_a_success_makes_a_pair_of_commands_for_one_task() -> None:
    rows = convert_all(Options(form="pairs"))
    assert len(rows) == 448
    for row in rows:
        chosen, rejected = row["chosen"]["content"], row["rejected"]["content"]
        assert chosen.partition("```bash\n")[0] == rejected.partition("```bash\n")[0]
        assert chosen != rejected


def test_a_session_of_five_rounds_has_reached_the_limit() -> None:
    for record in SESSIONS:
        commands = sum("Act: bash" in turn["content"] for turn in record["chat_history"]["value"][3:])
        assert (commands == 5) == (record["sample_status"] == "task_limit_reached")
