"""A recipe as a fleet over training seeds, and fleets that are one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.fleet.members import list_members, name_fleet, resolve_member
from recipebook.fleet.seeds import find_seeds, repeat_over_seeds
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run

HASHES = {"rows": "r", "base": "b", "chat_template": "c"}


def test_a_recipe_becomes_a_fleet_over_the_seeds_that_follow_its_own() -> None:
    fleet = repeat_over_seeds(resolve("robot-lora", "tiny"), 3)
    members = list_members(fleet)
    assert [(one.name, one.settings) for one in members] == [
        ("seed42", {"training.seed": 42}),
        ("seed43", {"training.seed": 43}),
        ("seed44", {"training.seed": 44}),
    ]
    assert name_fleet(fleet) == "robot-lora-seeds"
    assert resolve_member(fleet, members[2]).recipe.training.seed == 44
    assert name_fleet(resolve_member(fleet, members[2])) == "robot-lora-seeds"


def test_the_seed_of_the_command_line_is_the_first() -> None:
    fleet = repeat_over_seeds(resolve("robot-lora", "tiny", ["training.seed=7"]), 2)
    assert [one.name for one in list_members(fleet)] == ["seed7", "seed8"]


def test_a_fleet_and_a_single_seed_are_refused() -> None:
    with pytest.raises(UserError, match=r"^robot-sweep has a matrix, which SEEDS would replace"):
        repeat_over_seeds(resolve("robot-sweep", "tiny"), 3)
    with pytest.raises(UserError, match=r"^SEEDS=1 is one training"):
        repeat_over_seeds(resolve("robot-lora", "tiny"), 1)


@pytest.fixture
def make_member(start_run: Callable[..., Run]) -> Callable[..., tuple[Run, Manifest]]:
    """Members with settings, as they are kept beside a run."""

    def make(minute: int, settings: str, **hashes: str) -> tuple[Run, Manifest]:
        run = start_run(minute=minute)
        (run.folder / "resolved.yaml").write_text(settings)
        return run, run.write(run.read().model_copy(update={"hashes": {**HASHES, **hashes}, "member": str(minute)}))

    return make


def test_members_that_differ_in_their_seed_alone_are_one_recipe(
    make_member: Callable[..., tuple[Run, Manifest]],
) -> None:
    usual, other = make_member(1, "training: {epochs: 3}"), make_member(2, "training: {epochs: 3, seed: 43}")
    assert find_seeds([usual, other]) == [42, 43]
    assert find_seeds([usual]) is None
    assert find_seeds([usual, make_member(3, "training: {epochs: 2, seed: 43}")]) is None
    assert find_seeds([usual, make_member(4, "training: {epochs: 3, seed: 43}", rows="others")]) is None
    assert find_seeds([usual, make_member(5, "training: {epochs: 3, seed: 42}")]) is None


def test_placebos_of_several_seeds_have_rows_that_are_shuffled_by_their_seeds_alone(
    make_member: Callable[..., tuple[Run, Manifest]],
) -> None:
    def make_placebo(minute: int, seed: int, held_out: str) -> tuple[Run, Manifest]:
        run, manifest = make_member(minute, f"training: {{seed: {seed}}}", rows=f"shuffled by {seed}")
        hashes = {**manifest.hashes, "parts": {"test": held_out}}
        return run, manifest.model_copy(update={"placebo_of": str(seed), "hashes": hashes})

    first = make_placebo(1, 42, "5d0c")
    assert find_seeds([first, make_placebo(2, 43, "5d0c")]) == [42, 43]
    assert find_seeds([first, make_placebo(3, 43, "77c0")]) is None


def test_a_run_without_its_settings_is_in_no_such_fleet(
    make_member: Callable[..., tuple[Run, Manifest]], start_run: Callable[..., Run], tmp_path: Path
) -> None:
    alone = start_run(minute=9)
    assert find_seeds([make_member(1, "training: {epochs: 3}"), (alone, alone.read())]) is None
