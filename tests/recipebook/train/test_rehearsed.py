"""What a rehearsal holds against each other, and when it says that something is wrong."""

import json
from pathlib import Path

import pytest

from recipebook.recipe.batches import Batch
from recipebook.train.rehearsed import (
    Proof,
    check_weights,
    compare_alike,
    compare_losses,
    compare_resumed,
    compare_rows,
    count_episodes,
    count_shares,
)


def leave(folder: Path, losses: list[float], rate: float = 0.1, digest: str = "d") -> Path:
    """What a training of as many steps leaves."""
    folder.mkdir()
    lines = [
        {"step": at, "loss": loss, "grad_norm": 2.0, "learning_rate": rate / at} for at, loss in enumerate(losses, 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "weights.json").write_text(json.dumps({"digest": digest}))
    return folder


def see(folder: Path, *ranks: str) -> Path:
    folder.mkdir()
    for rank, rows in enumerate(ranks):
        (folder / f"seen-{rank}.txt").write_text("".join(f"{row}\n" for row in rows))
    return folder


@pytest.mark.parametrize(
    ("ranks", "good", "text"),
    [
        (("abc", "dea"), True, "5 rows on 2 ranks: none missing, 1 twice, 1 predicted"),
        (("abc", "dea", ""), False, "5 rows on 3 ranks: none missing, 1 twice, 1 predicted"),
        (("abc", "dd"), False, "5 rows on 2 ranks: 1 missing, 1 twice, 1 predicted"),
        (("abcde", "abcde"), False, "5 rows on 2 ranks: none missing, 5 twice, 1 predicted"),
    ],
)
def test_rows_are_all_there_and_come_twice_as_predicted(
    tmp_path: Path, ranks: tuple[str, ...], good: bool, text: str
) -> None:
    alone, together = see(tmp_path / "alone", "abcde"), see(tmp_path / "together", *ranks)
    assert compare_rows(alone, together, Batch(1, 2, 2)) == Proof("rows", good, text)


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (Batch(4, 1, 2), "1617 rows on 2 ranks, by arithmetic: none missing, 7 twice, 7 predicted"),
        (Batch(4, 1, 8), "1617 rows on 8 ranks, by arithmetic: none missing, 15 twice, 15 predicted"),
        (Batch(1, 4, 8), "1617 rows on 8 ranks, by arithmetic: none missing, 7 twice, 7 predicted"),
    ],
)
def test_the_engines_own_samplers_give_each_rank_the_rows_that_are_predicted(batch: Batch, text: str) -> None:
    assert count_shares(1617, batch) == Proof("rows", True, text)


def test_losses_are_compared_step_by_step_but_for_the_last(tmp_path: Path) -> None:
    alone = leave(tmp_path / "alone", [4.0, 2.0, 9.0])
    loss, norm = compare_losses(alone, leave(tmp_path / "near", [4.004, 2.008, 1.0]))
    assert loss == Proof("loss", True, "4.0000 to 2.0000, within 0.400000% of one process at every step (at most 0.5%)")
    assert norm.good and norm.name == "norm"
    assert not compare_losses(alone, leave(tmp_path / "far", [4.0, 2.02, 9.0]))[0].good
    assert compare_losses(alone, leave(tmp_path / "short", [4.0]))[0] == Proof("loss", False, "step 2 has none")


def test_a_resume_has_the_rates_and_on_the_same_ranks_the_losses_and_weights(tmp_path: Path) -> None:
    whole = leave(tmp_path / "whole", [4.0, 3.0, 2.0])
    same = leave(tmp_path / "same", [9.0, 3.0, 2.0])
    assert compare_resumed(whole, same, 1, 2, same=True) == Proof(
        "resume", True, "from step 1 on 2 ranks: the learning rates, losses and weights of the uninterrupted training"
    )
    other = leave(tmp_path / "other", [4.0, 3.1, 2.0], digest="e")
    assert compare_resumed(whole, other, 1, 1, same=False) == Proof(
        "resume", True, "from step 1 on 1 rank: the learning rates of the uninterrupted training"
    )
    assert compare_resumed(whole, other, 1, 2, same=True) == Proof(
        "resume", False, "from step 1 on 2 ranks: other loss and weights than without an interruption"
    )
    half = leave(tmp_path / "half", [4.0, 3.0, 2.0], rate=0.3)
    assert not compare_resumed(whole, half, 1, 1, same=False).good


@pytest.mark.parametrize(
    ("losses", "good", "text"),
    [
        ([4.0, 2.000001], True, "every step's loss is that of zero1 within 5.0e-07 of it (at most 1e-06)"),
        ([4.0, 2.00001], False, "every step's loss is that of zero1 within 5.0e-06 of it (at most 1e-06)"),
        ([4.0], False, "1 steps, and zero1 has 2"),
    ],
)
def test_strategies_have_the_same_losses_to_six_digits(
    tmp_path: Path, losses: list[float], good: bool, text: str
) -> None:
    first, other = leave(tmp_path / "first", [4.0, 2.0]), leave(tmp_path / "other", losses)
    assert compare_alike("zero1", first, other) == Proof("alike", good, text)


@pytest.mark.parametrize(("played", "good"), [([8, 8], True), ([8, 4], False), ([8], False)])
def test_all_ranks_play_the_episodes_of_a_collection(tmp_path: Path, played: list[int], good: bool) -> None:
    lines = [json.dumps({"outcomes": {"correct": 1, "incorrect": number - 1}}) for number in played]
    (tmp_path / "training_stats.jsonl").write_text("".join(f"{line}\n" for line in lines))
    assert count_episodes(tmp_path, 8, 2).good is good


@pytest.mark.parametrize(("finite", "changed"), [(True, True), (True, False), (False, True)])
def test_weights_that_did_not_change_or_are_not_finite_are_wrong(tmp_path: Path, finite: bool, changed: bool) -> None:
    (tmp_path / "weights.json").write_text(json.dumps({"finite": finite, "changed": changed, "parameters": 1200}))
    assert check_weights(tmp_path).good is (finite and changed)
