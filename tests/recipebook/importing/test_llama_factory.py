"""A configuration of LLaMA-Factory becomes a recipe that is sound, with what dataset_info.json says of its data."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import main
from recipebook import project
from recipebook.errors import UserError
from recipebook.importing.llama_factory import CONFIGURATION, NO_NEED, find_misfits, import_llama_factory
from recipebook.recipe.faults import read_recipe
from recipebook.recipe.yaml_source import parse

KTO: dict[str, Any] = {
    "model_name_or_path": "meta-llama/Llama-3.1-8B-Instruct",
    "stage": "kto",
    "do_train": True,
    "finetuning_type": "lora",
    "quantization_bit": 4,
    "lora_rank": 4,
    "lora_target": "q_proj,v_proj",
    "kto_rejected_weight": 1.5,
    "dataset": "judged",
    "template": "llama3",
    "cutoff_len": 1024,
    "per_device_train_batch_size": 4,
    "num_train_epochs": 2.0,
    "bf16": True,
}


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    entries = {
        "judged": {"file_name": "j.json", "columns": {"messages": "messages", "kto_tag": "label"}},
        "odd": {"file_name": "o.json", "columns": {"prompt": "asked"}},
        "far": {"hf_hub_url": "owner/name"},
    }  # fmt: skip
    (tmp_path / "dataset_info.json").write_text(json.dumps(entries))
    return tmp_path


def test_a_configuration_becomes_a_recipe_with_its_own_names(beside: Path) -> None:
    draft = import_llama_factory(KTO, "d", beside)
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults
    assert (recipe.data.source, recipe.data.converter) == ("data/j.json", "preference")
    assert (recipe.training.method, recipe.training.epochs, recipe.training.max_length) == ("kto", 2, 1024)
    assert (recipe.training.too_long, recipe.training.precision) == ("truncate", "bf16")
    assert (recipe.preference.beta, recipe.preference.undesirable_weight) == (0.1, 1.5)
    assert recipe.lora
    assert recipe.lora.model_dump() == {
        "r": 4, "alpha": 8, "dropout": 0.0, "target_modules": ("q_proj", "v_proj"), "kernels": True, "quantize": "4bit",
    }  # fmt: skip
    assert [note.partition(":")[0] for note in draft.notes] == ["template"]


@pytest.mark.parametrize(
    ("loss", "method", "kind"),
    [
        ("sigmoid", "dpo", "sigmoid"),
        ("hinge", "dpo", "hinge"),
        ("ipo", "ipo", "sigmoid"),
        ("simpo", "simpo", "sigmoid"),
    ],
)
def test_a_loss_of_pairs_is_a_method_or_a_loss(beside: Path, loss: str, method: str, kind: str) -> None:
    draft = import_llama_factory(
        {"stage": "dpo", "pref_loss": loss, "model_name_or_path": "b", "dataset": "x"}, "d", beside
    )
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults
    assert (recipe.training.method, recipe.preference.loss) == (method, kind)


def test_columns_of_other_names_and_sources_on_the_hub_are_seen(beside: Path) -> None:
    notes = import_llama_factory({"dataset": "odd,far"}, "d", beside).notes
    assert notes[0].startswith("dataset: far: a recipe has one source")
    assert notes[1].startswith("dataset_info.json: odd.columns.prompt: asked: ")
    assert import_llama_factory({"dataset": "far"}, "d", beside).recipe["data"]["source"] == "hf:owner/name"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"stage": "rm"}, "stage: 'rm': recipes have sft, dpo, kto; no texts, no rewards"),
        ({"stage": "pt"}, "stage: 'pt': recipes have sft, dpo, kto; no texts, no rewards"),
        ({"finetuning_type": "freeze"}, "finetuning_type: 'freeze': recipes have lora and full"),
        ({"dataset": None, "export_dir": "merged"}, "no 'dataset', from which a recipe has its data"),
    ],
)
def test_another_training_than_recipes_have_is_refused(changes: dict[str, Any], fault: str) -> None:
    assert [one.text for one in find_misfits({**KTO, **changes})] == [fault]


def test_pictures_are_refused_by_the_column_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text('{"x": {"columns": {"messages": "messages", "images": "i"}}}')
    with pytest.raises(UserError, match=r"x\.columns\.images: recipes train on text, not on pictures or sound$"):
        import_llama_factory({"dataset": "x"}, "d", tmp_path)


def test_an_entry_says_where_the_data_are_and_how_their_columns_are_called(tmp_path: Path) -> None:
    faq = {"hf_hub_url": "o/n", "subset": "main", "split": "train", "num_samples": 9,
           "columns": {"prompt": "asked", "response": "said"}}  # fmt: skip
    (tmp_path / "dataset_info.json").write_text(json.dumps({"faq": faq, "held": {"file_name": "h.json"}}))
    draft = import_llama_factory({"dataset": "faq", "eval_dataset": "held,more", "val_size": 0.1}, "d", tmp_path)
    data = draft.recipe["data"]
    assert (data["source"], data["validation"]) == ("hf:o/n/main:train", "data/h.json")
    assert data["options"] == {"columns": {"user": "asked", "assistant": "said"}}
    assert draft.notes == [
        "eval_dataset: more: data.validation names one source",
        "dataset_info.json: faq.num_samples: 9: the whole source is read, as its records are",
    ]


def test_settings_of_the_trainer_have_their_names_and_what_is_off_needs_no_line(beside: Path) -> None:
    more = {"ddp_timeout": 900, "trust_remote_code": True, "adapter_name_or_path": "saves/a", "save_only_model": False,
            "report_to": "none", "dataloader_num_workers": 4}  # fmt: skip
    draft = import_llama_factory({**KTO, **more}, "d", beside)
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults
    assert (recipe.launch.timeout, recipe.model.adapter, recipe.training.workers) == (900, "saves/a", 4)
    assert recipe.axolotl == {"trust_remote_code": True}
    assert [note.partition(":")[0] for note in draft.notes] == ["template"]


def test_a_broken_dataset_info_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(UserError, match=r"dataset_info\.json: not JSON"):
        import_llama_factory({"dataset": "x"}, "d", tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "an empty list is not a mapping"),
        ('{"x": 3}', "x: 3 is not a mapping"),
        ('{"x": {"columns": {"prompt": ["a"]}}}', "x.columns.prompt: a list is not text"),
    ],
)
def test_an_entry_of_another_form_is_one_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "dataset_info.json").write_text(text)
    with pytest.raises(UserError) as caught:
        import_llama_factory({"dataset": "x"}, "d", tmp_path)
    assert str(caught.value) == f"{tmp_path / 'dataset_info.json'}: {fault}"


def test_a_value_of_another_type_is_named_with_its_place(
    beside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "PROJECT", beside)
    config = beside / "x.yaml"
    config.write_text("model_name_or_path: b\ndataset: judged\nlora_rank: '8'\nlora_target: [3]\n")
    assert main(["from-llama-factory", str(config)]) == 2
    lines = f"{config}:3:12: lora_rank: '8' is not a whole number\n{config}:4:15: lora_target.0: 3 is not text\n"
    assert capsys.readouterr().err == lines
    assert not (beside / "recipes").exists()


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "_x", "a b", "profiles/x", "x/"])
def test_a_recipe_is_written_inside_recipes_alone(
    name: str, beside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "PROJECT", beside)
    (beside / "x.yaml").write_text("model_name_or_path: b\ndataset: judged\n")
    assert main(["from-llama-factory", str(beside / "x.yaml"), "--out", name]) == 2
    line = f"'{name}' cannot be a recipe's name; OUT= gives one of letters, digits, - _ . and /\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("command", "key", "tool"),
    [
        ("from-llama-factory", "model_name_or_path", "LLaMA-Factory"),
        ("from-axolotl", "base_model", "Axolotl"),
    ],
)
def test_a_configuration_of_a_third_tool_is_refused(
    command: str, key: str, tool: str, beside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "PROJECT", beside)
    config = beside / "tune.yaml"
    config.write_text("model: {_component_: torchtune.models.llama3_2.lora_llama3_2_1b, lora_rank: 64}\nepochs: 1\n")
    assert main([command, str(config)]) == 2
    line = f"{config}: no '{key}', which every configuration of {tool} has; docs/from-other-tools.md"
    assert capsys.readouterr().err == f"{line} has the names of other tools' settings\n"
    assert not (beside / "recipes").exists()


def test_noise_on_embeddings_is_a_key_of_axolotl(beside: Path) -> None:
    draft = import_llama_factory({**KTO, "neftune_noise_alpha": 5}, "d", beside)
    assert draft.recipe["axolotl"] == {"neftune_noise_alpha": 5}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats(-1, 2) | st.sampled_from(["", "x", "0.1", "all"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=4,
)
KEYS = sorted({*KTO, *CONFIGURATION["properties"], *NO_NEED, "deepspeed", "other"})


@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_whatever_a_configuration_holds_is_refused_or_imported_with_every_key_told(changes: dict[str, Any]) -> None:
    config = {**KTO, **changes}
    if not find_misfits(config):
        draft = import_llama_factory(config, "d", Path("/nowhere"))
        assert not draft.left
        assert parse(draft.format(), "x").data == draft.recipe


def test_the_command_writes_a_recipe_and_never_over_another(
    beside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "PROJECT", beside)
    (beside / "x.yaml").write_text("model_name_or_path: b\ndataset: judged\noutput_dir: saves\n")
    assert main(["from-llama-factory", str(beside / "x.yaml"), "--out", "mine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("recipes/mine.yaml")
    assert lines[1].startswith("no counterpart  output_dir: saves: ")
    assert lines[-1] == "next      make check RECIPE=mine"
    assert main(["from-llama-factory", str(beside / "x.yaml"), "--out", "mine"]) == 2
    assert "exists already" in capsys.readouterr().err
