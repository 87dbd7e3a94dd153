import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.project import PROJECT
from recipebook.recipe.axolotl_keys import (
    RECIPE_KEYS,
    RUNNER_KEYS,
    SNAPSHOT,
    find_section_faults,
    known_keys,
    rendered_key_errors,
)
from recipebook.recipe.keys import Recipe

LIGER = "axolotl.integrations.liger.LigerPlugin"


def lines(section: dict[str, object]) -> list[str]:
    return [fault.text for fault in find_section_faults(section)]


def test_keys_that_axolotl_knows_pass() -> None:
    section: dict[str, object] = {
        "dpo_norm_loss": True,
        "eval_table_size": 3,
        "flash_attention": False,
        "neftune_noise_alpha": 5,
        "plugins": [LIGER],
        "liger_rope": True,
        "special_tokens": {"pad_token": "<pad>"},
        "trl": {"beta": 0.1, "num_iterations": 4, "reward_funcs": ["a.b"]},
        "qat": {"weight_dtype": "int8"},
    }
    assert lines(section) == []


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"flash_atention": True}, "unknown key 'flash_atention' under axolotl; did you mean 'flash_attention'?"),
        ({"lora_alhpa": 9}, "unknown key 'lora_alhpa' under axolotl; did you mean lora.alpha, the recipe's own key?"),
        ({"trl": {"bta": 1}}, "unknown key 'bta' under axolotl.trl; did you mean 'beta'?"),
        ({"trl": {"beta": "x"}}, "axolotl.trl.beta: 'x' is not a number"),
        ({"trl": {"vllm_mode": "x"}}, "axolotl.trl.vllm_mode: 'x' is not one of: server, colocate"),
        ({"rl": "dpo"}, "axolotl.rl has a name of its own in recipes: write training.method instead"),
        ({"flash_attention": "yes"}, "axolotl.flash_attention: 'yes' is not true or false"),
        ({"eval_table_size": True}, "axolotl.eval_table_size: true is not a whole number"),
        ({"plugins": "x"}, "axolotl.plugins: 'x' is not a list"),
        ({"plugins": [3]}, "axolotl.plugins.0: 3 is not text"),
        ({"qat": {"weight_dtype": "int9"}}, "axolotl.qat.weight_dtype: 'int9' is not one of: "
         "int4, int8, float8_e4m3fn, nvfp4, mxfp4, ternary, fp8, float8"),
        ({"liger_rope": True},
         f"unknown key 'liger_rope' under axolotl; it belongs to a plugin: add {LIGER} to plugins"),
        ({"output_dir": "x"}, "axolotl.output_dir is set by the runner"),
        ({"num_epochs": 3}, "axolotl.num_epochs has a name of its own in recipes: write training.epochs instead"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_the_key(section: dict[str, object], line: str) -> None:
    assert lines(section) == [line]


def test_a_rendered_config_is_checked_without_refusing_the_runners_keys() -> None:
    datasets = [{"path": "x", "type": "alpaca"}]
    assert (
        rendered_key_errors({"base_model": "x", "learning_rate": 1e-4, "output_dir": "y", "datasets": datasets}) == []
    )


def test_a_rendered_config_may_misspell_nothing_at_any_depth() -> None:
    config = {"datasets": [{"path": "x", "typ": "alpaca"}], "num_epoch": 3, "sequence_len": "9"}
    assert rendered_key_errors(config) == [
        "unknown key 'typ' under datasets.0; did you mean 'type'?",
        "unknown key 'num_epoch'; did you mean 'num_epochs'?",
        "sequence_len: '9' is not a whole number",
    ]


def test_every_refused_key_is_one_of_axolotls_and_points_to_one_of_ours() -> None:
    assert RECIPE_KEYS.keys() | RUNNER_KEYS <= known_keys()
    for own in RECIPE_KEYS.values():
        model: object = Recipe
        for part in own.split("."):
            assert part in getattr(model, "model_fields", {}), own
            annotation = model.model_fields[part].annotation  # type: ignore[attr-defined]
            model = next(
                (kind for kind in getattr(annotation, "__args__", ()) if hasattr(kind, "model_fields")), annotation
            )


def test_make_schemas_writes_the_snapshot_of_the_installed_axolotl(tmp_path: Path) -> None:
    pytest.importorskip("axolotl")
    goal = ["make", "--dry-run", "--old-file", ".venv/ready", "schemas"]
    steps = subprocess.run(goal, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert "-m trainer.axolotl_snapshot\n" in steps
    for folder in ("recipebook", "trainer"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    copied = tmp_path / SNAPSHOT.relative_to(PROJECT)
    copied.write_text("{}")
    offline = {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "trainer.axolotl_snapshot"]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **offline}, capture_output=True, check=True)
    assert copied.read_text() == SNAPSHOT.read_text(), "run make schemas"
