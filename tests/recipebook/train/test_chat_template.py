"""A base without a chat template is refused before the engine is started, and told where templates are."""

import shutil
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.train.chat_template import has_chat_template, require_template


def write_recipe(template: str, base: str = "models/tiny-base") -> Recipe:
    model, data = {"base": base, "chat_template": template}, {"source": "x.jsonl", "converter": "chat"}
    return Recipe.model_validate({"description": "x", "model": model, "data": data})


def test_a_base_without_a_template_is_told_where_templates_are() -> None:
    with pytest.raises(UserError) as refusal:
        require_template(write_recipe("tokenizer"))
    assert str(refusal.value) == (
        "model.base: models/tiny-base has no chat template: set model.chat_template to one of templates/chat: "
        "chatml, instruct, or add your own there"
    )


def test_a_template_of_the_recipe_will_do_and_a_base_of_the_hub_is_not_looked_at() -> None:
    require_template(write_recipe("chatml"))
    require_template(write_recipe("tokenizer", "someone/something"))


def test_a_template_is_found_where_transformers_looks(tmp_path: Path) -> None:
    shutil.copyfile(PROJECT / "models" / "tiny-base" / "tokenizer_config.json", tmp_path / "tokenizer_config.json")
    assert not has_chat_template(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert has_chat_template(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert has_chat_template(tmp_path)
