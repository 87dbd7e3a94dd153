"""A fleet whose members have rows of their own, beside a run that was asked some of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eval.comparing.by_member import compare_members, format_members
from eval.comparing.compare import compare_runs, render, terminal_table
from eval.comparing.join import read_systems
from recipebook.errors import UserError
from recipebook.run import rundir
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]
Join = Callable[..., Run]
CONDITIONS = {"test set": "t1", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}


@pytest.fixture
def add_member(make_run: MakeRun, tmp_path: Path) -> Join:
    """Adds a trained member to the fleet `each`, by default with a test set of its own."""

    def add(member: str, said: str, questions: str, **changed: str) -> Run:
        """`said` has + for a right answer and - for a wrong one, a letter a question."""
        answers = ["right" if one == "+" else "no" for one in said]
        conditions = {**CONDITIONS, "test set": f"of {member}", **changed}
        run = make_run(answers, recipe="each", conditions=conditions, questions=questions)
        run.write(run.read().model_copy(update={"member": member, "rows": {"test": len(said)}}))
        (tmp_path / "each").mkdir(exist_ok=True)
        return Run(run.folder.rename(tmp_path / "each" / run.folder.name), "each")

    return add


def test_both_are_measured_on_the_rows_that_both_were_asked(
    make_run: MakeRun, add_member: Join, tmp_path: Path
) -> None:
    whole = make_run(["right", "no", "no", "right"], questions="abcd")
    add_member("x", "+-+", "yba")
    add_member("y", "++", "dz")
    one, fleet = read_systems([whole.name, "each"], tmp_path)
    # a, b and d, in the first one's order; c was asked of none, and y and z of the members alone.
    assert [row["exact"] for row in one.scores] == [1.0, 0.0, 1.0]
    assert [row["exact"] for row in fleet.scores] == [1.0, 0.0, 1.0]
    assert (fleet.name, fleet.members, fleet.questions) == ("each", ("x", "x", "y"), ("a", "b", "d"))
    tuned = one.summary.headline.tuned
    assert (tuned.mean, tuned.n) == (2 / 3, 3)
    assert (one.note, fleet.note) == (", 3 of its 4 rows", ", 2 members, 3 of its 5 rows")


def test_a_question_that_was_asked_twice_is_paired_in_its_order(
    make_run: MakeRun, add_member: Join, tmp_path: Path
) -> None:
    whole = make_run(["right", "no", "right"], questions="aab")
    add_member("x", "-+-", "aaa")
    one, fleet = read_systems([whole.name, "each"], tmp_path)
    assert [row["exact"] for row in one.scores] == [1.0, 0.0]
    assert [row["exact"] for row in fleet.scores] == [0.0, 1.0]


def test_members_are_told_apart_with_p_values_adjusted_over_them(
    make_run: MakeRun, add_member: Join, tmp_path: Path
) -> None:
    letters = "abcdefghijklmnopqrst"
    whole = make_run(["no"] * 10 + ["right"] * 10, questions=letters)
    add_member("gains", "+" * 10, letters[:10])
    add_member("loses", "+" * 9 + "-", letters[10:])
    runs = read_systems([whole.name, "each"], tmp_path)
    lines = compare_members(*runs)
    assert [(line.member, line.rows, line.first.mean, line.other.mean) for line in lines] == [
        ("gains", 10, 0.0, 1.0),
        ("loses", 10, 1.0, 0.9),
    ]
    # McNemar's, exact: 10 of 10 the same way are 2 / 2¹⁰, twice for two members; one of one says nothing.
    assert [line.p_adjusted for line in lines] == [4 / 2**10, 1.0]
    told = "B by member: better than A for 1 of 2, worse for 0; for 1 a difference is not shown"
    assert format_members("B", lines, less_is_better=False) == told
    text = terminal_table(compare_runs(runs)).splitlines()
    assert text[:2] == [f"A  {whole.name}, 20 of its 20 rows", "B  each, 2 members, 20 of its 20 rows"]
    assert " ".join(" ".join(text[-2:]).split()) == told
    assert [line for line in text if len(line) > 80] == []


def test_the_page_has_every_member(make_run: MakeRun, add_member: Join, tmp_path: Path) -> None:
    whole = make_run(["no", "right"], questions="ab")
    add_member("<i>x", "+", "a")
    add_member("y", "+", "b")
    page = render(compare_runs(read_systems([whole.name, "each"], tmp_path)))
    assert "B against A, member by member" in page
    assert "<i>x" not in page and ">&lt;i&gt;x</th><td>1</td>" in page


def test_the_fleet_may_be_named_first(make_run: MakeRun, add_member: Join, tmp_path: Path) -> None:
    whole = make_run(["no", "right"], questions="ab")
    add_member("x", "+", "a")
    add_member("y", "+", "b")
    comparison = compare_runs(read_systems(["each", whole.name], tmp_path))
    assert comparison.figures[0].standings[1].difference
    assert comparison.figures[0].standings[1].difference.mean == -0.5
    assert [(line.member, line.difference.mean) for line in comparison.members["B"]] == [("y", 0.0), ("x", -1.0)]


def test_members_without_test_rows_are_counted_and_others_must_be_evaluated(
    make_run: MakeRun, add_member: Join, tmp_path: Path
) -> None:
    whole = make_run(["no", "right"], questions="ab")
    add_member("x", "+", "a")
    add_member("y", "+", "b")
    add_member("none", "", "")
    assert read_systems([whole.name, "each"], tmp_path)[1].note == ", 3 members, 2 with test rows, 2 of its 2 rows"
    late = add_member("late", "", "")
    late.write(late.read().model_copy(update={"rows": {"test": 3}}))
    with pytest.raises(UserError, match=rf"is trained and not evaluated: make eval RUN={late.name}$"):
        read_systems([whole.name, "each"], tmp_path)


def test_a_fleet_without_any_test_row_is_refused(make_run: MakeRun, add_member: Join, tmp_path: Path) -> None:
    add_member("x", "", "")
    with pytest.raises(UserError, match=r"^each: none of its 1 trained members has test rows$"):
        read_systems([make_run(["no"], questions="a").name, "each"], tmp_path)


def test_what_shares_no_row_or_no_settings_is_refused(make_run: MakeRun, add_member: Join, tmp_path: Path) -> None:
    apart, old = make_run(["no"], questions="z"), make_run(["no"])
    add_member("x", "+", "a")
    with pytest.raises(UserError, match=rf"^{apart.name} and each have no row in common$"):
        read_systems([apart.name, "each"], tmp_path)
    with pytest.raises(UserError, match=rf"before rows of different runs could be joined: make eval RUN={old.name}$"):
        read_systems([old.name, "each"], tmp_path)
    changed = {"generation settings": "g2"}
    other = make_run(["no"], questions="a", conditions={**CONDITIONS, **changed})
    with pytest.raises(UserError, match=r"cannot be compared: they differ in generation settings$"):
        read_systems([other.name, "each"], tmp_path)
    add_member("y", "+", "b", **changed)
    with pytest.raises(UserError, match=r"each/\S+ and each/\S+ cannot be compared: .* generation settings$"):
        read_systems([apart.name, "each"], tmp_path)


def test_a_fleets_name_stands_for_its_members_and_their_vote_where_all_were_asked_the_same(
    make_run: MakeRun, add_member: Join, tmp_path: Path
) -> None:
    alone, linked = make_run(["no"] * 2), make_run(["right"] * 2, recipe="other")
    linked.write(linked.read().model_copy(update={"rows": {"test": 2}}))
    same = {"test set": CONDITIONS["test set"]}
    members = [add_member("a", "+-", "ab", **same), add_member("b", "-+", "ab", **same)]
    rundir.name_members("each", "abc", whole=True, runs=tmp_path)
    rundir.note_members("each", {"c": linked.name}, tmp_path)
    vote = add_member("", "++", "ab", **same)
    vote.folder.rename(tmp_path / "each" / "vote")
    found = read_systems([linked.name, alone.name, "each"], tmp_path)
    assert [run.name for run in found] == [linked.name, alone.name, *(run.name for run in members), "each/vote"]
    assert [run.members for run in found] == [()] * 5
