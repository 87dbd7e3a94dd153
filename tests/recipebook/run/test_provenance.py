"""What the identity of a run holds, key by key: a key of training that it lacks would reuse the wrong run."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import Field, create_model

from recipebook.recipe.keys import Recipe
from recipebook.recipe.section import Section
from recipebook.run import identities, provenance
from recipebook.run.speed import LAUNCH

BASE: dict[str, Any] = {
    "description": "d",
    "model": {"base": "models/tiny-base"},
    "data": {"source": "samples/robot.json", "converter": "robot"},
    "lora": {},
}
# A value other than its default for every key of a recipe, but for sections and for what a user names freely.
OTHER: dict[str, Any] = {
    "model.base": "models/another",
    "model.revision": "v2",
    "model.chat_template": "chatml",
    "model.system": "fold",
    "training.method": "dpo",
    "training.epochs": 4,
    "training.max_steps": 7,
    "training.batch_size": 5,
    "training.gradient_accumulation": 2,
    "training.global_batch": 8,
    "training.learning_rate": 0.5,
    "training.scheduler": "linear",
    "training.warmup_ratio": 0.2,
    "training.weight_decay": 0.1,
    "training.max_grad_norm": 2.0,
    "training.optimizer": "sgd",
    "training.max_length": 100,
    "training.too_long": "drop",
    "training.packing": True,
    "training.pack_length": 512,
    "training.group_by_length": True,
    "training.gradient_checkpointing": True,
    "training.chunked_loss": True,
    "training.tf32": True,
    "training.precision": "fp32",
    "training.train_on": "all",
    "training.span_weights": {"call": 2.0},
    "training.seed": 7,
    "training.logging_steps": 1,
    "training.eval_steps": 8,
    "training.save_steps": 8,
    "training.early_stopping": 3,
    "training.keep_checkpoints": 1,
    "training.workers": 1,
    "training.pin_memory": True,
    "lora.r": 8,
    "lora.alpha": 8,
    "lora.dropout": 0.0,
    "lora.target_modules": "all-linear",
    "lora.kernels": False,
    "lora.quantize": "4bit",
    "preference.beta": 0.3,
    "preference.loss": "hinge",
    "preference.label_smoothing": 0.1,
    "preference.precompute_reference": True,
    "preference.gamma": 0.5,
    "preference.odds_weight": 0.2,
    "preference.desirable_weight": 2.0,
    "preference.undesirable_weight": 2.0,
    "launch.device": "mps",
    "axolotl": {"save_safetensors": True},
}
NO_TRAINING: dict[str, Any] = {
    "description": "another",
    "extends": "another",
    "profiles": {"tiny": {}},
    "stages": [{"name": "a"}],
    "data.split.seed": 7,
    "data.rejects": 3,
    "eval.limit": 3,
    "eval.generation.seed": 7,
}
NEEDS: dict[str, dict[str, Any]] = {
    "training.early_stopping": {"training.eval_steps": 8, "training.save_steps": 8},
    "preference.label_smoothing": {"preference.loss": "robust"},
    "training.span_weights": {"data.options": {"spans": True}},
}


@pytest.fixture(autouse=True)
def _name_any_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "digest_base", lambda recipe: recipe.model.base)


def build(settings: dict[str, Any]) -> Recipe:
    data = json.loads(json.dumps(BASE))
    for key, value in settings.items():
        *sections, name = key.split(".")
        inner = data
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[name] = value
    return Recipe.model_validate_json(json.dumps(data), strict=True)


def identify(settings: dict[str, Any]) -> str:
    return identities.identify(build(settings), "rows")


@pytest.mark.parametrize("key", OTHER)
def test_a_key_that_decides_the_outcome_changes_the_identity(key: str) -> None:
    needs = NEEDS.get(key, {})
    assert identify({**needs, key: OTHER[key]}) != identify(needs)


@pytest.mark.parametrize("key", NO_TRAINING)
def test_a_key_that_decides_nothing_of_the_training_does_not(key: str) -> None:
    assert identify({key: NO_TRAINING[key]}) == identify({})


def test_every_key_of_the_sections_that_train_is_in_the_list_above() -> None:
    sections = ("model", "training", "lora", "preference", "launch")
    keys = {key for key in list_keys(Recipe) if key.split(".")[0] in sections}
    # How many processes share the work, and how: test_speed.py.
    # An adapter that is trained further counts by its content: test_begun.py.
    assert keys - LAUNCH - {"model.adapter.run"} == OTHER.keys() - {"axolotl"}


def list_keys(model: type[Section], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), None)
        yield from list_keys(inner, f"{path}{name}.") if inner else [f"{path}{name}"]


def test_the_rows_the_template_and_the_versions_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identify({})
    assert identities.identify(build({}), "other rows") != before
    monkeypatch.setattr(provenance, "package_versions", lambda: {"torch": "99"})
    assert identify({}) != before
    monkeypatch.setattr(provenance, "digest_chat_template", lambda _: "another")
    assert identities.list_inputs(build({}), "rows")["chat template"] == "another"


def test_a_key_that_is_written_at_its_default_leaves_no_trace() -> None:
    defaults = {"training.epochs": 3, "lora.r": 32, "launch.strategy": "data-parallel"}
    assert identify(defaults) == identify({})
    assert identify({"training.epochs": 3.0}) == identify({})


def test_a_key_that_is_added_to_the_recipe_later_changes_no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identify({"lora.r": 8})
    lora = create_model("Lora", __base__=Recipe.model_fields["lora"].annotation.__args__[0], later=(int, Field(5)))  # type: ignore[union-attr]
    grown = create_model("Recipe", __base__=Recipe, lora=(lora | None, None), later=(str, "none"))
    provenance.list_defaults.cache_clear()
    monkeypatch.setattr(provenance, "Recipe", grown)
    recipe = grown.model_validate({**BASE, "lora": {"r": 8}})
    assert identities.identify(recipe, "rows") == before
    changed = grown.model_validate({**BASE, "lora": {"r": 8, "later": 6}})
    assert identities.identify(changed, "rows") != before
    provenance.list_defaults.cache_clear()


def test_an_optional_section_counts_though_all_its_keys_stand_at_their_default() -> None:
    inputs = identities.list_inputs(build({}), "rows")
    assert inputs["lora"] == "{}"
    full = Recipe.model_validate({key: value for key, value in BASE.items() if key != "lora"})
    assert "lora" not in identities.list_inputs(full, "rows")
    assert identities.identify(full, "rows") != identify({})


def test_what_was_off_before_a_key_had_auto_is_the_same_work_as_auto() -> None:
    off = {"training.packing": False, "training.gradient_checkpointing": False, "training.workers": 0}
    assert identify(off) == identify({})


def test_defaults_are_dropped_by_meaning() -> None:
    inputs = {"training.epochs": "3.0", "training.seed": "42", "lora.r": "32", "lora.alpha": "64", "rows": "5d0c"}
    assert provenance.drop_defaults(inputs) == {"lora": "{}", "rows": "5d0c"}
    assert provenance.drop_defaults({"lora": "null", "lora.r": "8"}) == {"lora.r": "8"}


def test_how_a_service_is_reached_does_not_count_and_which_it_is_does() -> None:
    remote = {"remote.service": "together"}
    assert identify({**remote, "remote.url": "http://x", "remote.poll_seconds": 1}) == identify(remote)
    assert identify({**remote, "remote.model": "m"}) != identify(remote) != identify({})
