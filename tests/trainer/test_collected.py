"""Collections of episodes: their figures, the best adapter, and the stop of a training that collapsed."""

import json
from pathlib import Path

import pytest

from recipebook.playing.play import Played
from recipebook.run.successes import BEST, format_line, read_stats
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task
from trainer.collected import CollapseError, Collected, Collections, summarise

TASK = Task(number=3, instruction="Make /srv/a.", init="mkdir -p /srv", check="[ -f /srv/a ]", kind="make_file")


def played(outcome: Outcome, rounds: int = 1, status: str = "completed") -> Played:
    return Played(TASK, [1, 2], [5, 6, 7], [1, 1, 0], outcome, status, rounds, ["Act: finish"], [])


def group(*outcomes: Outcome) -> Collected:
    worth = {"correct": 1.0, "incorrect": -0.5, "unknown": None}
    return Collected([played(one) for one in outcomes], [worth[one] for one in outcomes])


def save(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def test_a_group_with_two_rewards_differs_and_failed_boxes_do_not_count() -> None:
    assert group("correct", "incorrect").differs
    assert not group("incorrect", "unknown").differs
    assert not group("unknown", "unknown").differs


def test_figures_of_a_collection() -> None:
    # Three known episodes, one of them correct: success 1/3, mean reward (1 - 0.5 - 0.5) / 3 = 0.
    found = summarise([group("correct", "incorrect"), group("incorrect", "unknown")])
    assert found == {
        "success": pytest.approx(1 / 3),
        "mean_reward": 0.0,
        "outcomes": {"correct": 1, "incorrect": 2, "unknown": 1},
        "success_by_group": [0.5, 0.0],
        "success_by_kind": {"make_file": 0.3333},
        "rounds": 1.0,
        "answer_tokens": 2.0,
        "invalid": 0,
        "cut": 0,
        "groups": 2,
    }


def test_episodes_that_were_cut_off_are_counted() -> None:
    whole = played("incorrect", status="agent_validation_failed")
    assert summarise([Collected([whole, whole._replace(cut=True)], [-0.5, -0.5])])["cut"] == 1


def test_episodes_that_the_environment_failed_are_not_among_those_that_could_be_correct(tmp_path: Path) -> None:
    groups = [group("correct", "incorrect", "unknown", "unknown")]
    Collections(tmp_path, 0.05).add(groups, groups, 0, save)
    assert format_line(read_stats(tmp_path)[0]) == (
        "collection 1: 1 of 2 correct, mean reward 0.25, 1 of 1 groups learned from; besides, the environment failed 2"
    )


def test_a_collection_leaves_a_line_and_its_transcripts_and_trl_adds_to_the_line(tmp_path: Path) -> None:
    collections = Collections(tmp_path, 0.05)
    collections.add([group("correct", "incorrect")], [group("correct", "incorrect")], 0, save)
    collections.note_updates({"entropy": 0.25, "clip_ratio/region_mean": 0.5, "loss": 9.0})
    (line,) = read_stats(tmp_path)
    assert (line["collection"], line["step"], line["learned_from"]) == (1, 0, 1)
    assert (line["entropy"], line["clip_share"]) == (0.25, 0.5)
    assert format_line(line) == "collection 1: 1 of 2 correct, mean reward 0.25, 1 of 1 groups learned from"
    first = json.loads((tmp_path / "transcripts" / "1.jsonl").read_text().splitlines()[0])
    assert (first["task"], first["outcome"], first["reward"], first["learned_from"]) == (3, "correct", 1.0, True)
    assert (tmp_path / BEST).is_dir()


def test_a_collection_that_is_played_again_after_a_resume_is_counted_once(tmp_path: Path) -> None:
    collections = Collections(tmp_path, 0.05)
    for step, outcome in [(0, "correct"), (6, "incorrect"), (6, "correct"), (12, "correct")]:
        one = Collected([played(outcome)], [1.0])  # type: ignore[arg-type]
        collections.add([one], [one], step, save)
    assert [(one["collection"], one["step"], one["success"]) for one in read_stats(tmp_path)] == [
        (1, 0, 1.0),
        (2, 6, 1.0),
        (3, 12, 1.0),
    ]


def test_a_policy_that_never_succeeds_is_refused_before_the_first_step(tmp_path: Path) -> None:
    dull = [group("incorrect", "incorrect")]
    with pytest.raises(
        CollapseError, match=r"^0 of 2 sampled episodes are correct, and rl.least_success is 0.05: warm up"
    ):
        Collections(tmp_path, 0.05).add(dull, dull, 0, save)


def test_a_collapse_stops_the_training_at_its_second_collection_and_keeps_the_best_adapter(tmp_path: Path) -> None:
    saved: list[int] = []
    collections, good, dull = Collections(tmp_path, 0.05), [group("correct", "incorrect")], [group("incorrect")]
    collections.add(good, good, 0, lambda folder: saved.append(0))
    collections.add(dull, dull, 6, lambda folder: saved.append(6))
    with pytest.raises(CollapseError, match="for the second time in a row: the best adapter is in best/"):
        collections.add(dull, dull, 12, lambda folder: saved.append(12))
    assert saved == [0]


def test_a_policy_that_goes_far_for_nothing_is_stopped_and_its_best_adapter_kept(tmp_path: Path) -> None:
    saved: list[int] = []
    collections = Collections(tmp_path, 0.05)
    bad: tuple[Outcome, ...] = ("incorrect",) * 5
    low, high = [group("correct", *bad)], [group("correct", "correct", "correct", "correct", *bad[:2])]

    def add(played: list[Collected], step: int, kl: float) -> None:
        collections.add(played, played, step, lambda folder: saved.append(step), kl)

    add(low, 0, 0.0)
    for step, played in enumerate([high, low, low, low], 1):
        add(played, step, 0.25)
    with pytest.raises(CollapseError, match=r"far from its start \(kl 0.25\) and is no better than there: 4 of 24"):
        add(low, 5, 0.25)
    assert saved == [0, 1]
    assert len(read_stats(tmp_path)) == 6


@pytest.mark.parametrize("least", [0.05, 0.0])
def test_boxes_that_cannot_start_are_no_collapse_of_the_policy(tmp_path: Path, least: float) -> None:
    lost = [group("unknown", "unknown")]
    with pytest.raises(CollapseError, match="no episode's box could be started: make sandbox-check says why"):
        Collections(tmp_path, least).add(lost, lost, 0, save)
