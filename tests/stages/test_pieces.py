"""Kept pieces survive a kill, and are void for other work."""

from pathlib import Path

from stages._pieces import Pieces


def test_pieces_are_read_back_by_another_process(tmp_path: Path) -> None:
    pieces = Pieces(tmp_path / "pieces.jsonl", "a")
    pieces.keep(3, ["लाल"])
    pieces.keep(0, {"x": 1})
    again = Pieces(tmp_path / "pieces.jsonl", "a")
    assert [piece for piece in range(4) if piece in again] == [0, 3]
    assert (again.read(3), again.read(0), len(again)) == (["लाल"], {"x": 1}, 2)


def test_a_line_that_a_kill_cut_short_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "pieces.jsonl"
    first = Pieces(path, "a")
    first.keep(0, "zero")
    first.keep(1, "one")
    path.write_bytes(path.read_bytes()[:-4])
    again = Pieces(path, "a")
    assert 0 in again and 1 not in again
    again.keep(1, "one")
    assert [Pieces(path, "a").read(piece) for piece in (0, 1)] == ["zero", "one"]


def test_pieces_of_other_work_are_void(tmp_path: Path) -> None:
    Pieces(tmp_path / "pieces.jsonl", "a").keep(0, "zero")
    assert 0 not in Pieces(tmp_path / "pieces.jsonl", "b")
    (tmp_path / "cut.jsonl").write_bytes(b'{"of"')
    assert len(Pieces(tmp_path / "cut.jsonl", "a")) == 0


def test_a_whole_that_is_made_leaves_no_pieces(tmp_path: Path) -> None:
    Pieces(tmp_path / "pieces.jsonl", "a").drop()
    assert list(tmp_path.iterdir()) == []
