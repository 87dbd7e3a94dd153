"""The dataset step: three parts that share no prompt, built once for the same content."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.account import Rejection
from recipebook.data.dataset import Dataset, prepare
from recipebook.errors import UserError
from recipebook.recipe.data_keys import Data


def write(root: Path, name: str, pairs: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"input": said, "output": done}) + "\n" for said, done in pairs]
    (root / name).write_text("".join(lines))


def write_hundred(root: Path) -> None:
    write(root, "x.jsonl", [(f"go {number // 2} m", f"robot.stop() # {number}") for number in range(100)])


def describe(**more: Any) -> Data:
    return Data.model_validate({"source": "x.jsonl", "converter": "robot", "split": {"by": ["input"]}, **more})


def build(root: Path, **more: Any) -> Dataset:
    return prepare(describe(**more), root / "cache", root)


def read_prompts(dataset: Dataset, part: Any) -> list[str]:
    return [json.loads(line)["messages"][0]["content"] for line in dataset.path(part).read_text().splitlines()]


def read_answers(dataset: Dataset, part: Any) -> list[str]:
    return [json.loads(line)["messages"][-1]["content"] for line in dataset.path(part).read_text().splitlines()]


def refuse(root: Path, **more: Any) -> str:
    with pytest.raises(UserError) as error:
        build(root, **more)
    assert not (root / "cache").exists() or list((root / "cache").iterdir()) == []
    return str(error.value)


def test_parts_hold_every_row_once_and_share_no_prompt(tmp_path: Path) -> None:
    write_hundred(tmp_path)
    dataset = build(tmp_path)
    prompts = {part: read_prompts(dataset, part) for part in ("train", "validation", "test")}
    assert sorted(prompt for found in prompts.values() for prompt in found) == sorted(
        f"go {number // 2} m" for number in range(100)
    )
    assert dataset.rows == {part: len(found) for part, found in prompts.items()}
    assert not set(prompts["train"]) & {*prompts["validation"], *prompts["test"]}
    assert (dataset.account.records, dataset.account.rows, dataset.account.rejects) == (100, 100, 0)
    assert (dataset.account.overlap_test, dataset.account.overlap_validation) == (0, 0)


def test_finished_folder_is_reused_and_a_damaged_one_is_built_again(tmp_path: Path) -> None:
    write_hundred(tmp_path)
    first = build(tmp_path)
    written = first.path("train").stat().st_mtime_ns
    assert build(tmp_path) == first
    assert first.path("train").stat().st_mtime_ns == written

    for damage in (first.path("train"), first.folder / "account.json"):
        damage.write_text("")
        assert build(tmp_path) == first
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [first.folder.name]


def test_folder_is_named_by_content_options_split_and_rejects(tmp_path: Path) -> None:
    write_hundred(tmp_path)
    datasets = [
        build(tmp_path),
        build(tmp_path, rejects=1),
        build(tmp_path, options={"system": "You drive."}),
        build(tmp_path, split={"by": ["input"], "seed": 1}),
    ]
    write(tmp_path, "x.jsonl", [(f"walk {number} m", "robot.stop()") for number in range(100)])
    datasets.append(build(tmp_path))
    assert len({dataset.folder for dataset in datasets}) == 5
    assert len({dataset.rows_digest for dataset in datasets}) == 4


def test_own_files_take_no_share_and_their_prompts_leave_train(tmp_path: Path) -> None:
    write(tmp_path, "x.jsonl", [("stop", "a()"), ("go", "b()"), ("turn", "c()"), ("STOP!", "d()"), ("come", "e()")])
    write(tmp_path, "v.jsonl", [("turn", "c()")])
    write(tmp_path, "t.jsonl", [("stop", "a()"), ("wait", "f()")])
    dataset = build(tmp_path, validation="v.jsonl", test="t.jsonl", rejects=3)
    assert read_prompts(dataset, "train") == ["go", "come"]
    assert read_prompts(dataset, "validation") == ["turn"]
    assert read_prompts(dataset, "test") == ["stop", "wait"]
    assert dataset.rows == {"train": 2, "validation": 1, "test": 2}
    assert set(dataset.sources) == {"x.jsonl", "v.jsonl", "t.jsonl"}
    account = dataset.account
    assert (account.records, account.rows, account.overlap_test, account.overlap_validation) == (8, 5, 0, 0)
    assert account.rejected == (
        Rejection(reason="its prompt is also in test", count=2, places=("x.jsonl:1: record 1", "x.jsonl:4: record 4")),
        Rejection(reason="its prompt is also in validation", count=1, places=("x.jsonl:3: record 3",)),
    )


def test_several_files_are_one_source_and_their_rejects_keep_their_places(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    write(tmp_path, "d/a.jsonl", [("go", "a()"), ("turn", "b()")])
    write(tmp_path, "d/b.jsonl", [("come", "c()"), ("STOP!", "d()")])
    write(tmp_path, "t.jsonl", [("stop", "a()"), ("wait", "f()")])
    for source in ("d", "d/*.jsonl"):
        dataset = build(tmp_path, source=source, test="t.jsonl", split={"validation": 0}, rejects=1)
        assert read_prompts(dataset, "train") == ["go", "turn", "come"]
        assert set(dataset.sources) == {source, "t.jsonl"}
        assert dataset.account.rejected == (
            Rejection(reason="its prompt is also in test", count=1, places=("d/b.jsonl:2: record 2",)),
        )
    write(tmp_path, "d/b.jsonl", [("come", "c()")])
    again = build(tmp_path, source="d", test="t.jsonl", split={"validation": 0}, rejects=1)
    assert again.folder != dataset.folder
    assert again.rows == {"train": 3, "validation": 0, "test": 2}


def test_auto_is_settled_by_the_records_and_noted(tmp_path: Path) -> None:
    write(tmp_path, "x.jsonl", [("stop", "robot.stop()"), ("go", "robot.move_forward(1)")])
    dataset = build(tmp_path, converter="auto", split={"validation": 0, "test": 0})
    assert dataset.account.notes == (
        "x.jsonl: converter robot: 2 of the first 2 records have 'input' and calls such as robot.stop() in 'output'",
    )


def test_overlap_counts_against_rejects(tmp_path: Path) -> None:
    write(tmp_path, "x.jsonl", [("stop", "a()"), ("go", "b()")])
    write(tmp_path, "t.jsonl", [("go", "b()")])
    assert refuse(tmp_path, test="t.jsonl", split={"validation": 0}) == (
        "x.jsonl:2: record 2: its prompt is also in test "
        "(1 of 3 records rejected, 0 allowed; raise data.rejects to continue)"
    )


def test_missing_split_field_is_a_rejected_record(tmp_path: Path) -> None:
    write_hundred(tmp_path)
    assert refuse(tmp_path, split={"by": ["persona"]}) == (
        "x.jsonl:1: record 1: missing 'persona', which data.split.by names "
        "(100 of 100 records rejected, 0 allowed; raise data.rejects to continue)"
    )


def test_empty_parts_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, "x.jsonl", [("stop", "a()")])
    assert refuse(tmp_path, split={"validation": 0, "test": 0.001}) == (
        "x.jsonl: test is empty: none of 1 records fell to its share of 0.001; "
        "raise data.split.test, set it to 0, or name a file in data.test"
    )
    assert refuse(tmp_path, split={"validation": 0, "test": 0.999}) == (
        "x.jsonl: train is empty: 1 records, 0 rejected"
    )
    (tmp_path / "t.jsonl").write_text("1\n")
    assert refuse(tmp_path, test="t.jsonl", split={"validation": 0}, rejects=1) == (
        "t.jsonl: test is empty: none of its records became a row: 1 x a number, not an object (t.jsonl:1: record 1)"
    )


def test_a_member_may_have_too_few_records_for_a_test_part_and_it_is_said(tmp_path: Path) -> None:
    lines = [{"input": "stop", "output": "a()", "who": "x"}, {"input": "go", "output": "b()", "who": "y"}]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    dataset = build(tmp_path, where={"who": "x"}, split={"by": ["input"], "validation": 0, "test": 0.001})
    assert dataset.rows == {"train": 1, "validation": 0, "test": 0}
    assert "test is empty: no record of 1 fell to its share of 0.001" in dataset.account.lines()


def test_missing_source_is_refused(tmp_path: Path) -> None:
    assert refuse(tmp_path) == "x.jsonl: cannot be read: No such file or directory"


def test_two_builders_at_once_both_end_well(tmp_path: Path) -> None:
    write_hundred(tmp_path)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        first, second = pool.map(build, [tmp_path, tmp_path], chunksize=1)
    assert first == second == build(tmp_path)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [first.folder.name]


def test_the_same_words_on_both_sides_of_a_split_are_left_out_of_train(tmp_path: Path) -> None:
    write(tmp_path, "x.jsonl", [(f"go {number % 20}", f"a(x={number})") for number in range(200)])
    dataset = build(tmp_path, split={"validation": 0, "test": 0.05})
    account = dataset.account
    (left,) = account.left_out
    assert (left.reason, account.rejected, account.overlap_test) == ("its prompt is also in test", (), 0)
    assert dataset.rows["train"] + dataset.rows["test"] + left.count == 200
    assert not set(read_prompts(dataset, "train")) & set(read_prompts(dataset, "test"))


def test_where_the_prompt_is_a_condition_only_a_shared_answer_is_a_leak(tmp_path: Path) -> None:
    traits = {"wisdom": 0.8}
    records = [{"utterance": f"Time will show {number}.", "traits": traits, "id": number} for number in range(200)]
    records += [{"utterance": "Time will SHOW 7", "traits": traits, "id": number} for number in range(200, 260)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    dataset = build(tmp_path, converter="trait", split={"by": ["id"], "validation": 0, "test": 0.2})
    (left,) = dataset.account.left_out
    account = dataset.account
    assert (left.reason, account.leak, account.overlap_test) == ("its answer is also in test", "answer", 0)
    train, test = set(read_answers(dataset, "train")), set(read_answers(dataset, "test"))
    assert not {text.lower().strip(".") for text in train} & {text.lower().strip(".") for text in test}
    assert dataset.rows["train"] > 0.7 * 200
