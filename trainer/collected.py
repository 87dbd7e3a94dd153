"""What the collections of a training came to: a line of `training_stats.jsonl` each, and the episodes' transcripts.

    {"collection": 3, "step": 72, "success": 0.46, "mean_reward": 0.19, "outcomes": {"correct": 22, "incorrect": 26},
     "success_by_group": [0.0, 0.875, …], "success_by_kind": {"copy_file": 0.5}, "rounds": 1.9, "answer_tokens": 31.2,
     "invalid": 3, "cut": 1, "groups": 6, "learned_from": 5, "kl": 0.031, "entropy": 0.21, "clip_share": 0.02,
     "grad_norm": 0.4}

`transcripts/3.jsonl` has its episodes. The adapter that played the best collection lies in `best/`. A training whose
success is too low before the first step, or in two collections in a row, is stopped; so is one that has gone far from
its start for nothing. One whose success has fallen far below its best goes on, since it may recover, and says so after
each collection.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from recipebook.files import write_text
from recipebook.playing.play import Played
from recipebook.run.successes import BEST, STATS, Stats, count_correct, find_drift, find_fall, format_line, read_stats

TRANSCRIPTS = "transcripts"
TRAINED = "default"
"""PEFT's name of the adapter in training; TRL may keep a frozen copy beside it."""

LOGGED = {"entropy": "entropy", "clip_ratio/region_mean": "clip_share", "grad_norm": "grad_norm"}
"""TRL's names of what it logs of the updates, and ours."""


class CollapseError(Exception):
    """The policy hardly ever succeeds, so that nothing but noise would be learned."""


class Collected(NamedTuple):
    """A group: the episodes of one task, and their rewards."""

    episodes: list[Played]
    values: list[float | None]

    @property
    def differs(self) -> bool:
        """Whether the episodes have more than one reward; those without a reward do not count."""
        return len({value for value in self.values if value is not None}) > 1


class Collections:
    """Counts the collections of one training in its folder."""

    def __init__(self, folder: Path, least_success: float) -> None:
        self.folder = folder
        self.least = least_success

    def add(
        self,
        played: Sequence[Collected],
        learned: Sequence[Collected],
        step: int,
        save: Callable[[Path], None],
        kl: float | None = None,
    ) -> None:
        """Write what a collection before `step` came to; `save` its adapter if it is the best; stop after a collapse.

        `learned` has drawn groups in place of those among `played` that teach nothing: no fair sample of the policy.
        `kl` is how far the policy has gone from the one at the start (trainer/divergence.py).
        Of a collection that is played again after a resume, the new figures count.
        """
        earlier = [line for line in read_stats(self.folder) if line["step"] < step]
        stats = {"collection": len(earlier) + 1, "step": step, **summarise(played)}
        stats |= {"learned_from": sum(group.differs for group in learned), "kl": kl}
        self._write([*earlier, stats], learned)
        print(format_line(stats, earlier), flush=True)
        if fall := find_fall([*earlier, stats]):
            print(fall, flush=True)
        if stats["success"] > max((line["success"] for line in earlier), default=-1.0):
            save(self.folder / BEST)
        self._check([*earlier, stats])

    def note_updates(self, logs: Mapping[str, Any]) -> None:
        """Add to the last line what TRL logged of the updates that followed it; Axolotl logs some numbers as text."""
        lines = read_stats(self.folder)
        found = {name: float(logs[key]) for key, name in LOGGED.items() if logs.get(key) is not None}
        if lines and found:
            lines[-1] |= found
            self._write_stats(lines)

    def _write_stats(self, lines: Sequence[Stats]) -> None:
        write_text(self.folder / STATS, "".join(json.dumps(line) + "\n" for line in lines))

    def _write(self, lines: Sequence[Stats], groups: Sequence[Collected]) -> None:
        self._write_stats(lines)
        transcripts = self.folder / TRANSCRIPTS
        transcripts.mkdir(exist_ok=True)
        episodes = [
            json.dumps({**describe(one), "reward": value, "learned_from": group.differs})
            for group in groups
            for one, value in zip(group.episodes, group.values, strict=True)
        ]
        write_text(transcripts / f"{len(lines)}.jsonl", "".join(f"{line}\n" for line in episodes))

    def _check(self, lines: Sequence[Stats]) -> None:
        if drift := find_drift(lines):
            raise CollapseError(drift)
        if all({*line["outcomes"]} == {"unknown"} for line in lines[-2:]):
            raise CollapseError("no episode's box could be started: make sandbox-check says why")
        if not all(line["success"] < self.least for line in lines[-2:]):
            return
        found = f"{count_correct([lines[-1]])} sampled episodes are correct"
        bound = f"and rl.least_success is {self.least:g}"
        if len(lines) == 1:
            raise CollapseError(f"{found}, {bound}: warm up for longer, or lower rl.temperature; no step was made")
        raise CollapseError(f"{found}, {bound}, for the second time in a row: the best adapter is in {BEST}/")


def summarise(groups: Sequence[Collected]) -> Stats:
    """The figures of groups; an episode that the environment failed counts in no success and in no reward."""
    played = [one for group in groups for one in group.episodes]
    known = [one for one in played if one.outcome != "unknown"]
    values = [value for group in groups for value in group.values if value is not None]
    kinds: dict[str, list[bool]] = defaultdict(list)
    for one in known:
        kinds[one.task.kind or " ".join(one.task.skills) or "any"].append(one.outcome == "correct")
    return {
        "success": fmean([one.outcome == "correct" for one in known]) if known else 0.0,
        "mean_reward": fmean(values) if values else None,
        "outcomes": dict(sorted(Counter(one.outcome for one in played).items())),
        "success_by_group": [round(share, 4) for share in map(_find_success, groups) if share is not None],
        "success_by_kind": {kind: round(fmean(found), 4) for kind, found in sorted(kinds.items())},
        "rounds": fmean([one.rounds for one in played]),
        "answer_tokens": sum(sum(one.own) for one in played) / sum(one.rounds for one in played),
        "invalid": sum(one.status == "agent_validation_failed" for one in played),
        "cut": sum(one.cut for one in played),
        "groups": len(groups),
    }


def describe(one: Played) -> dict[str, Any]:
    """An episode as people read it."""
    return {
        "task": one.task.number,
        "instruction": one.task.instruction,
        "answers": one.answers,
        "outputs": one.outputs,
        "outcome": one.outcome,
        "status": one.status,
    }


def _find_success(group: Collected) -> float | None:
    """The share of a group's episodes that are correct; None where the environment failed all of them."""
    known = [one.outcome == "correct" for one in group.episodes if one.outcome != "unknown"]
    return fmean(known) if known else None
