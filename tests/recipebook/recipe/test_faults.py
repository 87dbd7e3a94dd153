"""A recipe that its model takes has no fault in its schema either, so that one look is enough."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipebook.recipe.faults import find_recipe_faults, read_recipe
from recipebook.recipe.keys import Recipe

GOOD: dict[str, Any] = {
    "description": "a recipe",
    "model": {"base": "models/tiny-base", "chat_template": "chatml", "revision": "v2"},
    "data": {"source": "a.jsonl", "converter": "chat", "split": {"by": ["id"], "seed": 7}, "rejects": "10%"},
    "training": {"epochs": 1, "max_steps": 4, "learning_rate": 1e-3},
    "lora": {"r": 8, "target_modules": ["q_proj"]},
    "preference": {"beta": 0.1},
    "eval": {"metrics": {"text": {}}, "generation": {"temperature": 0.5}},
    "matrix": {"values": {"training.seed": [1, 2]}},
    "profiles": {"tiny": {"training": {"epochs": 1}}},
}
PLACES = [(section, key) for section, keys in GOOD.items() if isinstance(keys, dict) for key in keys]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("all-linear"), st.just("10%"),
    st.lists(st.one_of(st.integers(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.sampled_from(["by", "seed", "r", "text"]), st.one_of(st.none(), st.integers()), max_size=2),
)  # fmt: skip


def test_a_good_recipe_is_read() -> None:
    recipe, faults = read_recipe(GOOD)
    assert faults == []
    assert recipe == Recipe.model_validate(GOOD)


@given(st.sampled_from(PLACES), VALUES)
@settings(max_examples=500)
def test_what_the_model_takes_has_no_fault_in_its_schema(place: tuple[str, str], value: object) -> None:
    data = copy.deepcopy(GOOD)
    data[place[0]][place[1]] = value
    recipe, faults = read_recipe(data)
    assert (recipe is None) == bool(faults)
    if recipe is not None:
        assert find_recipe_faults(data) == []


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (
            ("training", "batch_size"),
            1e3,
            "training.batch_size: 1000.0 is not a whole number",
        ),
        (("training", "learning_rate"), float("inf"), "training.learning_rate: Infinity is not a finite number"),
        (("lora", "target_modules"), [], "lora.target_modules: an empty list is not a list (of 1 or more)"),
    ],
)
def test_a_number_or_a_list_that_only_nearly_fits_is_named(place: tuple[str, str], value: Any, text: str) -> None:
    data = copy.deepcopy(GOOD)
    data.setdefault(place[0], {})[place[1]] = value
    ((fault),) = read_recipe(data)[1]
    assert fault.text.startswith(text)


def test_a_password_is_all_that_is_said_of_a_recipe() -> None:
    data = {**GOOD, "model": {"base": "https://me:word@host/base", "bas": 1}}
    recipe, faults = read_recipe(data)
    assert recipe is None
    assert [fault.path for fault in faults] == [("model", "base")]


def test_an_unknown_key_of_the_engine_is_found_in_a_recipe_that_is_sound_otherwise() -> None:
    recipe, faults = read_recipe({**GOOD, "axolotl": {"lora_alhpa": 99}})
    assert recipe is None
    assert [fault.path for fault in faults] == [("axolotl", "lora_alhpa")]


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        ({"training": {"global_batch": 30}, "launch": {"processes": 8}}, ("training", "global_batch")),
        ({"training": {"early_stopping": 2}}, ("training", "early_stopping")),
        ({"launch": {"device": "mps", "processes": 2}}, ("launch", "device")),
    ],
)
def test_what_several_keys_break_together_has_the_place_of_the_one_that_is_named(
    extra: dict[str, object], path: tuple[str, ...]
) -> None:
    _, faults = read_recipe(GOOD | extra)
    assert [(fault.path, fault.on_key) for fault in faults] == [(path, True)]
