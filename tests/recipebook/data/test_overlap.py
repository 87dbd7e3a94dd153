"""What train has in common with the parts held out: taken out of its file, told for its reason, and counted."""

from pathlib import Path

import pytest

from recipebook.data.account import Account, Ledger, Rejection
from recipebook.data.conversion import Converted
from recipebook.data.overlap import Written, count_overlap, drop_overlap
from recipebook.data.split import Part
from recipebook.records import Record
from recipebook.rows import Row


def ask(prompt: str, answer: str = "robot.stop()") -> Row:
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}], "meta": {}}


def write(*records: tuple[int, list[str]], before: int = 0) -> Written:
    """The rows of records of one file, by their number in it and their prompts; each stands ten lines further down."""
    written = Written()
    for number, prompts in records:
        written.add(Converted(Record(number, 10 + number, {}), [ask(prompt) for prompt in prompts], []), before)
    return written


def write_parts(train: Written, validation: Written, test: Written) -> dict[Part, Written]:
    return {"train": train, "validation": validation, "test": test}


def write_lines(folder: Path, *lines: str) -> Path:
    path = folder / "train.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_every_row_of_train_whose_prompt_the_other_part_has_is_counted() -> None:
    train = write((1, ["stop", "go"]), (2, ["Stop!"]), (3, ["turn"]))
    other = write((1, ["stop", "stop"]), (2, ["fly"]))
    assert count_overlap(train, other) == 2
    assert count_overlap(other, train) == 2
    assert count_overlap(train, write((1, ["fly"]))) == 0
    assert count_overlap(train, Written()) == 0


def test_rows_remember_their_record_and_its_line_over_all_files() -> None:
    written = write((2, ["stop", "go"]), (3, ["turn"]), before=5)
    assert (written.numbers.tolist(), written.lines.tolist()) == ([7, 7, 8], [12, 12, 13])
    kept = written.without({7})
    assert (kept.numbers.tolist(), kept.lines.tolist(), len(kept.hashes)) == ([8], [13], 1)
    assert count_overlap(kept, write((1, ["turn"]))) == 1


def test_a_record_that_a_share_of_the_source_has_too_is_left_out_with_all_its_rows(tmp_path: Path) -> None:
    path = write_lines(tmp_path, "stop", "go", "turn", "fly")
    train = write((1, ["stop", "go"]), (2, ["turn"]), (5, ["fly"]))
    parts = write_parts(train, write((3, ["Turn?"])), write((4, ["go"])))
    ledger = Ledger()
    ledger.records, ledger.rows = 5, 6
    drop_overlap([(0, "a.jsonl")], parts, path, ledger, own={"train"})
    assert path.read_text() == "fly\n"
    assert parts["train"].numbers.tolist() == [5]
    assert ledger.close() == Account(
        records=5,
        rows=3,
        left_out=(
            Rejection(reason="its prompt is also in test", count=1, places=("a.jsonl:11: record 1",)),
            Rejection(reason="its prompt is also in validation", count=1, places=("a.jsonl:12: record 2",)),
        ),
    )


def test_a_record_that_a_file_of_its_own_has_too_is_rejected_at_its_place(tmp_path: Path) -> None:
    # The files are read one after another: two records of the test file, three of a.jsonl, then b.jsonl.
    begun = [(0, "held.jsonl"), (2, "a.jsonl"), (5, "b.jsonl")]
    train = write((1, ["go"]), (3, ["stop"]), before=2)
    for each in (Converted(Record(1, 11, {}), [ask("turn")], []), Converted(Record(2, 12, {}), [ask("fly")], [])):
        train.add(each, 5)
    path = write_lines(tmp_path, "go", "stop", "turn", "fly")
    ledger = Ledger()
    ledger.records, ledger.rows = 7, 6
    drop_overlap(
        begun, write_parts(train, Written(), write((1, ["stop", "turn"]))), path, ledger, own={"train", "test"}
    )
    assert path.read_text() == "go\nfly\n"
    places = ("a.jsonl:13: record 3", "b.jsonl:11: record 1")
    assert ledger.close() == Account(
        records=7, rows=4, rejected=(Rejection(reason="its prompt is also in test", count=2, places=places),)
    )


def test_a_record_in_both_parts_is_rejected_where_either_has_a_file_of_its_own(tmp_path: Path) -> None:
    path = write_lines(tmp_path, "stop", "go")
    parts = write_parts(write((1, ["stop"]), (2, ["go"])), write((1, ["stop"])), write((1, ["stop"])))
    ledger = Ledger()
    ledger.records, ledger.rows = 2, 4
    drop_overlap([(0, "a.jsonl")], parts, path, ledger, own={"train", "validation"})
    rejection = Rejection(reason="its prompt is also in test", count=1, places=("a.jsonl:11: record 1",))
    assert ledger.close() == Account(records=2, rows=3, rejected=(rejection,))


def test_without_an_overlap_the_file_is_not_written_anew(tmp_path: Path) -> None:
    path = write_lines(tmp_path, "stop")
    before = path.stat().st_ino
    ledger = Ledger()
    drop_overlap(
        [(0, "a.jsonl")], write_parts(write((1, ["stop"])), write((1, ["go"])), Written()), path, ledger, set()
    )
    assert path.stat().st_ino == before
    assert ledger.close() == Account(records=0, rows=0)


@pytest.mark.parametrize("column", ["hashes", "lines"])
def test_rows_whose_columns_do_not_match_are_an_error(tmp_path: Path, column: str) -> None:
    path = write_lines(tmp_path, "stop", "go")
    train = write((1, ["stop", "go"]))
    getattr(train, column).pop()
    with pytest.raises(ValueError, match="argument"):
        train.without({2})
    with pytest.raises(ValueError, match="argument"):
        drop_overlap([(0, "a.jsonl")], write_parts(train, Written(), write((1, ["stop"]))), path, Ledger(), {"train"})
    assert path.read_text() == "stop\ngo\n"


def test_a_file_that_lacks_a_row_is_an_error_and_stays(tmp_path: Path) -> None:
    path = write_lines(tmp_path, "stop")
    parts = write_parts(write((1, ["stop"]), (2, ["go"])), Written(), write((1, ["stop"])))
    with pytest.raises(ValueError, match="argument"):
        drop_overlap([(0, "a.jsonl")], parts, path, Ledger(), {"train"})
    assert path.read_text() == "stop\n"
