"""The success of an agent's training, as it is printed: each collection once, the best one, and a fall."""

import json
from pathlib import Path

from recipebook.run.successes import (
    STATS,
    NewCollections,
    Stats,
    find_drift,
    find_fall,
    format_course,
    format_line,
)


def line(collection: int, shares: list[float]) -> Stats:
    """A collection of groups of eight episodes, of which these shares are correct."""
    correct = round(8 * sum(shares))
    outcomes = {"correct": correct, "incorrect": 8 * len(shares) - correct}
    rates = {"success": sum(shares) / len(shares), "success_by_group": shares, "success_by_kind": {"any": shares[0]}}
    return {
        "collection": collection,
        "outcomes": outcomes,
        "mean_reward": -0.3,
        "learned_from": 1,
        "groups": 2,
        **rates,
    }


def test_a_success_that_stays_below_half_of_the_best_is_a_fall_and_one_that_recovers_is_none() -> None:
    start, best, low = [0.25, 0.125] * 6, [0.75, 0.5] * 6, [0.125, 0.0] * 6
    lines = [line(1, start), line(2, best), line(3, low), line(4, low), line(5, low)]
    assert find_fall(lines) == (
        "success has fallen: 18 of 288 correct in the last 3 collections, 60 of 96 in collection 2, whose adapter is "
        "in best/; lower training.learning_rate, or raise rl.beta"
    )
    assert [find_fall(lines[:count]) for count in (1, 2, 3, 4)] == [None] * 4
    assert find_fall([*lines[:4], line(5, best)]) is None


def test_four_groups_that_succeed_or_fail_as_a_whole_are_no_proof_of_a_fall() -> None:
    lines = [line(1, [1, 1, 0, 0]), line(2, [1, 0, 0, 0]), line(3, [0, 0, 0, 0]), line(4, [1, 0, 0, 0])]
    assert find_fall(lines) is None


def make_course(correct: list[int], kls: list[float | None]) -> list[Stats]:
    """Collections of four groups of eight, with so many correct episodes and such divergences."""
    shares = [[count / 32] * 4 for count in correct]
    return [line(at, share) | {"kl": kl} for at, (share, kl) in enumerate(zip(shares, kls, strict=True), 1)]


# A training of os-interaction-rl under tiny at temperature 1 and a rate of 5e-4, as docs/reinforcement.md has it.
CORRECT = [6, 4, 16, 13, 5, 5, 2, 6, 2, 7]
KLS: list[float | None] = [0.0, 0.05, 0.09, 0.18, 0.31, 0.26, 0.31, 0.42, 0.53, 0.29]


def test_a_policy_that_goes_far_for_nothing_is_stopped_after_the_fourth_collection_of_that() -> None:
    course = make_course(CORRECT, KLS)
    assert [find_drift(course[:count]) for count in range(1, 8)] == [None] * 7
    assert find_drift(course[:8]) == (
        "the policy has gone far from its start (kl 0.42) and is no better than there: 18 of 128 correct in the last "
        "4 collections, 16 of 32 in collection 3, whose adapter is in best/; lower training.learning_rate, or raise "
        "rl.beta"
    )


def test_a_policy_that_is_close_to_its_start_or_better_than_there_goes_on() -> None:
    far: list[float | None] = [0.0, *[0.3] * 7]
    assert find_drift(make_course(CORRECT[:8], [0.0, 0.02, 0.03, 0.06, 0.11, 0.09, 0.11, 0.15])) is None
    assert find_drift(make_course([6, 4, 16, 13, 5, 5, 2, 7], far)) is None
    # No better than at the start, and not below half of the best.
    assert find_drift(make_course([6, 4, 10, 9, 5, 5, 2, 6], far)) is None
    # Training all weights, which have no divergence.
    assert find_drift(make_course(CORRECT[:8], [None] * 8)) is None


def test_collections_of_an_earlier_version_are_no_proof_of_a_fall() -> None:
    best, low = [0.75, 0.5] * 6, [0.125, 0.0] * 6
    old = {key: value for key, value in line(1, best).items() if key != "success_by_group"}
    assert find_fall([old, line(2, low), line(3, low), line(4, low)]) is None


def test_a_collection_below_the_best_names_the_best() -> None:
    best, low = line(3, [0.5, 0.5]), line(4, [0.25, 0])
    text = "collection 4: 2 of 16 correct, mean reward -0.30, 1 of 2 groups learned from"
    assert format_line(low, [line(2, [0.25, 0.25]), best]) == f"{text}; best: 8 of 16 in collection 3"
    assert format_line(low, [line(2, [0.0, 0.0])]) == text


def write(folder: Path, lines: list[Stats]) -> None:
    (folder / STATS).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_each_collection_of_a_training_is_given_once_and_one_that_is_played_anew_again(tmp_path: Path) -> None:
    write(tmp_path, [line(1, [0.5]), line(2, [0.25])])
    resumed = NewCollections(tmp_path)
    assert [*resumed.read()] == []
    write(tmp_path, [line(1, [0.5]), line(2, [0.125])])
    second = "collection 2: 1 of 8 correct, mean reward -0.30, 1 of 2 groups learned from; best: 4 of 8 in collection 1"
    assert [*resumed.read()] == [second]
    write(tmp_path, [line(1, [0.5]), line(2, [0.125]), line(3, [1.0])])
    assert [*resumed.read()] == ["collection 3: 8 of 8 correct, mean reward -0.30, 1 of 2 groups learned from"]
    assert [*resumed.read()] == []


def test_the_course_of_a_training_names_the_best_collection_unless_it_is_the_last() -> None:
    lines = [line(1, [0.25]), line(2, [0.75]), line(3, [0.5])]
    assert format_course(lines[:2]) == "2 of 8 correct in collection 1, 6 of 8 in the last"
    assert format_course(lines) == (
        "2 of 8 correct in collection 1, 4 of 8 in the last; best: 6 of 8 in collection 2 (make eval CHECKPOINT=all)"
    )
