"""Rows on which training would fail are refused before the engine is started, with the row, the fault and the count."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from recipebook import project
from recipebook.data.dataset import Dataset, prepare
from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe, Remote
from recipebook.train import refusal
from recipebook.train.preview import Preview, Previewed, Unseen, run_previews
from recipebook.train.refusal import Candidate, find_reasons, find_refusal, refuse_unfit
from tests.recipebook.train.making import find, see, write_recipe

LONG = {"lengths": (10, 12), "first_long": "x.jsonl#2"}
ASKED = {"role": "user", "content": "go"}


@pytest.mark.parametrize(
    ("changes", "training", "reason"),
    [
        ({}, {}, None),
        ({"findings": (find("broken", 1),)}, {}, "x.jsonl#2: is wrong (1 of 3 train rows)"),
        (
            LONG,
            {"max_length": 11},
            "x.jsonl#2: 12 tokens, and training.max_length is 11: 1 of 2 train rows are longer, the longest has 12 "
            "(training.max_length=12 takes them all)",
        ),
        (
            {"rows": 9, "others": (14, 13), "first_long": "x.jsonl#7"},
            {"max_length": 12},
            "x.jsonl#7: 14 tokens, and training.max_length is 12: 2 of 4 train rows are longer, the longest has 14 "
            "(training.max_length=14 takes them all)",
        ),
        (LONG, {"max_length": 11, "too_long": "drop"}, None),
        (
            {"first_long": "x.jsonl#1"},
            {"max_length": 9, "too_long": "drop"},
            "x.jsonl#1: 10 tokens, and training.max_length is 9: 2 of 2 train rows are longer, the longest has 12 "
            "(training.max_length=12 takes them all)",
        ),
        ({"first_long": "x.jsonl#1"}, {"max_length": 9, "too_long": "truncate"}, None),
        ({"trained": (0, 0)}, {}, "x.jsonl#1: no token carries loss (2 of 2 train rows)"),
        ({"passed": 1, "findings": (find("end", 1),)}, {}, None),
        ({"findings": (find("opening", 2),)}, {}, None),
        (
            {"passed": 0, "findings": (find("opening", 2), find("prompt", 1, "is a little wrong"), find("end", 2))},
            {},
            "x.jsonl#2: is wrong (2 of 2 train rows, and none passes)",
        ),
    ],
)
def test_a_training_that_could_not_begin_is_refused_with_row_and_count(
    changes: dict[str, Any], training: dict[str, Any], reason: str | None
) -> None:
    assert find_refusal({"train": see(changes)}, write_recipe(**training)) == reason


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        ({"batch_size": 2, "max_length": 22}, "x.jsonl#1: packing makes 1 of 2 train rows, and 2 are taken at a time: "
         "no step would be made (training.packing=false, or training.batch_size=1)"),
        ({"batch_size": 2, "max_length": 21}, None),
        ({"batch_size": 1, "max_length": 22}, None),
        ({"batch_size": 2, "max_length": 22, "packing": False}, None),
    ],
)  # fmt: skip
def test_packing_that_leaves_less_than_one_step_is_refused(training: dict[str, Any], reason: str | None) -> None:
    assert find_refusal({"train": see({})}, write_recipe(**{"packing": True, **training})) == reason
    many = see({"rows": 300, "lengths": (1,) * 300, "trained": (1,) * 300, "passed": 300})
    assert find_refusal({"train": many}, write_recipe(packing=True, batch_size=2, max_length=1000)) is None


def test_rows_of_validation_are_refused_as_those_of_train_are() -> None:
    parts = {"train": see({}), "validation": see({"lengths": (10, 13), "first_long": "x.jsonl#2"})}
    assert find_refusal(parts, write_recipe(max_length=12, too_long="drop")) is None
    dropped = {"train": see({}), "validation": see({"lengths": (20, 30), "first_long": "x.jsonl#1"})}
    assert find_refusal(dropped, write_recipe(max_length=12, too_long="drop")) is None
    assert find_refusal(parts, write_recipe(max_length=12)) == (
        "x.jsonl#2: 13 tokens, and training.max_length is 12: 1 of 2 validation rows are longer, the longest has 13 "
        "(training.max_length=13 takes them all)"
    )
    broken = {"train": see({}), "validation": see({"passed": 0, "findings": (find("broken", 2),)})}
    assert find_refusal(broken, write_recipe()) == "x.jsonl#2: is wrong (2 of 4 validation rows)"
    unlearned = {"train": see({}), "validation": see({"trained": (0, 0), "passed": 0, "findings": (find("end", 2),)})}
    assert find_refusal(unlearned, write_recipe()) is None


def test_a_look_that_failed_is_the_bases_fault() -> None:
    assert find_refusal(Unseen("OSError: no such model", True), write_recipe()) == "models/mine: OSError: no such model"
    settings = "Axolotl refuses the recipe's settings: fp8 requested, but fp8 is not supported on this GPU"
    assert find_refusal(Unseen(settings, True), write_recipe()) == settings
    missing = find_refusal(Unseen("NoTemplateError: the base has no chat template", True), write_recipe())
    assert str(missing).startswith("model.base: models/mine has no chat template: set model.chat_template to")


def make(folder: Path, *contents: str, **training: Any) -> tuple[Recipe, Dataset]:
    """A recipe of our own tiny base, and its rows: one for each answer."""
    rows = [{"messages": [ASKED, {"role": "assistant", "content": content}]} for content in contents]
    source = folder / "chats.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    data = {"source": str(source), "converter": "chat", "split": {"by": [], "validation": 0, "test": 0}}
    base = {"base": "models/tiny-base", "chat_template": "chatml"}
    whole = {**write_recipe(**training).model_dump(exclude_unset=True), "model": base, "data": data}
    recipe = Recipe.model_validate(whole)
    return recipe, prepare(recipe.data, cache=folder / "cache" / "data")


def test_a_training_by_episodes_is_refused_before_a_warm_start_if_none_can_be_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL_TASKS_SERVER", "http://127.0.0.1:1")
    recipe, dataset = make(tmp_path, "one", "two", method="grpo", batch_size=1)
    with pytest.raises(UserError, match=r"^SHELL_TASKS_SERVER: http://127\.0\.0\.1:1: .*refused$"):
        refuse_unfit(recipe, dataset)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setattr(project, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_what_was_found_is_kept_for_the_same_rows_and_settings(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, dataset = make(tmp_path, "yes", "no " * 40, max_length=30)
    with pytest.raises(UserError, match=r"chats.jsonl#2: \d+ tokens, and training.max_length is 30: 1 of 2 train rows"):
        refuse_unfit(recipe, dataset)
    monkeypatch.setattr(refusal, "run_previews", lambda wanted: pytest.fail("looked at again") if wanted else [])
    with pytest.raises(UserError, match=r"chats.jsonl#2:"):
        refuse_unfit(recipe, dataset)
    # The rate decides nothing of how rows are written.
    other = recipe.model_copy(update={"training": recipe.training.model_copy(update={"learning_rate": 0.5})})
    assert find_reasons([Candidate(other, dataset)])[0] == find_reasons([Candidate(recipe, dataset)])[0]
    longer = recipe.model_copy(update={"training": recipe.training.model_copy(update={"max_length": 300})})
    with pytest.raises(pytest.fail.Exception, match="looked at again"):
        refuse_unfit(longer, dataset)
    assert len(list((cache / "fit").iterdir())) == 1


def test_several_recipes_are_looked_at_in_one_process(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    calls: list[int] = []

    def run(wanted: Sequence[Previewed]) -> list[Preview | Unseen]:
        calls.append(len(wanted))
        return run_previews(wanted)

    monkeypatch.setattr(refusal, "run_previews", run)
    good, bad = Candidate(*make(one, "yes")), Candidate(*make(two, "no " * 40, max_length=30))
    reasons = find_reasons([good, bad, good])
    assert [reason is None for reason in reasons] == [True, False, True]
    assert calls == [2]


@pytest.mark.parametrize("certain", [True, False])
def test_a_look_that_broke_refuses_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certain: bool
) -> None:
    monkeypatch.setattr(refusal, "run_previews", lambda wanted: [Unseen("it was killed", certain)])
    assert (find_reasons([Candidate(*make(tmp_path, "yes"))])[0] is not None) == certain
    assert not (cache / "fit").exists()


def test_a_full_disk_is_for_the_training_to_name(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(folder: Path, recipe: Recipe, dataset: Dataset) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(refusal, "write_files", fill)
    assert find_reasons([Candidate(*make(tmp_path, "yes"))]) == [None]


def test_a_service_has_a_tokenizer_of_its_own(cache: Path, tmp_path: Path) -> None:
    recipe, dataset = make(tmp_path, "no " * 40, max_length=30)
    refuse_unfit(recipe.model_copy(update={"remote": Remote()}), dataset)
