"""Keys that change nothing under the recipe's method are faults, told from what its template mentions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import resolve
from recipebook.recipe.unused_keys import list_used_keys

ROOT = Path(__file__).parents[3]
PAIRS = {
    "dpo": {"beta", "loss", "label_smoothing", "precompute_reference"},
    "ipo": {"beta", "precompute_reference"},
    "orpo": {"odds_weight"},
    "simpo": {"beta", "gamma"},
    "kto": {"beta", "desirable_weight", "undesirable_weight"},
    "sft": set(),
    "pretrain": set(),
}


@pytest.mark.parametrize("method", PAIRS)
def test_a_method_uses_what_its_template_mentions(method: str) -> None:
    assert list_used_keys(ROOT / "templates", method)["preference"] == PAIRS[method]


def test_what_a_template_includes_counts() -> None:
    used = {method: list_used_keys(ROOT / "templates", method)["training"] for method in ("pretrain", "kto")}
    assert used["pretrain"] - used["kto"] == {"packing", "group_by_length", "train_on", "span_weights"}
    assert used["kto"] - used["pretrain"] == set()


@pytest.mark.parametrize(
    ("recipe", "override", "line"),
    [
        ("preference-dpo", "preference.gamma=0.5",
         "SET: gamma under preference has no effect with the method dpo; it has with: simpo"),
        ("preference-simpo", "preference.loss=hinge",
         "SET: loss under preference has no effect with the method simpo; it has with: dpo"),
        ("preference-orpo", "preference.beta=0.2",
         "SET: beta under preference has no effect with the method orpo; it has with: dpo, ipo, kto, simpo"),
        ("preference-kto", "training.group_by_length=true",
         "SET: group_by_length under training has no effect with the method kto; it has with: pretrain, sft"),
    ],
)  # fmt: skip
def test_a_number_of_another_method_is_refused(recipe: str, override: str, line: str) -> None:
    with pytest.raises(UserError) as refused:
        check_references(resolve(recipe, "tiny", [override]))
    assert str(refused.value) == line


@pytest.mark.parametrize(
    ("recipe", "override"),
    [
        ("preference-dpo", "preference.gamma=null"),
        ("preference-dpo", "training.packing=false"),
        ("robot-lora", "preference.beta=0.2"),
    ],
)
def test_a_default_and_another_methods_section_are_not_refused(recipe: str, override: str) -> None:
    check_references(resolve(recipe, "tiny", [override]))


def test_a_template_of_the_users_own_is_read_like_any_other(tmp_path: Path) -> None:
    write: Callable[[str, str], int] = lambda name, text: (tmp_path / name).write_text(text)  # noqa: E731
    write("_part.yaml.j2", "a: {{ recipe.preference.beta }}")
    write("mine.yaml.j2", '{% include "_part.yaml.j2" %}{% if recipe.training.packing %}b: 1{% endif %}')
    write("broken.yaml.j2", "{% if %}")
    assert list_used_keys(tmp_path, "mine") == {"training": {"packing"}, "preference": {"beta"}}
    assert list_used_keys(tmp_path, "broken") == {"training": frozenset(), "preference": frozenset()}
