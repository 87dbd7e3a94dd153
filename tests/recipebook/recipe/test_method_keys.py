"""The keys that a method uses are those that its template mentions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.recipe.method_keys import list_used_keys

ROOT = Path(__file__).parents[3]
PAIRS = {
    "dpo": {"beta", "loss", "label_smoothing", "precompute_reference"},
    "ipo": {"beta", "precompute_reference"},
    "orpo": {"odds_weight"},
    "simpo": {"beta", "gamma"},
    "kto": {"beta", "desirable_weight", "undesirable_weight"},
    "sft": set(),
    "pretrain": set(),
    "grpo": set(),
}


@pytest.mark.parametrize("method", PAIRS)
def test_a_method_uses_what_its_template_mentions(method: str) -> None:
    assert list_used_keys(ROOT, method)["preference"] == PAIRS[method]


def test_what_a_template_includes_counts() -> None:
    used = {method: list_used_keys(ROOT, method)["training"] for method in ("pretrain", "kto")}
    assert used["pretrain"] - used["kto"] == {
        "packing", "pack_length", "group_by_length", "chunked_loss", "train_on", "span_weights",
    }  # fmt: skip
    assert used["kto"] - used["pretrain"] == set()


def test_a_template_of_the_users_own_is_read_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    write: Callable[[str, str], int] = lambda name, text: (tmp_path / "templates" / name).write_text(text)  # noqa: E731
    write("_part.yaml.j2", "a: {{ recipe.preference.beta }}")
    write("mine.yaml.j2", '{% include "_part.yaml.j2" %}{% if recipe.training.packing %}b: 1{% endif %}')
    write("broken.yaml.j2", "{% if %}")
    assert list_used_keys(tmp_path, "mine") == {"training": {"packing"}, "preference": {"beta"}, "rl": set()}
    assert list_used_keys(tmp_path, "broken") == dict.fromkeys(("training", "preference", "rl"), frozenset())
