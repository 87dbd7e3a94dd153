"""What a base model, a chat template and a checkout are named after, and how inputs are flattened and compared."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from recipebook.files import digest
from recipebook.project import CHAT_TEMPLATES, INSTALLATION, PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.run import provenance
from recipebook.run.identities import list_inputs
from recipebook.run.provenance import (
    describe_git,
    digest_base,
    digest_chat_template,
    digest_inputs,
    digest_model,
    flatten,
    format_changes,
    git_state,
    list_settings,
)  # fmt: skip


def build(**model: str) -> Recipe:
    data = {"source": "samples/robot.json", "converter": "robot"}
    return Recipe.model_validate({"description": "d", "model": model, "data": data})


def test_a_model_is_named_after_its_files_their_sizes_and_both_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "SAMPLE_BYTES", 4)
    (tmp_path / "b.safetensors").write_bytes(b"0123456789")
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "c.json").write_bytes(b"012345")
    # What describes it and what lies deeper are no part of it.
    (tmp_path / "README.md").write_bytes(b"words")
    (tmp_path / "folder").mkdir()
    parts = ("a.json", "2", b"{}", b"", "b.safetensors", "10", b"0123", b"6789", "c.json", "6", b"0123", b"45")
    assert digest_model(tmp_path) == digest(*parts)


def test_weights_are_read_by_their_first_and_last_mib(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    mib = 1 << 20
    weights.write_bytes(bytes(3 * mib))
    before = digest_model(tmp_path)

    def change(at: int) -> str:
        with weights.open("rb+") as file:
            file.seek(at)
            file.write(b"x")
        changed = digest_model(tmp_path)
        weights.write_bytes(bytes(3 * mib))
        return changed

    assert [change(at) == before for at in (0, mib - 1, mib, 2 * mib - 1, 2 * mib, 3 * mib - 1)] == [
        False, False, True, True, False, False,
    ]  # fmt: skip


def test_a_base_is_a_folder_or_a_name_with_its_revision() -> None:
    assert digest_base(build(base="models/tiny-base")) == digest_model(PROJECT / "models" / "tiny-base")
    assert digest_base(build(base="org/name")) == "org/name@main"
    assert digest_base(build(base="org/name", revision="v2")) == "org/name@v2"


def test_a_chat_template_is_the_files_or_the_tokenizers() -> None:
    text = (CHAT_TEMPLATES / "chatml.jinja").read_text(encoding="utf-8")
    assert digest_chat_template(build(base="org/name", chat_template="chatml")) == digest(text)
    assert digest_chat_template(build(base="org/name", chat_template="tokenizer")) == "tokenizer of org/name@main"


def test_inputs_are_settings_hashes_and_versions_but_for_a_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "package_versions", lambda: {"torch": "2.13.0"})
    recipe = build(base="org/name", chat_template="tokenizer")
    hashes = {"rows": "5d0c", "base": "org/name@main", "chat template": "tokenizer of org/name@main"}
    settings = {"model.base": '"org/name"'}
    records = {"training.global_batch": "4"}
    assert list_inputs(recipe, "5d0c") == {**settings, **records, **hashes, "versions.torch": "2.13.0"}
    found = provenance.join_inputs(
        {"model": {"base": "org/name"}, "remote": {"model": "m"}},
        {"rows": "5d0c", "base": "org/name@main", "chat_template": "tokenizer of org/name@main"},
        {"torch": "2.13.0"},
    )
    assert found == {**settings, **hashes, "remote.model": '"m"'}


def test_settings_leave_out_what_does_not_train_and_the_way_to_a_service() -> None:
    data: dict[str, Any] = {
        "description": "d", "extends": "e", "profiles": {}, "matrix": {}, "data": {"source": "s"}, "eval": {},
        "stages": [], "training": {"epochs": 2},
        "remote": {"service": "s", "url": "u", "key": "k", "poll_seconds": 1, "stagger_seconds": 2, "model": "m"},
    }  # fmt: skip
    assert list_settings(data) == {"training.epochs": "2", "remote.service": '"s"', "remote.model": '"m"'}
    assert list_settings({"remote": None, "lora": {}}) == {"remote": "null", "lora": "{}"}


def test_what_is_nested_is_flattened_and_lists_stay_whole() -> None:
    value = {"lora": {"r": 8, "target": ["b", "a"]}, "axolotl": {}, "x": [{"b": 1, "a": 2}], 3: None}
    assert flatten(value) == {
        "lora.r": "8", "lora.target": '["b", "a"]', "axolotl": "{}", "x": '[{"a": 2, "b": 1}]', "3": "null",
    }  # fmt: skip


def test_an_identity_does_not_depend_on_the_order_of_its_inputs() -> None:
    assert digest_inputs({"b": "2", "a": "1"}) == digest_inputs({"a": "1", "b": "2"}) == digest('{"a": "1", "b": "2"}')


def test_defaults_are_those_of_the_recipe_and_of_its_sections() -> None:
    provenance.list_defaults.cache_clear()
    defaults, sections = provenance.list_defaults()
    assert (defaults["training.epochs"], defaults["lora.r"], defaults["model.revision"]) == ("3", "32", "null")
    assert defaults["lora"] == "null"
    assert "model.base" not in defaults and "lora" in sections and "training" not in sections


def test_changes_are_told_in_order_and_the_fourth_is_counted() -> None:
    before = {"training.epochs": "3", "rows": "a", "lora.r": "8", "start": "x", "same": "1"}
    after = {"training.epochs": "4", "rows": "b", "start": "y", "stage sft": "c", "same": "1"}
    assert format_changes(before, after) == ("lora.r: 32, was 8; rows changed; stage sft changed; and 2 more")
    assert format_changes({"start": "x", "file a": "1"}, {"start": "y", "file a": "2", "code": "c"}) == (
        "code changed; file a changed; the stage that it starts from changed"
    )
    assert format_changes({"base": "a", "chat template": "b"}, {"lora.r": "8"}) == (
        "base changed; chat template changed; lora.r: 8, was 32"
    )
    assert format_changes({}, {"axolotl.seed": "7"}) == "axolotl.seed: 7, was not set"
    assert format_changes({"axolotl.seed": "7"}, {}) == "axolotl.seed: not set, was 7"
    assert format_changes({"a": "1"}, {"a": "1"}) == ""


def test_a_checkout_is_named_after_its_commit_and_whether_it_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        named = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        command = ["git", "-C", str(tmp_path), *named, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def look() -> dict[str, str | bool | None]:
        git_state.cache_clear()
        return git_state(tmp_path)

    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert look() == {"commit": None, "dirty": None}
    git("init", "--quiet")
    (tmp_path / "a").write_text("a")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "results.md").write_text("no result yet")
    (tmp_path / "docs" / "all.md").write_text("every page in one: no result yet")
    git("add", "a", "docs")
    git("commit", "--quiet", "--message", "one")
    (tmp_path / "untracked").write_text("b")
    assert look() == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "docs" / "results.md").write_text("what earlier runs gave")
    (tmp_path / "docs" / "all.md").write_text("every page in one: what earlier runs gave")
    assert look()["dirty"] is False
    (tmp_path / "a").write_text("changed")
    assert look()["dirty"] is True
    monkeypatch.setenv("PATH", str(tmp_path))
    assert look() == {"commit": None, "dirty": None}
    git_state.cache_clear()


def test_a_projects_commit_stands_beside_that_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "project" not in describe_git(INSTALLATION)
    assert describe_git(tmp_path)["project"] == {"commit": None, "dirty": None}
    named = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    for words in (["init", "--quiet"], [*named, "commit", "--quiet", "--allow-empty", "--message", "one"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    head = subprocess.run(
        ["git", "-C", str(tmp_path), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert describe_git(tmp_path) == {**describe_git(INSTALLATION), "project": {"commit": head, "dirty": False}}
    (tmp_path / "recipe.yaml").write_text("description: new\n")
    assert describe_git(tmp_path)["project"] == {"commit": head, "dirty": True}
